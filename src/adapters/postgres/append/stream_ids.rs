use std::collections::HashMap;
use std::mem::take;

/// Streams per generation; two of them are kept: some 10 MB at most.
const GENERATION: usize = 1 << 15;

/// The ids of streams that were written to lately, by key. A stream has one id for good, so what is in here stays true for as
/// long as the session: a database that was restored behind it has ended that.
///
/// Two generations instead of an order of use: when the younger one is full it becomes the older one, and what was not asked
/// for since is forgotten.
#[derive(Debug, Default)]
pub(super) struct StreamIds {
    young: HashMap<String, i64>,
    old: HashMap<String, i64>,
}

impl StreamIds {
    pub(super) fn get(&mut self, key: &str) -> Option<i64> {
        if let Some(id) = self.young.get(key) {
            return Some(*id);
        }
        let (key, id) = self.old.remove_entry(key)?;
        self.learn(key, id);
        Some(id)
    }

    pub(super) fn learn(&mut self, key: String, id: i64) {
        if self.young.len() == GENERATION {
            self.old = take(&mut self.young);
        }
        self.young.insert(key, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut ids = StreamIds::default();
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
    }
}
