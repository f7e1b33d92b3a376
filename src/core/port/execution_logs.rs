use crate::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, RunEnd};
use crate::identity::{AgentId, EventId, IssueRef, RepoName};
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// What runs tell of themselves: operational, bounded per run, and dropped when old.
pub trait ExecutionLogs: Send + Sync {
    /// Keeps a run that begins; `false`, and nothing written, where one has its id.
    fn begin_execution<'a>(&'a self, begun: &'a Execution) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// Adds steps, in order, up to [`MOST_STEPS`](crate::execution_log::MOST_STEPS) of them; `None` where there is no such run.
    fn add_steps<'a>(
        &'a self,
        id: EventId,
        steps: &'a [ExecutionStep],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>>;

    /// Adds lines, in order, up to [`MOST_LINES`](crate::execution_log::MOST_LINES) of them; `None` where there is no such run.
    fn add_lines<'a>(
        &'a self,
        id: EventId,
        lines: &'a [ExecutionLine],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>>;

    /// Ends a run; the first end stays. Gives whether this call ended it, `None` where there is no such run.
    fn end_execution<'a>(
        &'a self,
        id: EventId,
        end: &'a RunEnd,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<bool>, StoreFailure>>;

    /// One run.
    fn execution(&self, id: EventId) -> PortFuture<'_, Result<Option<Execution>, StoreFailure>>;

    /// Runs that match, the latest first, those of one instant by id; at most `limit`, beginning after the run `after`.
    fn executions<'a>(
        &'a self,
        filter: &'a ExecutionFilter,
        after: Option<EventId>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Execution>, StoreFailure>>;

    /// Steps of a run in the order in which they were told, without the first `skip`; at most `limit`.
    fn steps_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionStep>, StoreFailure>>;

    /// Lines of a run in the order in which they were told, without the first `skip`; at most `limit`.
    fn lines_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionLine>, StoreFailure>>;

    /// Drops runs that last told anything before that, with all they told; gives how many.
    fn drop_executions(&self, before: Timestamp) -> PortFuture<'_, Result<u64, StoreFailure>>;
}

/// Which runs; absent: any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutionFilter {
    /// In this repository.
    pub repo: Option<RepoName>,
    /// About an issue or pull request with this number.
    pub number: Option<u64>,
    /// Of this agent, all its instances together.
    pub agent: Option<AgentId>,
}

impl ExecutionFilter {
    /// Those about one issue or pull request.
    #[must_use]
    pub fn about(reference: &IssueRef) -> Self {
        Self { repo: Some(reference.repo.clone()), number: Some(reference.number), agent: None }
    }
}
