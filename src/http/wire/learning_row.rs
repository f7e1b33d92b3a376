use conductor_core::learning::Learning;
use schemars::JsonSchema;
use serde::Serialize;

/// What agents have learned about a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearningRow {
    key: String,
    value: String,
    /// Who wrote it last.
    agent_id: String,
    updated_at: String,
}

impl From<Learning> for LearningRow {
    fn from(learning: Learning) -> Self {
        let Learning { repo: _, key, value, agent, updated_at } = learning;
        Self { key, value, agent_id: agent.to_string(), updated_at: updated_at.to_string() }
    }
}
