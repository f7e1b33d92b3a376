use crate::decider::StreamState;
use crate::event::{Event, Metadata};
use crate::identity::{AgentId, Claimant, EventId, IssueRef, RepoName, Sha, StreamId};
use crate::reaction::Effect;
use crate::time::Timestamp;

use super::StoreFailure;

/// One append: all of it is recorded in one transaction, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// Its version as the decider saw it; 0 for a stream without events.
    pub expected: u64,
    /// At least one.
    pub events: Vec<NewEvent>,
    /// The stream's state after the events: its read-model row.
    pub snapshot: Snapshot,
    /// What follows outside the stream; only for destinations that are configured.
    pub effects: Vec<NewEffect>,
    /// What must hold under the log's lock.
    pub guards: Vec<Guard>,
    /// Recognises a repeat.
    pub key: Option<KeyedAnswer>,
    /// When it was decided: the time of all its events.
    pub time: Timestamp,
}

/// An event on its way into the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// UUID v7.
    pub id: EventId,
    /// The fact.
    pub event: Event,
    /// Who, why, with what.
    pub metadata: Metadata,
}

/// An effect on its way into the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEffect {
    /// Its own id, a UUID v7: one event may have several effects.
    pub id: EventId,
    /// The event of this append that causes it.
    pub event_id: EventId,
    /// What to do.
    pub effect: Effect,
}

/// What becomes of the text that is kept beside a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// As it was.
    Keep,
    /// This from now on.
    Set(String),
}

/// A stream's state at the version that the append gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The document.
    pub state: StreamState,
    /// The text beside it.
    pub body: Body,
}

/// By what a row is found, filtered and guarded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// Whether readers see a row (an issue that was never approved has none).
    pub shown: bool,
    /// Repository of an issue or pull request.
    pub repo: Option<RepoName>,
    /// Its number.
    pub number: Option<u64>,
    /// The state's word.
    pub state: Option<&'static str>,
    /// The priority's word.
    pub priority: Option<&'static str>,
    /// Who holds a live lease.
    pub holder: Option<Claimant>,
    /// Whether that lease was not yet started.
    pub unstarted: bool,
    /// The current head of a pull request.
    pub head: Option<Sha>,
}

/// A condition that the writer checks under the log's lock, in the transaction of the append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Another stream still has the version that the decision was made on.
    StreamAt {
        /// The other stream.
        stream: StreamId,
        /// Its version; 0 for none.
        version: u64,
    },
    /// The agent (all its instances together) has fewer live leases than this.
    LeasesBelow {
        /// The agent.
        agent: AgentId,
        /// The first number that is too many.
        limit: u32,
    },
    /// The claimant holds no lease that it has not started.
    NothingUnstarted {
        /// The claimant.
        claimant: Claimant,
    },
    /// The lease gave no sign of life after this one: whoever judges its silence judged what is still so.
    LeaseSilentSince {
        /// Of which issue.
        issue: IssueRef,
        /// Which of its leases.
        epoch: u32,
        /// The last sign that was known; nothing later is.
        since: Timestamp,
    },
}

/// An idempotency key, with what it was first used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedAnswer {
    /// Caller and path: keys of different scopes never meet.
    pub scope: String,
    /// The key.
    pub key: String,
    /// A digest of the request; the same key with another one is refused.
    pub fingerprint: String,
}

/// Where an append ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Version of the append's first event.
    pub first_version: u64,
    /// Version of its last event: the stream's version since.
    pub last_version: u64,
    /// Position of its first event.
    pub first_position: u64,
    /// Position of its last event.
    pub last_position: u64,
    /// When it was decided.
    pub time: Timestamp,
}

/// Why an append did not take place (again).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendError {
    /// The stream has another version than expected.
    Conflict {
        /// The version that it has.
        actual: u64,
    },
    /// The key was used for the same request before; nothing was written.
    Duplicate(Receipt),
    /// The key was used for another request before; nothing was written.
    KeyReused,
    /// A guard doesn't hold; nothing was written.
    Guarded {
        /// Which one.
        guard: Guard,
        /// For [`Guard::NothingUnstarted`]: the stream that the claimant holds.
        held: Option<StreamId>,
    },
    /// The store could not answer.
    Store(StoreFailure),
}

impl std::fmt::Display for AppendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Conflict { actual } => write!(f, "append: the stream is at version {actual} already"),
            Self::Duplicate(receipt) => write!(f, "append: done before, at position {}", receipt.first_position),
            Self::KeyReused => write!(f, "append: the idempotency key belongs to another request"),
            Self::Guarded { guard, .. } => write!(f, "append: {guard:?} doesn't hold"),
            Self::Store(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for AppendError {}

impl From<StoreFailure> for AppendError {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}
