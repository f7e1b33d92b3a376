//! What goes in and what comes out: a command with its circumstances, and an answer or the reason why there is none.

use std::sync::Arc;
use std::time::Duration;

use conductor_core::decider::{Outcome, Refusal};
use conductor_core::event::Metadata;
use conductor_core::identity::StreamId;
use conductor_core::port::{Guard, KeyedAnswer, Receipt, StoreFailure};

/// A command for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<C> {
    /// What is asked.
    pub command: C,
    /// Who asks, and why. The rule is filled in per event, from the decision.
    pub metadata: Metadata,
    /// Recognises a repeat of this request.
    pub key: Option<KeyedAnswer>,
}

impl<C> Request<C> {
    /// A command without idempotency key.
    pub fn new(command: C, metadata: Metadata) -> Self {
        Self { command, metadata, key: None }
    }
}

/// What became of an accepted command. It is durable.
#[derive(Debug)]
pub struct Answer<S> {
    /// The stream that was asked.
    pub stream: StreamId,
    /// Accepted, or unchanged because it was so already; never refused.
    pub outcome: Outcome,
    /// Where this append ended up; for a repeat the first append, for [`Outcome::Unchanged`] the event that said it first
    /// (`None` where no event did).
    pub receipt: Option<Receipt>,
    /// The state after the command.
    pub state: Arc<S>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The decider refused (and may have put that on record).
    #[error("{0}")]
    Refused(Refusal),
    /// The idempotency key belongs to another request.
    #[error("use the idempotency key: it belongs to another request")]
    KeyReused,
    /// A condition of the append did not hold; nothing was written.
    #[error("append: {guard:?} doesn't hold")]
    Guarded {
        /// Which one.
        guard: Guard,
        /// For [`Guard::NothingUnstarted`]: the stream that the claimant holds.
        held: Option<StreamId>,
    },
    /// Too much is under way; nothing was done.
    #[error("take the request on: too much is under way, try again in {} ms", .retry_after.as_millis())]
    Busy {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The daemon is going down; nothing was done.
    #[error("take the request on: shutting down")]
    Draining,
    /// This process is not the leader (any more), and only the leader does it; nothing was done.
    #[error("act as leader: the term is over")]
    NotLeader,
    /// Whether it happened is unknown; safe to repeat with an idempotency key.
    #[error("learn whether it happened: {0}")]
    Unknown(String),
    /// The store failed. After [`StoreFailure::Unavailable`] it is unknown whether it happened.
    #[error("{0}")]
    Store(StoreFailure),
}

impl From<StoreFailure> for Rejected {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}
