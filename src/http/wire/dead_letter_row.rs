use conductor_core::port::DeadLetter;
use conductor_core::reaction::Destination;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// Something that a lane gave up on, as `GET /api/dead-letters` shows it: what it is, never what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterRow {
    /// By which it is tried again.
    pub id: String,
    /// `inbox`, or where the effect was to go: `internal`, `valkey`.
    #[schemars(schema_with = "lanes")]
    pub lane: &'static str,
    /// What it was in order with, such as an issue; empty for nothing.
    pub key: String,
    /// What it is.
    pub what: String,
    /// Why the last try failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When its event was decided, or the delivery came.
    pub since: String,
}

/// The name of a lane without its destination's: of the inbox.
pub(crate) const INBOX: &str = "inbox";

/// Every lane's name.
pub(crate) fn lanes(_: &mut SchemaGenerator) -> Schema {
    let names = [INBOX].into_iter().chain(Destination::ALL.iter().map(|destination| destination.as_str()));
    json_schema!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

impl DeadLetterRow {
    /// A dead letter.
    #[must_use]
    pub fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            lane: letter.destination.map_or(INBOX, Destination::as_str),
            key: letter.key.clone(),
            what: letter.what.clone(),
            error: letter.error.clone(),
            attempts: letter.attempts,
            since: letter.since.to_string(),
        }
    }
}

/// What became of a dead letter that is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Retried {
    /// Which.
    pub id: String,
    /// `waiting`.
    pub state: &'static str,
}
