use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use crate::backoff::BackoffSettings;

/// Something to be done again and again.
pub trait Pass: Send + Sync + 'static {
    /// Its name, on the board and for nudges.
    const NAME: &'static str;

    /// Does what is to be done now, and says what that was. May be cut off at any await.
    ///
    /// # Errors
    /// In words; the pass then rests, longer with each failure in a row.
    fn run(&self) -> impl Future<Output = Result<Counters, String>>;
}

/// When a pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// From the end of a tick to the next one, unless nudged.
    pub period: Duration,
    /// A tick that takes longer is cut off.
    pub deadline: Duration,
    /// The rest after a failure, whatever the period: a frequent pass rests longer than that, a rare one comes back sooner.
    pub backoff: BackoffSettings,
}

impl Cadence {
    /// Every `period`, each tick within a minute.
    #[must_use]
    pub fn every(period: Duration) -> Self {
        Self { period, deadline: Duration::from_secs(60), backoff: BackoffSettings::default() }
    }
}

/// What a tick counted, by name, and what it says about the next one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    counts: BTreeMap<&'static str, u64>,
    after: Option<Duration>,
    standby: bool,
    detail: Option<String>,
}

impl Counters {
    /// Of a tick that did nothing because it is another process that does it.
    #[must_use]
    pub fn standing_by() -> Self {
        Self { standby: true, ..Self::default() }
    }

    /// Adds to one count.
    pub fn add(&mut self, name: &'static str, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }

    /// The same with one count more.
    #[must_use]
    pub fn with(mut self, name: &'static str, count: u64) -> Self {
        self.add(name, count);
        self
    }

    /// There is more to do than one tick should: go on at once, after whoever else waits for the thread.
    #[must_use]
    pub fn and_more(self) -> Self {
        self.again_in(Duration::ZERO)
    }

    /// The next tick comes then, instead of after the period.
    #[must_use]
    pub fn again_in(mut self, rest: Duration) -> Self {
        self.after = Some(rest);
        self
    }

    /// The same with a word for people.
    #[must_use]
    pub fn saying(mut self, detail: String) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Whether there is more to do at once.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.after == Some(Duration::ZERO)
    }

    /// From here to the next tick, where that isn't the period.
    #[must_use]
    pub fn next_after(&self) -> Option<Duration> {
        self.after
    }

    /// Whether another process does it.
    #[must_use]
    pub fn stands_by(&self) -> bool {
        self.standby
    }

    /// A word for people.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// One count; 0 where nothing was counted.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// All counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.iter().map(|(name, count)| (*name, *count))
    }
}
