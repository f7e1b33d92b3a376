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

/// What a tick counted, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    counts: BTreeMap<&'static str, u64>,
    more: bool,
}

impl Counters {
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
    pub fn and_more(mut self) -> Self {
        self.more = true;
        self
    }

    /// Whether there is.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
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
