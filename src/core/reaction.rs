//! What one stream's event means outside that stream: effects, written in the same transaction as the event.
//!
//! The **internal lane** tells another stream; such an effect carries all that its delivery needs, as it was at the append, so
//! that deliveries may be late and repeated without saying anything else. Effects for the world outside are small on purpose:
//! they name what they are about, and whoever delivers them asks right before whether it still holds.

mod entries;

use crate::data::{FieldError, Record, Value};
use crate::event::{Event, PullRequestEvent, Standing};
use crate::identity::{StreamId, StreamKind};
use crate::record;

pub use entries::{About, Deed, ForgetSession, Offer, Withdraw};

crate::words! {
    /// Where effects go; one lane each.
    pub enum Destination {
        /// Other streams of this log.
        Internal = "internal",
        /// The streams and signals of agents.
        Valkey = "valkey",
    }
}

/// Something to be done because of an event, at least once, in order per key.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell another stream.
    Tell(Box<Tell>),
    /// Tell an agent, by an entry in its stream.
    Offer(Offer),
    /// Take that entry back, unless it was read.
    Withdraw(Withdraw),
    /// Drop what agents remember of an issue that is done.
    ForgetSession(ForgetSession),
}

impl Effect {
    /// Which lane delivers it.
    #[must_use]
    pub fn destination(&self) -> Destination {
        match self {
            Self::Tell(_) => Destination::Internal,
            Self::Offer(_) | Self::Withdraw(_) | Self::ForgetSession(_) => Destination::Valkey,
        }
    }

    /// Effects of one key are delivered in the order of their events.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Tell(tell) => tell.target.to_lowercase(),
            Self::Offer(offer) => offer.about.key(),
            Self::Withdraw(withdraw) => withdraw.about.key(),
            Self::ForgetSession(forget) => forget.issue.to_string().to_lowercase(),
        }
    }

    /// What it is, for people. Never with a lease's token, or a text that a stranger wrote.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Tell(tell) => format!("{} of {}", tell.event_type, tell.source),
            Self::Offer(offer) => format!("entry that offers {}", offer.about.reference),
            Self::Withdraw(withdraw) => format!("end of the entry that offers {}", withdraw.about.reference),
            Self::ForgetSession(forget) => format!("end of the sessions of {}", forget.issue),
        }
    }

    /// As data, for the outbox.
    #[must_use]
    pub fn to_value(&self) -> Value<'_> {
        match self {
            Self::Tell(tell) => tell.to_value(),
            Self::Offer(offer) => entries::named(Deed::Offer, offer.to_value()),
            Self::Withdraw(withdraw) => entries::named(Deed::Withdraw, withdraw.to_value()),
            Self::ForgetSession(forget) => entries::named(Deed::ForgetSession, forget.to_value()),
        }
    }

    /// Reads what [`Effect::to_value`] wrote.
    ///
    /// # Errors
    /// When the data isn't an effect for that destination.
    pub fn from_value(destination: Destination, value: &Value<'_>) -> Result<Self, FieldError> {
        match destination {
            Destination::Internal => <Tell as Record>::from_value(value).map(|tell| Self::Tell(Box::new(tell))),
            Destination::Valkey => match entries::deed(value)? {
                Deed::Offer => <Offer as Record>::from_value(value).map(Self::Offer),
                Deed::Withdraw => <Withdraw as Record>::from_value(value).map(Self::Withdraw),
                Deed::ForgetSession => <ForgetSession as Record>::from_value(value).map(Self::ForgetSession),
            },
        }
    }
}

record! {
    /// An event of one stream, told to another.
    pub struct Tell {
        /// The stream that is told.
        "target" => target: String,
        /// Which kind of stream that is.
        "targetKind" => target_kind: StreamKind,
        /// The stream that tells.
        "source" => source: String,
        /// Which kind of stream that is.
        "sourceKind" => source_kind: StreamKind,
        /// What happened there.
        "type" => event_type: String,
        /// Its payload.
        "data" => data: Value<'static>,
        /// For a pull request: what it amounts to since.
        "standing" => standing: Option<Standing>,
    }
}

/// What a [`Tell`] says, read back.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A pull request tells an issue.
    PullRequest {
        /// The issue.
        issue: StreamId,
        /// What happened.
        event: Box<PullRequestEvent>,
        /// What the pull request amounts to since.
        standing: Box<Standing>,
    },
    /// An issue tells a pull request.
    Issue {
        /// The pull request.
        pull_request: StreamId,
        /// The issue.
        issue: StreamId,
        /// What happened there.
        event: Box<crate::event::IssueEvent>,
    },
    /// An issue tells an agent.
    Agent {
        /// The agent.
        agent: StreamId,
        /// The issue.
        issue: StreamId,
        /// What happened there.
        event: Box<crate::event::IssueEvent>,
    },
}

impl Tell {
    /// A pull request's event for one of its issues.
    #[must_use]
    pub fn issue(issue: &StreamId, source: &StreamId, event: &PullRequestEvent, standing: Standing) -> Effect {
        Effect::Tell(Box::new(Self {
            target: issue.to_string(),
            target_kind: StreamKind::Issue,
            source: source.to_string(),
            source_kind: StreamKind::PullRequest,
            event_type: event.type_name().to_owned(),
            data: event.to_value().into_owned(),
            standing: Some(standing),
        }))
    }

    /// An issue's event for a pull request.
    #[must_use]
    pub fn pull_request(pull_request: &StreamId, source: &StreamId, event: &crate::event::IssueEvent) -> Effect {
        Effect::Tell(Box::new(Self {
            target: pull_request.to_string(),
            target_kind: StreamKind::PullRequest,
            source: source.to_string(),
            source_kind: StreamKind::Issue,
            event_type: event.type_name().to_owned(),
            data: event.to_value().into_owned(),
            standing: None,
        }))
    }

    /// An issue's event for an agent.
    #[must_use]
    pub fn agent(agent: &StreamId, source: &StreamId, event: &crate::event::IssueEvent) -> Effect {
        Effect::Tell(Box::new(Self {
            target: agent.to_string(),
            target_kind: StreamKind::Agent,
            source: source.to_string(),
            source_kind: StreamKind::Issue,
            event_type: event.type_name().to_owned(),
            data: event.to_value().into_owned(),
            standing: None,
        }))
    }

    /// Reads what is told.
    ///
    /// # Errors
    /// When names or data can't be read, or no such pair of streams tells each other anything.
    pub fn read(&self) -> Result<Told, FieldError> {
        let stream = |kind, text: &str| {
            StreamId::parse(kind, text).ok_or_else(|| FieldError::new(format!("is no stream: {text}")))
        };
        let (target, source) = (stream(self.target_kind, &self.target)?, stream(self.source_kind, &self.source)?);
        let event = Event::from_value(self.source_kind, &self.event_type, &self.data)?;
        match (event, &self.standing, self.target_kind) {
            (Event::PullRequest(event), Some(standing), StreamKind::Issue) => {
                Ok(Told::PullRequest { issue: target, event: Box::new(event), standing: Box::new(standing.clone()) })
            }
            (Event::Issue(event), None, StreamKind::PullRequest) => {
                Ok(Told::Issue { pull_request: target, issue: source, event: Box::new(event) })
            }
            (Event::Issue(event), None, StreamKind::Agent) => {
                Ok(Told::Agent { agent: target, issue: source, event: Box::new(event) })
            }
            (Event::Issue(_) | Event::PullRequest(_) | Event::Agent(_) | Event::Rig(_), _, _) => Err(FieldError::new(
                format!("{} of a {} means nothing to a {}", self.event_type, self.source_kind, self.target_kind),
            )),
        }
    }
}
