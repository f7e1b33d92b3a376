//! What every kind of stream has in common: `decide`, `evolve`, an initial state.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::data::{Field, FieldError, Value};
use crate::event::{Decided, Event};
use crate::identity::{StreamId, StreamKind};
use crate::port::{Columns, Guard};
use crate::reaction::Effect;
use crate::roster::Policy;
use crate::time::Timestamp;

use crate::agent::Agent;
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::rig::Rig;

mod refusal;

pub use refusal::Refusal;

/// The rules of one kind of stream, as pure functions.
///
/// Invariant: `evolve` depends on nothing but state and event, so that a replay under another configuration gives the same
/// state; whatever a rule needs of the configuration is decided in `decide` and stands in the events that it returns.
pub trait Decider: Send + Sync + 'static {
    /// What the events fold into. It is stored as the stream's read-model document, so it holds no bodies.
    type State: Clone + Send + Sync + 'static;
    /// What may be asked of it.
    type Command: Send + Sync + 'static;
    /// What it may say.
    type Event: Clone + Send + Sync + 'static;

    /// Which streams it decides.
    const KIND: StreamKind;

    /// The state of a stream without events.
    fn initial(stream: &StreamId) -> Self::State;

    /// The other streams whose states `decide` wants to see; the append is bound to the versions read.
    fn reads(state: &Self::State, command: &Self::Command) -> Vec<StreamId>;

    /// Decides a command: pure, total, and quick.
    fn decide(state: &Self::State, command: &Self::Command, given: &Given<'_>) -> Decision<Self::Event>;

    /// Folds one event in.
    fn evolve(state: &mut Self::State, event: &Self::Event, at: Moment);

    /// What follows from an event outside this stream, given the state after it.
    fn reactions(state: &Self::State, event: &Self::Event) -> Vec<Effect>;

    /// The columns by which the row is found and guarded.
    fn columns(state: &Self::State) -> Columns;

    /// The new body, when the event brings one (bodies live beside the document, not in memory).
    fn body(event: &Self::Event) -> Option<&str>;

    /// The event as the log keeps it.
    fn wrap(event: Self::Event) -> Event;
    /// The event back from the log; `None` for one of another kind of stream.
    fn unwrap(event: Event) -> Option<Self::Event>;
    /// The state as stores keep it.
    fn wrap_state(state: Self::State) -> StreamState;
    /// The state back from a store; `None` for one of another kind of stream.
    fn unwrap_state(state: StreamState) -> Option<Self::State>;
}

/// Where in its stream an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// 1, 2, 3 …
    pub version: u64,
    /// When it was decided.
    pub time: Timestamp,
}

/// What a decision may look at beside state and command.
#[derive(Debug)]
pub struct Given<'a> {
    /// Now.
    pub now: Timestamp,
    /// Roster and rules, as configured.
    pub policy: &'a Policy,
    /// The states asked for by [`Decider::reads`]; absent where the stream doesn't exist.
    pub neighbours: &'a BTreeMap<StreamId, StreamState>,
    /// 128 fresh random bits: the only randomness of a decision (a lease token).
    pub entropy: u128,
}

/// What a decider says to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<E> {
    /// Facts to append, all or none; may stand beside a refusal, which they put on record.
    pub events: Vec<Decided<E>>,
    /// What must still hold at the append.
    pub guards: Vec<Guard>,
    /// What the caller is told once the events stand.
    pub outcome: Outcome,
}

impl<E> Decision<E> {
    /// The command is accepted and these are its facts.
    #[must_use]
    pub fn accept(events: Vec<Decided<E>>) -> Self {
        Self { events, guards: Vec::new(), outcome: Outcome::Accepted }
    }

    /// The state says already what the command wants, since the event with this version (0: always did).
    #[must_use]
    pub fn unchanged(since: u64) -> Self {
        Self { events: Vec::new(), guards: Vec::new(), outcome: Outcome::Unchanged { since } }
    }

    /// The command is refused and leaves no trace.
    #[must_use]
    pub fn refuse(refusal: Refusal) -> Self {
        Self { events: Vec::new(), guards: Vec::new(), outcome: Outcome::Refused(refusal) }
    }

    /// The command is refused, on record.
    #[must_use]
    pub fn refuse_on_record(events: Vec<Decided<E>>, refusal: Refusal) -> Self {
        Self { events, guards: Vec::new(), outcome: Outcome::Refused(refusal) }
    }

    /// The same, bound to another condition.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }
}

/// What the caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Accepted,
    /// Was so already, since this version of the stream (0: no event says so).
    Unchanged {
        /// The version of the first event that said it.
        since: u64,
    },
    /// Not done.
    Refused(Refusal),
}

/// The state of any stream, as stores keep it.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamState {
    /// Of an issue.
    Issue(Box<Issue>),
    /// Of a pull request.
    PullRequest(Box<PullRequest>),
    /// Of an agent.
    Agent(Box<Agent>),
    /// Of the rig.
    Rig(Box<Rig>),
}

impl StreamState {
    /// Of which kind of stream.
    #[must_use]
    pub fn kind(&self) -> StreamKind {
        match self {
            Self::Issue(_) => StreamKind::Issue,
            Self::PullRequest(_) => StreamKind::PullRequest,
            Self::Agent(_) => StreamKind::Agent,
            Self::Rig(_) => StreamKind::Rig,
        }
    }

    /// As data.
    #[must_use]
    pub fn to_value(&self) -> Value<'_> {
        match self {
            Self::Issue(state) => state.write(),
            Self::PullRequest(state) => state.write(),
            Self::Agent(state) => state.write(),
            Self::Rig(state) => state.write(),
        }
    }

    /// Reads what [`StreamState::to_value`] wrote.
    ///
    /// # Errors
    /// When the data isn't a state of that kind.
    pub fn from_value(kind: StreamKind, value: &Value<'_>) -> Result<Self, FieldError> {
        match kind {
            StreamKind::Issue => Field::read(value).map(Self::Issue),
            StreamKind::PullRequest => Field::read(value).map(Self::PullRequest),
            StreamKind::Agent => Field::read(value).map(Self::Agent),
            StreamKind::Rig => Field::read(value).map(Self::Rig),
        }
    }

    /// The columns of its row.
    #[must_use]
    pub fn columns(&self) -> Columns {
        match self {
            Self::Issue(state) => crate::issue::IssueDecider::columns(state),
            Self::PullRequest(state) => crate::pull_request::PullRequestDecider::columns(state),
            Self::Agent(state) => crate::agent::AgentDecider::columns(state),
            Self::Rig(state) => crate::rig::RigDecider::columns(state),
        }
    }

    /// The state of a stream without events.
    #[must_use]
    pub fn initial(stream: &StreamId) -> Self {
        match stream.kind() {
            StreamKind::Issue => Self::Issue(Box::new(crate::issue::IssueDecider::initial(stream))),
            StreamKind::PullRequest => {
                Self::PullRequest(Box::new(crate::pull_request::PullRequestDecider::initial(stream)))
            }
            StreamKind::Agent => Self::Agent(Box::new(crate::agent::AgentDecider::initial(stream))),
            StreamKind::Rig => Self::Rig(Box::new(crate::rig::RigDecider::initial(stream))),
        }
    }

    /// Folds one event of the log in; an event of another kind of stream is returned unused.
    ///
    /// # Errors
    /// Gives the event back when it doesn't belong to this kind of stream.
    #[expect(
        clippy::result_large_err,
        reason = "the event goes back to a caller who names it in an error: a path nobody takes"
    )]
    pub fn evolve(&mut self, event: Event, at: Moment) -> Result<(), Event> {
        match (self, event) {
            (Self::Issue(state), Event::Issue(event)) => crate::issue::IssueDecider::evolve(state, &event, at),
            (Self::PullRequest(state), Event::PullRequest(event)) => {
                crate::pull_request::PullRequestDecider::evolve(state, &event, at);
            }
            (Self::Agent(state), Event::Agent(event)) => crate::agent::AgentDecider::evolve(state, &event, at),
            (Self::Rig(state), Event::Rig(event)) => crate::rig::RigDecider::evolve(state, &event, at),
            (Self::Issue(_) | Self::PullRequest(_) | Self::Agent(_) | Self::Rig(_), event) => return Err(event),
        }
        Ok(())
    }
}

/// How long the daemon waits for a port before it calls the answer unknown.
pub const PORT_DEADLINE: Duration = Duration::from_secs(10);
