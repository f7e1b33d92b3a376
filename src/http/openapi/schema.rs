use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// What is larger is refused as a number that nothing of ours can hold.
const LARGEST: i64 = i64::MAX;

/// The words of an enum of the core's, in order.
pub trait Texts {
    /// All of them.
    fn texts() -> Vec<&'static str>;
}

macro_rules! texts {
    ($($name:ty),* $(,)?) => {
        $(impl Texts for $name {
            fn texts() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        })*
    };
}
texts!(
    conductor_core::agent_log::LogLevel,
    conductor_core::event::AssignmentKind,
    conductor_core::event::CiState,
    conductor_core::event::GateState,
    conductor_core::event::IssueState,
    conductor_core::event::MemoryKind,
    conductor_core::event::MemoryScope,
    conductor_core::event::Priority,
    conductor_core::event::PullRequestState,
    conductor_core::event::ReviewState,
    conductor_core::event::SmokeCause,
    conductor_core::event::UsageCategory,
    conductor_core::execution_log::ExecutionStatus,
    conductor_core::identity::StreamKind,
    conductor_core::pull_request::VerdictKind,
    conductor_core::token::PersonRole,
    crate::health::Status,
);

/// The schema of a field that holds one of the words of `T`, for `#[schemars(schema_with = …)]`.
pub fn words<T: Texts>(_: &mut SchemaGenerator) -> Schema {
    one_of(&T::texts()).try_into().unwrap_or_default()
}

/// One of these texts.
#[must_use]
pub fn one_of(texts: &[&str]) -> Value {
    json!({ "type": "string", "enum": texts })
}

/// Any text but one with a NUL character.
pub(crate) fn text() -> Value {
    json!({ "type": "string", "pattern": "^[^\\u0000]*$" })
}

/// The same with something in it.
pub(crate) fn not_blank() -> Value {
    json!({ "type": "string", "pattern": "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$" })
}

/// Such texts, a thousand at most.
pub(crate) fn texts() -> Value {
    json!({ "type": "array", "items": text(), "maxItems": crate::json::Limits::API.items })
}

/// A name at GitHub, but not `.` or `..`.
const NAME: &str = r"(\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*|\.{3,})";

/// `owner/repo`
pub(crate) fn repo() -> Value {
    json!({ "type": "string", "pattern": format!("^{NAME}/{NAME}$"), "examples": ["acme/web"] })
}

/// Either part of it.
pub(crate) fn owner_or_name() -> Value {
    json!({ "type": "string", "pattern": format!("^{NAME}$") })
}

/// Any JSON within the limits, by the name under which the document keeps it.
pub(crate) struct Anything;

impl JsonSchema for Anything {
    fn schema_name() -> Cow<'static, str> {
        "Anything".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Self>();
        json_schema!({
            "description": "Any JSON, within the limits of numbers and texts.",
            "anyOf": [
                { "type": ["null", "boolean"] },
                number(),
                text(),
                { "type": "array", "items": inner, "maxItems": crate::json::Limits::API.items },
                { "type": "object", "propertyNames": text(), "additionalProperties": inner },
            ],
        })
    }
}

/// `dev-e-node`, or `dev-e-node/ab12c`.
pub(crate) fn claimant() -> Value {
    json!({
        "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100})?$",
        "examples": ["dev-e-node", "dev-e-node/ab12c"],
    })
}

/// The number of an issue or pull request at GitHub.
pub(crate) fn issue_number() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": LARGEST })
}

/// A commit.
pub(crate) fn sha() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{4,64}$" })
}

/// How many of something.
pub(crate) fn count(largest: u64) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": largest.min(LARGEST.unsigned_abs()) })
}

/// A measurement.
pub(crate) fn number() -> Value {
    // The largest double below 2^63.
    const MOST: f64 = 9_223_372_036_854_774_784.0;
    json!({ "type": "number", "minimum": -MOST, "maximum": MOST })
}

/// Yes or no.
pub(crate) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// The same, or null, which is the same as left out.
pub(crate) fn nullable(mut schema: Value) -> Value {
    let kind = schema["type"].as_str().map(str::to_owned);
    match (kind, schema.get_mut("enum")) {
        (Some(kind), words) => {
            if let Some(Value::Array(words)) = words {
                words.push(Value::Null);
            }
            schema["type"] = json!([kind, "null"]);
            schema
        }
        (None, _) => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_added_to_whatever_there_is() {
        assert_eq!(nullable(flag()), json!({ "type": ["boolean", "null"] }));
        assert_eq!(nullable(one_of(&["a"])), json!({ "type": ["string", "null"], "enum": ["a", null] }));
        assert_eq!(nullable(json!({ "oneOf": [] })), json!({ "anyOf": [{ "oneOf": [] }, { "type": "null" }] }));
    }
}
