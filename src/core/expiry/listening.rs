use std::time::Duration;

use crate::time::Timestamp;

/// Longer than this between two readings, and something was missed: the store was away, or this process was frozen. Shorter gaps
/// hide at most one heartbeat of each agent, and no threshold is that short.
const LONGEST_GAP: Duration = Duration::from_secs(30);
/// A clock that is further off than this from what the monotonic one says has jumped.
const JUMP: Duration = Duration::from_secs(30);

/// What the clocks say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Since some moment of this process: never set, never jumps.
    pub monotonic: Duration,
    /// This machine's wall clock.
    pub wall: Timestamp,
    /// The store's clock, from which all durations come.
    pub store: Timestamp,
}

/// Since when the daemon has been listening without a break.
///
/// After a start, an outage of the store or a jump of a clock, nobody can say who was silent before: every threshold begins
/// anew there, once. What had been silent for long gets one whole threshold more, and that is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    last: Reading,
    since: Timestamp,
}

impl Listening {
    /// Begins with the first reading that the store gave.
    #[must_use]
    pub fn begin(reading: Reading) -> Self {
        Self { last: reading, since: reading.store }
    }

    /// Takes the next reading in; true where listening had been broken off since the last one.
    pub fn hear(&mut self, reading: Reading) -> bool {
        let elapsed = reading.monotonic.saturating_sub(self.last.monotonic);
        let jumped = |before: Timestamp, after: Timestamp| {
            let wanted = before.plus(elapsed);
            after.since(wanted).max(wanted.since(after)) > JUMP
        };
        let broken =
            elapsed > LONGEST_GAP || jumped(self.last.wall, reading.wall) || jumped(self.last.store, reading.store);
        self.last = reading;
        if broken {
            self.since = reading.store;
        }
        broken
    }

    /// Since then, by the store's clock.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + second * 1000)
    }

    fn reading(monotonic: u64, wall: i64, store: i64) -> Reading {
        Reading { monotonic: Duration::from_secs(monotonic), wall: at(wall), store: at(store) }
    }

    fn after(second: u64) -> Reading {
        let wall = i64::try_from(second).unwrap();
        reading(second, wall, wall)
    }

    fn heard_for_an_hour() -> Listening {
        let mut listening = Listening::begin(after(0));
        for second in (5..=3600).step_by(5) {
            assert!(!listening.hear(after(second)));
        }
        listening
    }

    #[test]
    fn as_long_as_readings_come_it_has_listened_from_the_start() {
        assert_eq!(heard_for_an_hour().since(), at(0));
    }

    #[test]
    fn an_outage_begins_everything_anew_and_once() {
        let mut listening = heard_for_an_hour();
        assert!(!listening.hear(after(3630)), "one heartbeat missed is none");
        assert!(listening.hear(after(3661)));
        assert_eq!(listening.since(), at(3661));
        assert!(!listening.hear(after(3666)), "once");
        assert_eq!(listening.since(), at(3661));
    }

    #[test]
    fn a_clock_that_jumps_begins_everything_anew_by_the_stores_clock() {
        for (wall, store) in [(7205, 3605), (5, 3605), (3605, 7205), (3605, 5), (3636, 3605)] {
            let mut listening = heard_for_an_hour();
            assert!(listening.hear(reading(3605, wall, store)), "{wall} {store}");
            assert_eq!(listening.since(), at(store));
            assert!(!listening.hear(reading(3610, wall + 5, store + 5)), "once");
        }
    }

    #[test]
    fn a_clock_that_is_corrected_a_little_is_no_jump() {
        let mut listening = heard_for_an_hour();
        assert!(!listening.hear(reading(3605, 3634, 3580)));
        assert_eq!(listening.since(), at(0));
    }

    #[test]
    fn a_clock_that_is_wrong_all_the_time_is_no_jump() {
        let mut listening = Listening::begin(reading(0, 9999, 0));
        for second in (5..=60).step_by(5) {
            assert!(!listening.hear(reading(
                second,
                9999 + i64::try_from(second).unwrap(),
                i64::try_from(second).unwrap()
            )));
        }
    }
}
