//! Last heartbeats, in batches: 10,000 agents that say nothing new must not cost 10,000 writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conductor_core::decider::PORT_DEADLINE;
use conductor_core::identity::Claimant;
use conductor_core::port::Store;
use conductor_core::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long heartbeats are gathered. With the write itself they are at most 1 s late (domain, events).
const GATHER: Duration = Duration::from_millis(500);
/// Claimants that may wait for one write; five times the agents that are foreseen.
const MOST: usize = 50_000;

/// Gathers heartbeats and writes the newest of each claimant.
#[derive(Clone)]
pub struct HeartbeatBatcher {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    waiting: Mutex<BTreeMap<Claimant, Timestamp>>,
    heard: Notify,
    closing: watch::Sender<bool>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl HeartbeatBatcher {
    /// Starts the writer on the current Tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Self {
        let shared = Arc::new(Shared {
            store,
            waiting: Mutex::default(),
            heard: Notify::new(),
            closing: watch::Sender::new(false),
            writer: tokio::sync::Mutex::new(None),
        });
        let writer = tokio::spawn(write_until_closed(Arc::clone(&shared)));
        if let Ok(mut place) = shared.writer.try_lock() {
            *place = Some(writer);
        }
        Self { shared }
    }

    /// Notes a heartbeat; `false` when too many claimants wait already and this one is new among them (it will be heard
    /// again soon, and its event, if there is one, doesn't depend on this).
    pub fn heard(&self, claimant: Claimant, at: Timestamp) -> bool {
        let noted = note(&mut self.shared.waiting(), claimant, at);
        self.shared.heard.notify_one();
        noted
    }

    /// What was heard and isn't written yet: readers join it, so that whoever was just heard is seen at once.
    #[must_use]
    pub fn unwritten(&self) -> BTreeMap<Claimant, Timestamp> {
        self.shared.waiting().clone()
    }

    /// Writes what waits and ends; what is heard later is lost.
    pub async fn close(&self) {
        self.shared.closing.send_replace(true);
        let writer = self.shared.writer.lock().await.take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "failed to finish the heartbeat writer: {error}");
        }
    }
}

impl Shared {
    /// A map of times has no broken in-between, so a poisoned lock is as good as any.
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Claimant, Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything that waited is written. What waits stays until it is, so a write that is cut off loses nothing.
    async fn write(&self) -> bool {
        let batch: Vec<(Claimant, Timestamp)> =
            self.waiting().iter().map(|(claimant, at)| (claimant.clone(), *at)).collect();
        if batch.is_empty() {
            return true;
        }
        let problem = match tokio::time::timeout(PORT_DEADLINE, self.store.heard(&batch)).await {
            Ok(Ok(())) => {
                let mut waiting = self.waiting();
                for (claimant, at) in &batch {
                    if waiting.get(claimant).is_some_and(|last| last <= at) {
                        waiting.remove(claimant);
                    }
                }
                return true;
            }
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "reach the store: no answer in time".to_owned(),
        };
        tracing::warn!(claimants = batch.len(), "keeping last heartbeats for another try: failed to {problem}");
        false
    }
}

fn note(waiting: &mut BTreeMap<Claimant, Timestamp>, claimant: Claimant, at: Timestamp) -> bool {
    let full = waiting.len() >= MOST;
    match waiting.get_mut(&claimant) {
        Some(last) => *last = at.max(*last),
        None if full => return false,
        None => {
            waiting.insert(claimant, at);
        }
    }
    true
}

async fn write_until_closed(shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    let closed = async move {
        // An error means that the sender is gone, which this task's own share of it rules out.
        let _ = closing.wait_for(|closing| *closing).await;
    };
    let writing = async {
        loop {
            shared.heard.notified().await;
            tokio::time::sleep(GATHER).await;
            if !shared.write().await {
                shared.heard.notify_one();
            }
        }
    };
    tokio::select! {
        () = closed => {}
        () = writing => {}
    }
    shared.write().await;
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(batcher.shared.waiting().is_empty());
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
        assert!(!batcher.shared.write().await);
        assert_eq!(batcher.shared.waiting().get(&claimant("a")), Some(&at(1)));
    }

    #[test]
    fn the_number_of_waiting_claimants_is_bounded_and_known_ones_still_move() {
        let mut waiting: BTreeMap<Claimant, Timestamp> =
            (0..MOST).map(|index| (claimant(&format!("agent-{index}")), at(1))).collect();
        assert!(!note(&mut waiting, claimant("one-more"), at(2)));
        assert!(note(&mut waiting, claimant("agent-0"), at(2)));
        assert_eq!((waiting.len(), waiting[&claimant("agent-0")]), (MOST, at(2)));
    }
}
