use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem::take;

/// Entries per generation; two of them are kept: of names and ids some 10 MB at most.
const GENERATION: usize = 1 << 15;

/// What was asked for lately, in bounded memory.
///
/// Two generations instead of an order of use: when the younger one is full it becomes the older one, and what was not asked
/// for since is forgotten.
#[derive(Debug)]
pub(super) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    pub(super) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.learn(key, value.clone());
        Some(value)
    }

    pub(super) fn learn(&mut self, key: K, value: V) {
        if self.young.len() == GENERATION {
            self.old = take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn forget_all(&mut self) {
        (self.young, self.old) = (HashMap::new(), HashMap::new());
    }
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut ids: Generations<String, i64> = Generations::default();
        ids.learn("kept".to_owned(), 7);
        ids.learn("forgotten".to_owned(), 8);
        for round in 0..3 {
            for stream in 0..GENERATION - 2 {
                ids.learn(format!("{round}/{stream}"), 1);
            }
            assert_eq!(ids.get("kept"), Some(7), "round {round}");
        }
        assert_eq!(ids.get("forgotten"), None);
        assert!(ids.young.len() <= GENERATION && ids.old.len() <= GENERATION);
        ids.forget_all();
        assert_eq!(ids.get("kept"), None);
    }
}
