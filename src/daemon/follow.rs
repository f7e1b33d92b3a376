//! What other replicas wrote, brought into what this one keeps in mind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conductor_actors::{Coordinator, Counters, Pass, StateListener};
use conductor_core::identity::StreamId;
use conductor_core::port::{LogFilter, Store};
use conductor_http::numbers::Numbers;
use conductor_http::repo_names::RepoNames;

use super::reviews::ReviewIndex;
use super::work_index::WorkIndex;

/// Events read in one tick.
const BATCH: usize = 1000;

/// The pass that follows the log by position.
pub struct FollowLog {
    coordinator: Coordinator,
    store: Arc<dyn Store>,
    index: Arc<WorkIndex>,
    reviews: Arc<ReviewIndex>,
    numbers: Arc<Numbers>,
    names: Arc<RepoNames>,
    position: AtomicU64,
}

impl FollowLog {
    /// Follows from `position` on: what the index was filled with.
    #[must_use]
    pub fn new(
        coordinator: Coordinator,
        index: Arc<WorkIndex>,
        reviews: Arc<ReviewIndex>,
        numbers: Arc<Numbers>,
        names: Arc<RepoNames>,
        position: u64,
    ) -> Self {
        let store = Arc::clone(coordinator.store());
        Self { coordinator, store, index, reviews, numbers, names, position: AtomicU64::new(position) }
    }
}

impl Pass for FollowLog {
    const NAME: &'static str = "follow-log";

    async fn run(&self) -> Result<Counters, String> {
        let after = self.position.load(Ordering::Acquire);
        let events =
            self.store.read_log(after, BATCH, &LogFilter::default()).await.map_err(|error| error.to_string())?;
        let Some(last) = events.last() else { return Ok(Counters::default()) };
        // Their effects are the leader's to deliver, which may be this process.
        self.coordinator.nudge_led_lanes();
        let (last, full) = (last.position, events.len() == BATCH);
        for event in &events {
            match &event.stream {
                StreamId::PullRequest(reference) => self.numbers.is_pull_request(reference),
                StreamId::Issue(_) | StreamId::Agent(_) | StreamId::Rig => {}
            }
        }
        let behind: BTreeSet<StreamId> = events
            .iter()
            .filter(|event| match &event.stream {
                StreamId::Issue(_) | StreamId::Agent(_) | StreamId::Rig => {
                    self.index.version_of(&event.stream) < event.version
                }
                StreamId::PullRequest(reference) => self.reviews.version_of(reference) < event.version,
            })
            .map(|event| event.stream.clone())
            .collect();
        for stream in &behind {
            if let Some((version, state)) = self.store.load(stream).await.map_err(|error| error.to_string())? {
                self.index.changed(stream, version, &state);
                self.reviews.changed(stream, version, &state);
                self.names.changed(stream, version, &state);
            }
        }
        self.position.store(last, Ordering::Release);
        let counters = Counters::default().with("events", events.len() as u64).with("streams", behind.len() as u64);
        Ok(if full { counters.and_more() } else { counters })
    }
}
