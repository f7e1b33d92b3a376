//! What every endpoint is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use conductor_actors::Coordinator;
use conductor_core::identity::{AgentId, Claimant, IssueRef, RepoName};
use conductor_core::port::{PortFuture, Store, StoreFailure};
use conductor_core::pull_request::PullRequest;
use conductor_core::review::Step;
use conductor_core::roster::Policy;
use conductor_core::time::Timestamp;

use crate::caller::Admission;
use crate::health::{Dependency, StoreDependency};
use crate::heartbeats::HeartbeatBatcher;
use crate::leases::LeaseKeeper;
use crate::lines::{LineFeed, LinePublisher};
use crate::live::LiveFeed;
use crate::memory_use::MemoryUses;
use crate::numbers::Numbers;
use crate::repo_names::RepoNames;
use crate::wire::{AssignmentView, ReviewView};
use conductor_actors::Rejected;
use conductor_core::claim::{Obstacle, QueueEntry};

/// Hands out work.
pub trait Claims: Send + Sync {
    /// What this claimant works on next: the same not yet started assignment as before, else a fresh one, else nothing.
    /// Repeatable: asking again, however often, never gives a second one.
    fn next(&self, claimant: Claimant) -> PortFuture<'_, Result<Option<AssignmentView>, Rejected>>;
}

/// Hands out reviews.
pub trait Reviews: Send + Sync {
    /// What this reviewer is asked to judge: the same open dispatch as before, else what the rule of dispatch has for it now,
    /// else nothing. Repeatable.
    fn next(&self, reviewer: AgentId) -> PortFuture<'_, Result<Option<ReviewView>, Rejected>>;

    /// What the rule of dispatch says of a pull request now.
    fn outlook(&self, pull: PullRequest) -> PortFuture<'_, Result<Step, StoreFailure>>;
}

/// An issue that waits for a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What is wanted.
    pub entry: QueueEntry,
    /// What holds it back, whoever asks.
    pub obstacles: Vec<Obstacle>,
}

/// Looks into the ready queue.
pub trait QueueView: Send + Sync {
    /// Everything that waits for a holder, in the order of hand-out.
    fn waiting(&self) -> PortFuture<'_, Result<Vec<Waiting>, Rejected>>;
}

/// Who hands out, and knows what waits.
pub struct HandOut {
    /// Work.
    pub claims: Arc<dyn Claims>,
    /// Reviews.
    pub reviews: Arc<dyn Reviews>,
    /// The queue.
    pub queue: Arc<dyn QueueView>,
}

/// The inside of the daemon, as the edge sees it. Shared by all workers.
pub struct Edge {
    /// The way to the streams.
    pub coordinator: Coordinator,
    /// Who hands out work.
    pub claims: Arc<dyn Claims>,
    /// Who hands out reviews.
    pub reviews: Arc<dyn Reviews>,
    /// Who knows the queue.
    pub queue: Arc<dyn QueueView>,
    /// What numbers are; has to be a listener of the coordinator.
    pub numbers: Arc<Numbers>,
    /// What repositories are called in the log, whatever they are called by now.
    pub names: Arc<RepoNames>,
    /// Who is let in.
    pub admission: Admission,
    /// Where heartbeats are noted.
    pub heartbeats: HeartbeatBatcher,
    /// Where signs of life of those who hold leases are noted.
    pub leases: LeaseKeeper,
    /// Who reads the log along.
    pub live: LiveFeed,
    /// Who reads agents' lines along.
    pub lines: LineFeed,
    /// Where they are told too, where there is a broker.
    pub channels: Option<LinePublisher>,
    /// What agents do with their memory.
    pub memory: MemoryUses,
    /// What `/healthz/deep` asks, side by side.
    pub dependencies: Vec<Arc<dyn Dependency>>,
    /// Whether to send requests here.
    pub readiness: Readiness,
    /// Names for requests.
    pub requests: RequestIds,
}

impl Edge {
    /// An edge over these, that watches the store alone and is not ready yet. Starts the heartbeat writer on the current
    /// Tokio runtime.
    #[must_use]
    pub fn new(
        coordinator: Coordinator,
        hand_out: HandOut,
        numbers: Arc<Numbers>,
        admission: Admission,
        live: LiveFeed,
        leases: LeaseKeeper,
    ) -> Self {
        let store = Arc::clone(coordinator.store());
        let HandOut { claims, reviews, queue } = hand_out;
        Self {
            claims,
            reviews,
            queue,
            numbers,
            names: Arc::default(),
            admission,
            heartbeats: HeartbeatBatcher::start(Arc::clone(&store)),
            leases,
            live,
            lines: LineFeed::start(Arc::clone(&store)),
            channels: None,
            memory: MemoryUses::default(),
            dependencies: vec![Arc::new(StoreDependency::new(store))],
            readiness: Readiness::default(),
            requests: RequestIds::new(coordinator.clock().now()),
            coordinator,
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        self.coordinator.store()
    }

    /// Roster and rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.coordinator.policy()
    }

    /// A repository under the log's name for it: its first one, through every rename.
    #[must_use]
    pub fn first_name(&self, repo: RepoName) -> RepoName {
        self.names.kept_under(&repo)
    }

    /// An issue or pull request, likewise.
    #[must_use]
    pub fn first_named(&self, reference: IssueRef) -> IssueRef {
        IssueRef { repo: self.first_name(reference.repo), ..reference }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.coordinator.clock().now()
    }
}

/// Whether this replica should be sent requests. A dependency that fails later never changes it.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

conductor_core::words! {
    /// Where a replica is in its life.
    pub enum Stage {
        /// Migrating, loading.
        Starting = "starting",
        /// Serving.
        Ready = "ready",
        /// Finishing what it has.
        Draining = "draining",
    }
}

impl Readiness {
    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }

    /// The stage it is in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let current = self.0.load(Ordering::Acquire);
        Stage::ALL.iter().copied().find(|stage| *stage as u8 == current).unwrap_or(Stage::Starting)
    }
}

/// Names for requests, by which their events' metadata and log lines are found: unique over restarts.
#[derive(Debug)]
pub struct RequestIds {
    started: Timestamp,
    given: AtomicU64,
}

impl RequestIds {
    /// Names of a process that started then.
    #[must_use]
    pub fn new(started: Timestamp) -> Self {
        Self { started, given: AtomicU64::new(0) }
    }

    /// A fresh name.
    #[must_use]
    pub fn next(&self) -> String {
        format!("request:{:x}-{}", self.started.as_millis(), self.given.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_starts_unready_and_remembers_its_stage() {
        let readiness = Readiness::default();
        assert_eq!(readiness.stage(), Stage::Starting);
        for stage in Stage::ALL {
            readiness.enter(*stage);
            assert_eq!(readiness.stage(), *stage);
        }
    }

    #[test]
    fn no_request_is_named_twice() {
        let names = RequestIds::new(Timestamp::from_millis(1));
        assert_ne!(names.next(), names.next());
    }
}
