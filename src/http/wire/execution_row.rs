use conductor_core::execution_log::{
    Added, Execution, ExecutionLine, ExecutionStatus, ExecutionStep, MOST_LINES, MOST_STEPS,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::time;
use crate::openapi::words;

/// A run, as it tells of itself.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRow {
    id: String,
    /// With the instance, where it said one.
    agent_id: String,
    repo: Option<String>,
    /// The issue, or the pull request: they share one sequence of numbers.
    issue_number: Option<u64>,
    model: Option<String>,
    /// `completed` is no evidence of success.
    #[schemars(schema_with = "words::<ExecutionStatus>")]
    status: &'static str,
    started_at: String,
    /// When it last told anything.
    last_at: String,
    ended_at: Option<String>,
    /// As the runtime counted it; sums of costs are made of TOKEN_USAGE alone.
    total_cost_usd: Option<f64>,
    total_turns: Option<u64>,
    total_input_tokens: Option<u64>,
    total_output_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    /// Milliseconds.
    duration_api_ms: Option<f64>,
    /// The pull request that it says it opened.
    pr_number: Option<u64>,
    /// That are kept.
    step_count: u64,
    /// Beyond what is kept of one run.
    dropped_steps: u64,
    /// That are kept.
    line_count: u64,
    /// Beyond what is kept of one run.
    dropped_lines: u64,
}

impl ExecutionRow {
    /// A run as it stands.
    #[must_use]
    pub fn of(run: &Execution) -> Self {
        let (header, end) = (&run.header, run.end.as_ref().map(|(end, _)| end));
        Self {
            id: run.id.to_string(),
            agent_id: header.claimant.to_string(),
            repo: header.repo.as_ref().map(ToString::to_string),
            issue_number: header.number,
            model: header.model.clone(),
            status: run.status().as_str(),
            started_at: run.started_at.to_string(),
            last_at: run.last_at.to_string(),
            ended_at: time(run.end.as_ref().map(|(_, at)| *at)),
            total_cost_usd: end.and_then(|end| end.cost_usd),
            total_turns: end.and_then(|end| end.turns),
            total_input_tokens: end.and_then(|end| end.input_tokens),
            total_output_tokens: end.and_then(|end| end.output_tokens),
            cache_read_tokens: end.and_then(|end| end.cache_read_tokens),
            cache_creation_tokens: end.and_then(|end| end.cache_creation_tokens),
            duration_api_ms: end.and_then(|end| end.duration_api_ms),
            pr_number: end.and_then(|end| end.pr_number),
            step_count: run.steps.min(MOST_STEPS),
            dropped_steps: run.steps.saturating_sub(MOST_STEPS),
            line_count: run.lines.min(MOST_LINES),
            dropped_lines: run.lines.saturating_sub(MOST_LINES),
        }
    }
}

/// A run with its steps and a page of its lines.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExecutionDetail {
    /// The run.
    #[serde(flatten)]
    pub row: ExecutionRow,
    /// In the order in which they were told.
    pub steps: Vec<StepRow>,
    /// A page of them, in the order in which they were told.
    pub logs: Vec<LineRow>,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    #[serde(rename = "type")]
    kind: String,
    status: Option<String>,
    detail: Option<String>,
    /// So far.
    cost_usd: Option<f64>,
    /// So far.
    turns: Option<u64>,
    /// When it was told.
    at: String,
}

impl From<ExecutionStep> for StepRow {
    fn from(step: ExecutionStep) -> Self {
        let ExecutionStep { kind, status, detail, cost_usd, turns, at } = step;
        Self { kind, status, detail, cost_usd, turns, at: at.to_string() }
    }
}

/// A line of a run's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineRow {
    /// As the runtime says it.
    timestamp: Option<String>,
    level: Option<String>,
    message: String,
}

impl From<ExecutionLine> for LineRow {
    fn from(line: ExecutionLine) -> Self {
        let ExecutionLine { timestamp, level, message } = line;
        Self { timestamp, level, message }
    }
}

/// A run that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExecutionBegun {
    /// Under which its steps, lines and end are told.
    pub id: String,
}

/// What became of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntriesAdded {
    /// Of these.
    kept: u64,
    /// Of these, because the run has as many as are kept.
    dropped: u64,
}

impl From<Added> for EntriesAdded {
    fn from(added: Added) -> Self {
        Self { kept: added.kept, dropped: added.dropped }
    }
}
