use conductor_core::claim::QueueEntry;
use conductor_core::event::{AssignmentKind, Priority};
use conductor_core::identity::IssueRef;
use schemars::JsonSchema;
use serde::Serialize;

use super::texts;
use crate::openapi::words;

/// An issue that waits for a holder, as `GET /api/queue` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueRow {
    stream_id: String,
    repo: String,
    issue_number: u64,
    title: Option<String>,
    #[schemars(schema_with = "words::<AssignmentKind>")]
    kind: &'static str,
    #[schemars(schema_with = "words::<Priority>")]
    priority: &'static str,
    stack: Option<String>,
    escalate: Vec<String>,
    excluded: Vec<String>,
    preferred_agent_id: Option<String>,
    queued_at: String,
    depends_on: Vec<String>,
    blocked_by: Vec<String>,
}

impl QueueRow {
    /// An entry of the queue, with the title from its row and the dependencies that keep it back.
    #[must_use]
    pub fn of(entry: &QueueEntry, blocked_by: &[IssueRef], title: Option<String>) -> Self {
        let kind = if entry.rework.is_some() { AssignmentKind::Rework } else { AssignmentKind::Work };
        Self {
            stream_id: entry.issue.to_string(),
            repo: entry.issue.repo.to_string(),
            issue_number: entry.issue.number,
            title,
            kind: kind.as_str(),
            priority: entry.priority.as_str(),
            stack: entry.stack.clone(),
            escalate: entry.escalate.clone(),
            excluded: texts(&entry.excluded),
            preferred_agent_id: entry.rework.as_ref().map(|(author, _)| author.to_string()),
            queued_at: entry.queued_at.to_string(),
            depends_on: texts(&entry.depends_on),
            blocked_by: texts(blocked_by),
        }
    }
}
