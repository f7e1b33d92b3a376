//! Admission: an exact bound on what is under way. Mailboxes are unbounded behind it, since actix bounds them softly.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::request::Rejected;

/// A fixed number of places. A place is taken by a permit that travels with the request until it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    size: usize,
    retry_after: Duration,
}

impl Gate {
    pub(crate) fn new(size: usize, retry_after: Duration) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(size)), size, retry_after }
    }

    /// Takes a place, or says at once that there is none.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Rejected> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => Rejected::Busy { retry_after: self.retry_after },
            TryAcquireError::Closed => Rejected::Draining,
        })
    }

    /// Lets nobody in any more; who is in finishes.
    pub(crate) fn close(&self) {
        self.places.close();
    }

    /// How many are in.
    pub(crate) fn under_way(&self) -> usize {
        self.size - self.places.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_exact_and_a_place_comes_back() {
        let gate = Gate::new(2, Duration::from_secs(3));
        let (first, _second) = (gate.enter().unwrap(), gate.enter().unwrap());
        assert_eq!(gate.enter().unwrap_err(), Rejected::Busy { retry_after: Duration::from_secs(3) });
        drop(first);
        assert_eq!(gate.under_way(), 1);
        assert!(gate.enter().is_ok());
    }

    #[test]
    fn a_closed_gate_says_draining_and_keeps_count_of_who_is_in() {
        let gate = Gate::new(1, Duration::from_secs(1));
        let inside = gate.enter().unwrap();
        gate.close();
        assert_eq!(gate.enter().unwrap_err(), Rejected::Draining);
        assert_eq!(gate.under_way(), 1);
        drop(inside);
        assert_eq!(gate.under_way(), 0);
    }
}
