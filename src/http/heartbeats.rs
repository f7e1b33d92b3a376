//! Last heartbeats, in batches: 10,000 agents that say nothing new must not cost 10,000 writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use conductor_core::identity::Claimant;
use conductor_core::port::{PortFuture, Store, StoreFailure};
use conductor_core::time::Timestamp;

use crate::batch::{Batcher, Gathered};

/// Gathers heartbeats and writes the newest of each claimant.
#[derive(Clone)]
pub struct HeartbeatBatcher(Batcher<Heard>);

struct Heard(Arc<dyn Store>);

impl Gathered for Heard {
    type Key = Claimant;
    type News = Timestamp;

    const WHAT: &'static str = "last heartbeats";

    fn take(waiting: &mut Timestamp, newer: &Timestamp) {
        *waiting = (*waiting).max(*newer);
    }

    fn write<'a>(&'a self, batch: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.0.heard(batch)
    }
}

impl HeartbeatBatcher {
    /// Starts the writer on the current Tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Self {
        Self(Batcher::start(Heard(store)))
    }

    /// Notes a heartbeat; `false` when too many claimants wait already and this one is new among them (it will be heard
    /// again soon, and its event, if there is one, doesn't depend on this).
    pub fn heard(&self, claimant: Claimant, at: Timestamp) -> bool {
        self.0.note(claimant, at)
    }

    /// What was heard and isn't written yet: readers join it, so that whoever was just heard is seen at once.
    #[must_use]
    pub fn unwritten(&self) -> BTreeMap<Claimant, Timestamp> {
        self.0.unwritten()
    }

    /// Writes what waits and ends; what is heard later is lost.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::batch::MOST;
    use conductor_adapters::memory::MemoryStore;
    use tokio::time::Instant;

    fn claimant(text: &str) -> Claimant {
        Claimant::parse(text).unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    async fn written(store: &Arc<dyn Store>) -> Vec<(String, Timestamp)> {
        let heard = store.last_heartbeats().await.unwrap();
        heard.into_iter().map(|last| (last.claimant.to_string(), last.at)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_heartbeat_of_each_claimant_is_written_within_a_second() {
        let store: Arc<dyn Store> = MemoryStore::new();
        let batcher = HeartbeatBatcher::start(Arc::clone(&store));
        let began = Instant::now();
        for (who, when) in [("a", 1), ("b/1", 5), ("a", 3), ("a", 2)] {
            assert!(batcher.heard(claimant(who), at(when)));
        }
        while written(&store).await.len() < 2 && began.elapsed() <= Duration::from_secs(1) {
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert_eq!(written(&store).await, [("a".to_owned(), at(3)), ("b/1".to_owned(), at(5))]);
        assert!(batcher.unwritten().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_writes_what_waits() {
        let store: Arc<dyn Store> = MemoryStore::new();
        let batcher = HeartbeatBatcher::start(Arc::clone(&store));
        batcher.heard(claimant("a"), at(1));
        batcher.close().await;
        assert_eq!(written(&store).await, [("a".to_owned(), at(1))]);
        batcher.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_written_waits_for_the_next_try() {
        let store: Arc<dyn Store> = MemoryStore::new();
        store.close().await;
        let batcher = HeartbeatBatcher::start(Arc::clone(&store));
        batcher.heard(claimant("a"), at(1));
        assert!(!batcher.0.write().await);
        assert_eq!(batcher.unwritten(), [(claimant("a"), at(1))].into());
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_waiting_claimants_is_bounded_and_known_ones_still_move() {
        let batcher = HeartbeatBatcher::start(MemoryStore::new());
        for index in 0..MOST {
            assert!(batcher.heard(claimant(&format!("agent-{index}")), at(1)));
        }
        assert!(!batcher.heard(claimant("one-more"), at(2)));
        assert!(batcher.heard(claimant("agent-0"), at(2)));
        let waiting = batcher.unwritten();
        assert_eq!((waiting.len(), waiting[&claimant("agent-0")]), (MOST, at(2)));
    }
}
