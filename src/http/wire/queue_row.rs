use conductor_core::claim::Obstacle;
use conductor_core::event::{AssignmentKind, PauseScope, Priority};
use conductor_core::identity::IssueRef;
use schemars::JsonSchema;
use serde::Serialize;

use super::texts;
use crate::edge::Waiting;
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
    /// Whose pause holds it: `rig`, `repo`, `issue`.
    paused_by: Vec<&'static str>,
}

impl QueueRow {
    /// An issue that waits, with the title from its row.
    #[must_use]
    pub fn of(waiting: &Waiting, title: Option<String>) -> Self {
        let Waiting { entry, obstacles } = waiting;
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
            blocked_by: texts(obstacles.iter().filter_map(dependency)),
            paused_by: obstacles.iter().filter_map(pause).map(PauseScope::as_str).collect(),
        }
    }
}

fn dependency(obstacle: &Obstacle) -> Option<&IssueRef> {
    match obstacle {
        Obstacle::DependencyOpen(open) => Some(open),
        Obstacle::IssuePaused
        | Obstacle::RigPaused
        | Obstacle::RepoPaused(_)
        | Obstacle::AgentPaused
        | Obstacle::QuotaExhausted
        | Obstacle::Rests(_)
        | Obstacle::Excluded
        | Obstacle::NotInRoster
        | Obstacle::Misfit(_)
        | Obstacle::AuthorFirst { .. }
        | Obstacle::Full { .. } => None,
    }
}

fn pause(obstacle: &Obstacle) -> Option<PauseScope> {
    match obstacle {
        Obstacle::IssuePaused => Some(PauseScope::Issue),
        Obstacle::RigPaused => Some(PauseScope::Rig),
        Obstacle::RepoPaused(_) => Some(PauseScope::Repo),
        Obstacle::AgentPaused => Some(PauseScope::Agent),
        Obstacle::DependencyOpen(_)
        | Obstacle::QuotaExhausted
        | Obstacle::Rests(_)
        | Obstacle::Excluded
        | Obstacle::NotInRoster
        | Obstacle::Misfit(_)
        | Obstacle::AuthorFirst { .. }
        | Obstacle::Full { .. } => None,
    }
}
