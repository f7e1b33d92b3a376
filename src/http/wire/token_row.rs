use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenOwner};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::time;

/// A token, as it is listed: nothing by which it could be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRow {
    /// By which it is revoked.
    pub id: String,
    /// The agent that it speaks for, else null.
    pub agent_id: Option<String>,
    /// The person whose it is, else null.
    pub person: Option<String>,
    /// `operator` or `viewer` for a person, else null.
    pub role: Option<&'static str>,
    /// `live`, `expired` or `revoked`.
    #[schemars(schema_with = "states")]
    pub state: &'static str,
    /// When it was made.
    pub created_at: String,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// When it was last used, to about two minutes.
    pub last_used_at: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<String>,
}

fn states(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["live", "expired", "revoked"] })
}

/// A token that was just made: the one answer that shows its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FreshToken {
    /// The secret.
    pub token: String,
    /// The rest.
    #[serde(flatten)]
    pub row: TokenRow,
}

impl TokenRow {
    /// A token as it stands now.
    #[must_use]
    pub fn of(token: &Token, now: Timestamp) -> Self {
        let (agent_id, person, role) = match &token.owner {
            TokenOwner::Agent(agent) => (Some(agent.to_string()), None, None),
            TokenOwner::Person { name, role } => (None, Some(name.clone()), Some(role.as_str())),
        };
        let state = match (token.revoked_at, token.is_live(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "live",
            (None, false) => "expired",
        };
        Self {
            id: token.id.to_string(),
            agent_id,
            person,
            role,
            state,
            created_at: token.created_at.to_string(),
            expires_at: time(token.expires_at),
            last_used_at: time(token.last_used_at),
            revoked_at: time(token.revoked_at),
        }
    }
}
