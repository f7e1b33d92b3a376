use crate::data::{Field, FieldError, FieldKey, Record, Value};
use crate::decider::Refusal;
use crate::identity::{AgentId, EventId, Login, StreamId, StreamKind};
use crate::record;
use crate::time::Timestamp;

use super::{AgentEvent, IssueEvent, PullRequestEvent, RigEvent};

/// An event of any stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of an issue's stream.
    Issue(IssueEvent),
    /// Of a pull request's stream.
    PullRequest(PullRequestEvent),
    /// Of an agent's stream.
    Agent(AgentEvent),
    /// Of the rig's stream.
    Rig(RigEvent),
}

impl Event {
    /// The UPPER_SNAKE name.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Issue(event) => event.type_name(),
            Self::PullRequest(event) => event.type_name(),
            Self::Agent(event) => event.type_name(),
            Self::Rig(event) => event.type_name(),
        }
    }

    /// The payload as data.
    #[must_use]
    pub fn to_value(&self) -> Value<'_> {
        match self {
            Self::Issue(event) => event.to_value(),
            Self::PullRequest(event) => event.to_value(),
            Self::Agent(event) => event.to_value(),
            Self::Rig(event) => event.to_value(),
        }
    }

    /// Reads what [`Event::to_value`] wrote on a stream of that kind.
    ///
    /// # Errors
    /// When such streams have no event of that type, or the data isn't its payload.
    pub fn from_value(kind: StreamKind, type_name: &str, data: &Value<'_>) -> Result<Self, FieldError> {
        let read = match kind {
            StreamKind::Issue => IssueEvent::from_value(type_name, data).map(|read| read.map(Self::Issue)),
            StreamKind::PullRequest => {
                PullRequestEvent::from_value(type_name, data).map(|read| read.map(Self::PullRequest))
            }
            StreamKind::Agent => AgentEvent::from_value(type_name, data).map(|read| read.map(Self::Agent)),
            StreamKind::Rig => RigEvent::from_value(type_name, data).map(|read| read.map(Self::Rig)),
        };
        read.unwrap_or_else(|| Err(FieldError::new(format!("is no event of {kind} streams: {type_name}"))))
    }
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// An agent, by its id.
    Agent(AgentId),
    /// A person with an operator's rights, by the name of their token (or `local` where there is none).
    Operator(String),
    /// A login at GitHub.
    GitHub(Login),
    /// A part of the daemon, by its name.
    Daemon(String),
}

impl Actor {
    const FORM: &'static str = "must be agent:…, operator:…, github:… or daemon:…";
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Agent(agent) => write!(f, "agent:{agent}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::GitHub(login) => write!(f, "github:{login}"),
            Self::Daemon(part) => write!(f, "daemon:{part}"),
        }
    }
}

impl FieldKey for Actor {
    fn to_key(&self) -> String {
        self.to_string()
    }
    fn from_key(text: &str) -> Result<Self, FieldError> {
        let actor = match text.split_once(':') {
            Some(("agent", id)) => AgentId::parse(id).map(Self::Agent),
            Some(("operator", name)) => Some(Self::Operator(name.to_owned())),
            Some(("github", login)) => Login::parse(login).map(Self::GitHub),
            Some(("daemon", part)) => Some(Self::Daemon(part.to_owned())),
            Some(_) | None => None,
        };
        actor.ok_or_else(|| FieldError::new(Self::FORM))
    }
}

impl Field for Actor {
    fn write(&self) -> Value<'_> {
        Value::Text(self.to_string().into())
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        Self::from_key(value.as_text().ok_or_else(|| FieldError::expected("text", value))?)
    }
}

record! {
    /// The rule behind a decision of the daemon, with the facts that it used.
    pub struct Rule {
        /// The rule's name, such as `two_strikes`.
        "name" => name: String,
        /// What it looked at, in words.
        "facts" => facts: Vec<String>,
    }
}

impl Rule {
    /// A rule that looked at `facts`.
    #[must_use]
    pub fn new(name: &str, facts: impl IntoIterator<Item = String>) -> Self {
        Self { name: name.to_owned(), facts: facts.into_iter().collect() }
    }
}

record! {
    /// What is recorded beside every event: who, why, and what belongs together.
    pub struct Metadata {
        /// Who.
        "actor" => actor: Actor,
        /// The delivery, event or request that caused it.
        "cause" => cause: Option<String>,
        /// The issue that it is about, where that isn't the stream itself.
        "correlation" => correlation: Option<String>,
        /// The idempotency key of the request, where it had one.
        "idempotencyKey" => idempotency_key: Option<String>,
        /// For a decision of the daemon: which rule, with which facts.
        "rule" => rule: Option<Rule>,
        /// What its caller was told, where the event only puts a refusal on record: a repeat is told the same.
        "refusal" => refusal: Option<Refusal>,
        /// Unknown properties of a request and a client's own timestamps, kept as they came.
        "extra" => extra: Value<'static>,
    }
}

impl Metadata {
    /// Metadata that names only its actor.
    #[must_use]
    pub fn by(actor: Actor) -> Self {
        Self {
            actor,
            cause: None,
            correlation: None,
            idempotency_key: None,
            rule: None,
            refusal: None,
            extra: Value::Null,
        }
    }

    /// The same with a cause.
    #[must_use]
    pub fn because_of(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// An event that a decider decided, not yet recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided<E> {
    /// The event.
    pub event: E,
    /// The rule, where the daemon itself decided.
    pub rule: Option<Rule>,
}

impl<E> Decided<E> {
    /// An event that was reported or observed: no rule of ours made it.
    pub fn fact(event: impl Into<E>) -> Self {
        Self { event: event.into(), rule: None }
    }

    /// An event that follows from a rule.
    pub fn by_rule(event: impl Into<E>, name: &str, facts: impl IntoIterator<Item = String>) -> Self {
        Self { event: event.into(), rule: Some(Rule::new(name, facts)) }
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// UUID v7.
    pub id: EventId,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream: 1, 2, 3 …
    pub version: u64,
    /// Its place in the log; later commits have higher positions.
    pub position: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// The fact.
    pub event: Event,
    /// Who, why, with what.
    pub metadata: Metadata,
}

/// Compile-time proof that metadata reads back as a record (stores rely on it).
const _: &[&str] = <Metadata as Record>::FIELDS;
