use std::fmt;

use crate::identity::EventId;
use crate::reaction::Destination;
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// What lanes gave up on: kept until a person has it tried again.
pub trait DeadLetters: Send + Sync {
    /// Effects and deliveries that were given up on, oldest first, at most `limit`.
    fn dead_letters(&self, limit: usize) -> PortFuture<'_, Result<Vec<DeadLetter>, StoreFailure>>;

    /// Puts one back where it waited, with all its tries; false where nothing dead has that id. What came after it under its
    /// key may be through by now.
    fn retry_dead_letter<'a>(&'a self, id: &'a DeadLetterId) -> PortFuture<'a, Result<bool, StoreFailure>>;
}

/// Something that a lane gave up on. Of what it holds only its kind is told: it may carry a lease's token, or a stranger's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// By which it is tried again.
    pub id: DeadLetterId,
    /// Where it was to go; `None` for a delivery, which came in.
    pub destination: Option<Destination>,
    /// What it was in order with; empty for nothing.
    pub key: String,
    /// What it is: `PR_CREATED of acme/web#57`, or the delivery's event.
    pub what: String,
    /// Why the last try failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When its event was decided, or when the delivery came.
    pub since: Timestamp,
}

/// Which dead letter: `effect-<uuid>` or `delivery-<GitHub's id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadLetterId {
    /// An effect of the outbox.
    Effect(EventId),
    /// A delivery of the inbox.
    Delivery(String),
}

impl DeadLetterId {
    /// Reads what its `Display` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(id) = text.strip_prefix("effect-") {
            return EventId::parse(id).map(Self::Effect);
        }
        text.strip_prefix("delivery-").filter(|id| !id.is_empty()).map(|id| Self::Delivery(id.to_owned()))
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect(id) => write!(f, "effect-{id}"),
            Self::Delivery(id) => write!(f, "delivery-{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_is_one() {
        for id in [DeadLetterId::Effect(EventId(7)), DeadLetterId::Delivery("72d3162e-cc78".to_owned())] {
            assert_eq!(DeadLetterId::parse(&id.to_string()), Some(id));
        }
        for text in ["", "effect-", "effect-7", "delivery-", "00000000-0000-0000-0000-000000000007"] {
            assert_eq!(DeadLetterId::parse(text), None, "{text}");
        }
    }
}
