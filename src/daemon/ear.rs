//! Whether the daemon has been listening all the time, by the clock that all durations come from.

use std::sync::{Arc, Mutex, PoisonError};

use conductor_actors::{Counters, Pass};
use conductor_adapters::store_time::StoreTime;
use conductor_core::expiry::{Listening, Reading};
use conductor_core::port::{Store, StoreFailure};
use conductor_core::time::Timestamp;
use tokio::time::Instant;

/// Reads the clocks.
pub struct Ear {
    store: Arc<dyn Store>,
    time: Arc<StoreTime>,
    began: Instant,
    listening: Mutex<Option<Listening>>,
}

/// What a reading told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Now, by the store's clock.
    pub now: Timestamp,
    /// Since when the daemon has been listening without a break.
    pub since: Timestamp,
}

impl Ear {
    /// Reads the clock of that store, which `time` follows.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, time: Arc<StoreTime>) -> Self {
        Self { store, time, began: Instant::now(), listening: Mutex::default() }
    }

    /// Reads all clocks, once more.
    ///
    /// # Errors
    /// When the store doesn't answer: nobody listens then.
    pub async fn listen(&self) -> Result<Heard, StoreFailure> {
        let told = self.store.store_now().await?;
        let (wall, monotonic) = (self.time.wall(), self.began.elapsed());
        if let Some(store) = told {
            self.time.follow(store, wall);
        }
        let reading = Reading { monotonic, wall, store: told.unwrap_or(wall) };
        // A reading is taken in whole or not at all, so a poisoned lock is as good as any.
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *listening {
            Some(listening) => {
                if listening.hear(reading) {
                    tracing::warn!(since = %reading.store, "listening was broken off: every silence counts from now on");
                }
            }
            None => *listening = Some(Listening::begin(reading)),
        }
        let since = listening.map_or(reading.store, |listening| listening.since());
        Ok(Heard { now: reading.store, since })
    }
}

/// The pass that listens, on every replica: whichever leads next has to know what it could hear.
pub struct Listen(pub Arc<Ear>);

impl Pass for Listen {
    const NAME: &'static str = "listening";

    async fn run(&self) -> Result<Counters, String> {
        let heard = self.0.listen().await.map_err(|error| error.to_string())?;
        Ok(Counters::default().with("seconds", heard.now.since(heard.since).as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use conductor_adapters::memory::MemoryStore;
    use conductor_core::port::Clock;

    struct Walls(Instant);

    impl Clock for Walls {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_800_000_000_000).plus(self.0.elapsed())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_was_away_begins_to_listen_anew() {
        let walls = Arc::new(Walls(Instant::now()));
        let ear = Ear::new(MemoryStore::new(), Arc::new(StoreTime::over(Arc::clone(&walls) as _)));
        let first = ear.listen().await.unwrap();
        assert_eq!((first.now, first.since), (walls.now(), walls.now()));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(ear.listen().await.unwrap(), Heard { now: walls.now(), since: first.since });
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(ear.listen().await.unwrap(), Heard { now: walls.now(), since: walls.now() });
    }
}
