use conductor_core::agent_log::{KeptLine, LogLevel};
use schemars::JsonSchema;
use serde::Serialize;

use crate::openapi::words;

/// A line that an agent's process wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentLineRow {
    /// With the instance, where it said one.
    agent_id: String,
    /// As the agent says it; its clock is its own.
    ts: Option<String>,
    #[schemars(schema_with = "words::<LogLevel>")]
    level: &'static str,
    message: String,
    repo: Option<String>,
    issue_number: Option<u64>,
    /// When it came.
    received_at: String,
}

impl AgentLineRow {
    /// A line as it is kept.
    #[must_use]
    pub fn of(kept: &KeptLine) -> Self {
        let line = &kept.line;
        Self {
            agent_id: line.claimant.to_string(),
            ts: line.ts.clone(),
            level: line.level.as_str(),
            message: line.message.clone(),
            repo: line.repo.as_ref().map(ToString::to_string),
            issue_number: line.number,
            received_at: kept.at.to_string(),
        }
    }
}

/// How many lines were kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LinesKept {
    /// Of these.
    pub kept: u64,
}
