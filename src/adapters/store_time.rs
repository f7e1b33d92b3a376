//! The time of the store: what all daemons on one database agree on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use conductor_core::port::Clock;
use conductor_core::time::Timestamp;

/// This machine's wall clock, corrected by what the store's clock was last seen to be ahead of it.
///
/// Times of replicas on machines whose clocks differ can be compared so, and a lease is as long for all of them. It may be off
/// by what a round trip to the store takes, which no duration of ours is near.
pub struct StoreTime {
    wall: Arc<dyn Clock>,
    ahead_ms: AtomicI64,
}

/// Within this they agree: a correction for each round trip's jitter would make time step back and forth.
const AGREEMENT: Duration = Duration::from_millis(250);

impl StoreTime {
    /// The wall clock's time, until the store says another.
    #[must_use]
    pub fn over(wall: Arc<dyn Clock>) -> Self {
        Self { wall, ahead_ms: AtomicI64::new(0) }
    }

    /// What the wall clock says, uncorrected.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.wall.now()
    }

    /// The store's clock said `store` when the wall clock said `wall`.
    pub fn follow(&self, store: Timestamp, wall: Timestamp) {
        let corrected = self.correct(wall);
        if store.since(corrected).max(corrected.since(store)) > AGREEMENT {
            self.ahead_ms.store(store.as_millis() - wall.as_millis(), Ordering::Release);
        }
    }

    fn correct(&self, wall: Timestamp) -> Timestamp {
        Timestamp::from_millis(wall.as_millis() + self.ahead_ms.load(Ordering::Acquire))
    }
}

impl Clock for StoreTime {
    fn now(&self) -> Timestamp {
        self.correct(self.wall.now())
    }
}

impl std::fmt::Debug for StoreTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreTime").field("ahead_ms", &self.ahead_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            at(1_000_000)
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn it_follows_the_store_and_not_each_round_trips_jitter() {
        let time = StoreTime::over(Arc::new(Stopped));
        assert_eq!(time.now(), at(1_000_000));
        for (store, wanted) in [
            (1_000_200, 1_000_000),
            (1_000_300, 1_000_300),
            (1_000_100, 1_000_300),
            (900_000, 900_000),
            (1_000_000, 1_000_000),
        ] {
            time.follow(at(store), time.wall());
            assert_eq!(time.now(), at(wanted), "after {store}");
        }
    }
}
