//! The machine's wall clock: the only place that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use conductor_core::port::Clock;
use conductor_core::time::Timestamp;

/// The wall clock; it may jump, which the callers of [`Clock`] allow for.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock adapter")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        // A clock before 1970 counts backwards from there instead of stopping the daemon.
        let millis = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        };
        Timestamp::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_a_time_of_this_age_and_goes_on() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert!(first > Timestamp::parse("2026-01-01T00:00:00Z").unwrap(), "{first}");
        assert!(second >= first);
    }
}
