use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// A place that is not there after this long is nobody's: its transaction was given up.
const GAP_PATIENCE: Duration = Duration::from_secs(5);

/// How far a table was read whose places are given in order and committed in any: where one is missing, what lies behind it is
/// read again until it is there, or nobody's.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Everything up to here was seen, or is nobody's.
    floor: u64,
    /// What was seen beyond.
    seen: BTreeSet<u64>,
    /// Since when the place after the floor is missing.
    missing_since: Option<Instant>,
}

impl Cursor {
    /// Reads on after that place.
    pub(super) fn after(floor: u64) -> Self {
        Self { floor, seen: BTreeSet::new(), missing_since: None }
    }

    /// After which place to read.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Notes a place; whether it is new.
    pub(super) fn see(&mut self, place: u64) -> bool {
        place > self.floor && self.seen.insert(place)
    }

    /// Moves on as far as nothing is missing any more that may still come.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(next) = self.seen.first().copied() {
            if next > self.floor + 1 {
                let since = *self.missing_since.get_or_insert(now);
                if now.duration_since(since) < GAP_PATIENCE {
                    return;
                }
            }
            self.seen.pop_first();
            self.floor = next;
            self.missing_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(cursor: &mut Cursor, places: &[u64], now: Instant) -> Vec<u64> {
        let fresh = places.iter().copied().filter(|place| cursor.see(*place)).collect();
        cursor.settle(now);
        fresh
    }

    #[test]
    fn nothing_is_told_twice_and_what_is_committed_late_is_told() {
        let (mut cursor, now) = (Cursor::after(10), Instant::now());
        assert_eq!(see(&mut cursor, &[11, 12], now), [11, 12]);
        assert_eq!(cursor.floor(), 12);
        assert_eq!(see(&mut cursor, &[14, 15], now), [14, 15]);
        assert_eq!(cursor.floor(), 12, "thirteen may still come");
        assert_eq!(see(&mut cursor, &[13, 14, 15, 16], now), [13, 16]);
        assert_eq!(cursor.floor(), 16);
        assert_eq!(see(&mut cursor, &[9, 16], now), [0; 0]);
    }

    #[test]
    fn a_place_that_never_comes_is_waited_for_only_so_long() {
        let (mut cursor, begun) = (Cursor::after(0), Instant::now());
        see(&mut cursor, &[2, 3, 5], begun);
        assert_eq!(cursor.floor(), 0);
        see(&mut cursor, &[], begun + GAP_PATIENCE);
        assert_eq!(cursor.floor(), 3, "four is missing since just now");
        see(&mut cursor, &[], begun + 2 * GAP_PATIENCE);
        assert_eq!(cursor.floor(), 5);
    }
}
