use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::feed::NoReading;
use crate::caller::rates::Payer;

/// A reader of one caller in so many: three others find room however eager it is.
const SHARE_OF_ONE: usize = 4;
/// A caller's readers, however few there may be in all: a console in some windows, and a program or two.
const LEAST_OF_ONE: usize = 8;

/// The places of readers: so many in all, and no more than a share of them for one caller.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    most: usize,
    most_of_one: usize,
    /// Callers that have a place; who has none isn't kept.
    taken: Mutex<HashMap<Payer, usize>>,
}

/// A place of a reader. Free for the next one when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    caller: Option<Payer>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many.
    pub(crate) fn new(most: usize) -> Self {
        let most_of_one = (most / SHARE_OF_ONE).max(LEAST_OF_ONE);
        Self { all: Arc::new(Semaphore::new(most)), most, most_of_one, taken: Mutex::default() }
    }

    /// Takes a place for a caller; `None` for one that can't be told from others, and has no share of its own.
    pub(crate) fn take(self: &Arc<Self>, caller: Option<&Payer>) -> Result<Place, NoReading> {
        let mut taken = self.taken();
        if let Some(caller) = caller
            && taken.get(caller).is_some_and(|places| *places >= self.most_of_one)
        {
            return Err(NoReading::FullForOne { most: self.most_of_one });
        }
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| NoReading::Full)?;
        if let Some(caller) = caller {
            *taken.entry(caller.clone()).or_default() += 1;
        }
        drop(taken);
        Ok(Place { places: Arc::clone(self), caller: caller.cloned(), _permit: permit })
    }

    /// How many are taken.
    pub(crate) fn in_use(&self) -> usize {
        self.most - self.all.available_permits()
    }

    /// Each number is right after each single write.
    fn taken(&self) -> MutexGuard<'_, HashMap<Payer, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(caller) = self.caller.take() else { return };
        let mut taken = self.places.taken();
        match taken.get_mut(&caller) {
            Some(places) if *places > 1 => *places -= 1,
            Some(_) | None => {
                taken.remove(&caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::token::TokenId;

    fn token(bits: u64) -> Payer {
        Payer::Token(TokenId::of_random(bits))
    }

    fn fill(places: &Arc<Places>, caller: Option<&Payer>) -> (Vec<Place>, NoReading) {
        let mut held = Vec::new();
        loop {
            match places.take(caller) {
                Ok(place) => held.push(place),
                Err(no) => return (held, no),
            }
        }
    }

    #[test]
    fn one_caller_never_takes_more_than_its_share_and_others_find_room() {
        let places = Arc::new(Places::new(40));
        let (greedy, modest) = (token(1), token(2));
        let (mut held, no) = fill(&places, Some(&greedy));
        assert_eq!((held.len(), no), (10, NoReading::FullForOne { most: 10 }));
        let other = places.take(Some(&modest)).unwrap_or_else(|no| panic!("{no:?}"));
        held.pop();
        assert!(places.take(Some(&greedy)).is_ok(), "who leaves makes room");
        drop((held, other));
        assert_eq!(places.in_use(), 0);
        assert!(places.taken().is_empty(), "who reads nothing is forgotten");
    }

    #[test]
    fn callers_that_cant_be_told_apart_have_all_places_together() {
        let places = Arc::new(Places::new(40));
        let (held, no) = fill(&places, None);
        assert_eq!((held.len(), no), (40, NoReading::Full));
        assert_eq!(places.take(Some(&token(1))).err(), Some(NoReading::Full));
        assert!(places.taken().is_empty(), "who found no room has none");
    }

    #[test]
    fn where_places_are_few_a_caller_has_eight_as_far_as_there_are() {
        for (most, expected) in [(16, 8), (3, 3), (33, 8), (2_000, 500)] {
            assert_eq!(fill(&Arc::new(Places::new(most)), Some(&token(1))).0.len(), expected, "of {most}");
        }
    }
}
