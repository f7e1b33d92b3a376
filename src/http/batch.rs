//! What comes too often to be written one by one: gathered, and written together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conductor_core::decider::PORT_DEADLINE;
use conductor_core::port::{PortFuture, StoreFailure};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long it is gathered. With the write itself everything is at most 1 s late (domain, events).
const GATHER: Duration = Duration::from_millis(500);
/// Entries that may wait for one write; five times the agents that are foreseen.
pub(crate) const MOST: usize = 50_000;

/// Something of which the newest counts.
pub(crate) trait Gathered: Send + Sync + 'static {
    /// Whose it is.
    type Key: Ord + Clone + Send + Sync;
    /// What is known.
    type News: Clone + PartialEq + Send + Sync;

    /// What it is called in the log.
    const WHAT: &'static str;

    /// Adds `newer` to what waits.
    fn take(waiting: &mut Self::News, newer: &Self::News);

    /// Writes all of it; safe to repeat.
    fn write<'a>(&'a self, batch: &'a [(Self::Key, Self::News)]) -> PortFuture<'a, Result<(), StoreFailure>>;
}

/// Gathers, and writes what it gathered.
pub(crate) struct Batcher<G: Gathered> {
    shared: Arc<Shared<G>>,
}

impl<G: Gathered> Clone for Batcher<G> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<G: Gathered> {
    gathered: G,
    waiting: Mutex<BTreeMap<G::Key, G::News>>,
    heard: Notify,
    closing: watch::Sender<bool>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl<G: Gathered> Batcher<G> {
    /// Starts the writer on the current Tokio runtime.
    pub(crate) fn start(gathered: G) -> Self {
        let shared = Arc::new(Shared {
            gathered,
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

    /// Notes something; `false` when too much waits already and this one's key is new among it.
    pub(crate) fn note(&self, key: G::Key, news: G::News) -> bool {
        let noted = note::<G>(&mut self.shared.waiting(), key, news);
        self.shared.heard.notify_one();
        noted
    }

    /// What isn't written yet.
    pub(crate) fn unwritten(&self) -> BTreeMap<G::Key, G::News> {
        self.shared.waiting().clone()
    }

    /// Of that key.
    pub(crate) fn unwritten_of(&self, key: &G::Key) -> Option<G::News> {
        self.shared.waiting().get(key).cloned()
    }

    /// Writes what waits and ends; what is noted later is lost.
    pub(crate) async fn close(&self) {
        self.shared.closing.send_replace(true);
        let writer = self.shared.writer.lock().await.take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "failed to finish the writer of {}: {error}", G::WHAT);
        }
    }

    #[cfg(test)]
    pub(crate) async fn write(&self) -> bool {
        self.shared.write().await
    }
}

impl<G: Gathered> Shared<G> {
    /// Each entry is whole after each single change, so a poisoned lock is as good as any.
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<G::Key, G::News>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything that waited is written. What waits stays until it is, so a write that is cut off loses nothing.
    async fn write(&self) -> bool {
        let batch: Vec<(G::Key, G::News)> =
            self.waiting().iter().map(|(key, news)| (key.clone(), news.clone())).collect();
        if batch.is_empty() {
            return true;
        }
        let problem = match tokio::time::timeout(PORT_DEADLINE, self.gathered.write(&batch)).await {
            Ok(Ok(())) => {
                let mut waiting = self.waiting();
                for (key, written) in &batch {
                    if waiting.get(key).is_some_and(|news| news == written) {
                        waiting.remove(key);
                    }
                }
                return true;
            }
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "reach the store: no answer in time".to_owned(),
        };
        tracing::warn!(entries = batch.len(), "keeping {} for another try: failed to {problem}", G::WHAT);
        false
    }
}

fn note<G: Gathered>(waiting: &mut BTreeMap<G::Key, G::News>, key: G::Key, news: G::News) -> bool {
    let full = waiting.len() >= MOST;
    match waiting.get_mut(&key) {
        Some(known) => G::take(known, &news),
        None if full => return false,
        None => {
            waiting.insert(key, news);
        }
    }
    true
}

async fn write_until_closed<G: Gathered>(shared: Arc<Shared<G>>) {
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
