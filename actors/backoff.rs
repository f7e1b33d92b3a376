//! How long something that failed rests before it is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// Exponential back-off: doubled with each failure up to a cap, forgotten after a calm period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The first rest.
    pub first: Duration,
    /// The longest rest.
    pub cap: Duration,
    /// Without a failure for this long the next rest is the first one again.
    pub calm: Duration,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), cap: Duration::from_secs(30), calm: Duration::from_secs(60) }
    }
}

impl BackoffSettings {
    /// The rest after the `failures`-th failure in a row (from 1).
    #[must_use]
    pub fn rest(&self, failures: u32) -> Duration {
        // 2^20 times the shortest sensible rest is beyond every cap; the shift can't overflow.
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The rest after the `failures`-th failure in a row, spread over its upper half by a random number, so that what
    /// failed together doesn't come back together.
    #[must_use]
    pub fn rest_with_jitter(&self, failures: u32, random: u128) -> Duration {
        let rest = self.rest(failures);
        let per_mille = u32::try_from(random % 501).unwrap_or(0);
        rest - rest * per_mille / 1000
    }
}

/// Failures in a row, with the time of the last one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Streak {
    failures: u32,
    last: Option<Instant>,
}

impl Streak {
    /// Counts a failure and says how long to rest.
    pub(crate) fn failed(&mut self, settings: &BackoffSettings, now: Instant) -> Duration {
        if self.is_calm(settings, now) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some(now);
        settings.rest(self.failures)
    }

    /// Whether nothing failed for the calm period.
    pub(crate) fn is_calm(&self, settings: &BackoffSettings, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= settings.calm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BackoffSettings = BackoffSettings {
        first: Duration::from_millis(100),
        cap: Duration::from_secs(1),
        calm: Duration::from_secs(60),
    };

    #[test]
    fn rests_double_up_to_the_cap() {
        let rests: Vec<u128> = (1..=6).map(|failures| SETTINGS.rest(failures).as_millis()).collect();
        assert_eq!(rests, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(SETTINGS.rest(u32::MAX), SETTINGS.cap);
    }

    #[test]
    fn jitter_stays_within_the_upper_half() {
        for random in [0, 1, 250, 500, 501, u128::MAX] {
            let rest = SETTINGS.rest_with_jitter(4, random);
            assert!((400..=800).contains(&rest.as_millis()), "{rest:?} for {random}");
        }
        assert_ne!(SETTINGS.rest_with_jitter(4, 0), SETTINGS.rest_with_jitter(4, 500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_calm_period_forgets_the_streak() {
        let mut streak = Streak::default();
        assert_eq!(streak.failed(&SETTINGS, Instant::now()).as_millis(), 100);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(streak.failed(&SETTINGS, Instant::now()).as_millis(), 200);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(streak.is_calm(&SETTINGS, Instant::now()));
        assert_eq!(streak.failed(&SETTINGS, Instant::now()).as_millis(), 100);
    }
}
