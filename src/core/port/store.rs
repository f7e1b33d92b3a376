use crate::decider::StreamState;
use crate::event::Recorded;
use crate::identity::StreamId;

use super::{
    AgentLogs, Answers, Append, AppendError, Costs, DeadLetters, EarlyChecks, ExecutionLogs, Heartbeats, Housekeeping,
    Inbox, LeaderTerm, Learnings, LeaseRenewals, Outbox, PortFuture, ReadModels, Receipt, StoreClock, StoreFailure,
    Tokens,
};

/// The log.
pub trait EventStore: Send + Sync {
    /// Appends, in one transaction, under the log's lock: checks key, expected version and guards (in that order), records
    /// events, row, effects and key. Positions are given in commit order. The answer comes after the commit is durable.
    ///
    /// The future may be dropped at any time; the append then happens entirely or not at all.
    fn append(&self, append: Append) -> PortFuture<'_, Result<Receipt, AppendError>>;

    /// Events of one stream with a version above `after`, oldest first, at most `limit`.
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        after: u64,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>>;

    /// Events of all streams with a position above `after`, in order of position, at most `limit`.
    fn read_log<'a>(
        &'a self,
        after: u64,
        limit: usize,
        filter: &'a LogFilter,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>>;

    /// The highest position; 0 for an empty log.
    fn head(&self) -> PortFuture<'_, Result<u64, StoreFailure>>;

    /// Resolves when the log may have grown past `position`: at once where it has, else when somebody (here or on another
    /// replica) commits. It may resolve too early, never not at all.
    fn wait_past(&self, position: u64) -> PortFuture<'_, Result<(), StoreFailure>>;

    /// The stream's state and version; `None` for a stream without events. It is the row where that was written by this
    /// build's projections, else a replay.
    fn load<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<(u64, StreamState)>, StoreFailure>>;
}

/// Which events of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// UPPER_SNAKE names; empty: all.
    pub types: Vec<String>,
}

/// All that a store provides, as one object; built from one configuration, closed as one.
pub trait Store:
    EventStore
    + ReadModels
    + Outbox
    + Inbox
    + Answers
    + Heartbeats
    + EarlyChecks
    + Housekeeping
    + Tokens
    + LeaderTerm
    + LeaseRenewals
    + StoreClock
    + ExecutionLogs
    + DeadLetters
    + AgentLogs
    + Learnings
    + Costs
{
    /// `postgres`, `sqlite` or `memory`.
    fn name(&self) -> &'static str;

    /// Whether other processes may open it too, while this one has it open.
    fn is_shared(&self) -> bool;

    /// Where it is, for people: no password.
    fn location(&self) -> String;

    /// Whether it answers: a trivial round trip.
    fn ping(&self) -> PortFuture<'_, Result<(), StoreFailure>>;

    /// Finishes what is under way and lets go of files and connections; later calls are [`StoreFailure::Unavailable`].
    fn close(&self) -> PortFuture<'_, ()>;
}
