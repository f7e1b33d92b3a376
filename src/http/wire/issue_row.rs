use conductor_core::event::{CiState, IssueState, Priority, ReviewState};
use conductor_core::identity::{IssueRef, PrRef, Sha};
use conductor_core::issue::{Issue, KnownPull};
use schemars::JsonSchema;
use serde::Serialize;

use super::{texts, time};
use crate::openapi::words;

/// An issue as `GET /api/issues` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueRow {
    stream_id: String,
    repo: String,
    issue_number: u64,
    title: String,
    url: Option<String>,
    body: Option<String>,
    labels: Vec<String>,
    milestone: Option<String>,
    #[schemars(schema_with = "words::<Priority>")]
    priority: &'static str,
    #[schemars(schema_with = "words::<IssueState>")]
    state: &'static str,
    stack: Option<String>,
    escalate: Vec<String>,
    tools: Vec<String>,
    test_command: Option<String>,
    build_command: Option<String>,
    agent_id: Option<String>,
    /// Whose pull request is shown: the agent, else the login. It holds nothing while that is reviewed.
    author: Option<String>,
    attempt: u32,
    epoch: u32,
    strikes: u32,
    branch: Option<String>,
    pr_repo: Option<String>,
    pr_number: Option<u64>,
    pr_url: Option<String>,
    head_sha: Option<String>,
    #[schemars(schema_with = "words::<CiState>")]
    ci: &'static str,
    #[schemars(schema_with = "words::<ReviewState>")]
    review: &'static str,
    reviewer: Option<String>,
    gates: Vec<String>,
    depends_on: Vec<String>,
    blocked_by: Vec<String>,
    orphan_status: Option<String>,
    escalated: bool,
    queued_at: Option<String>,
    assigned_at: Option<String>,
    updated_at: Option<String>,
    version: u64,
}

impl IssueRow {
    /// The row of an issue, its body (where asked for), and the dependencies that keep it back; `None` for an issue that was
    /// never approved.
    #[must_use]
    pub fn of(issue: &Issue, body: Option<String>, blocked_by: &[IssueRef]) -> Option<Self> {
        let state = issue.state()?;
        let shown: Option<(&PrRef, &KnownPull)> = issue.shown.as_ref().and_then(|pull| issue.pulls.get_key_value(pull));
        let standing = shown.map(|(_, pull)| &pull.standing);
        let lease = issue.lease.as_ref();
        Some(Self {
            stream_id: issue.reference.to_string(),
            repo: issue.reference.repo.to_string(),
            issue_number: issue.reference.number,
            title: issue.title.clone(),
            url: issue.url.clone(),
            body,
            labels: issue.labels.clone(),
            milestone: issue.milestone.clone(),
            priority: issue.priority.as_str(),
            state: state.as_str(),
            stack: issue.stack.clone(),
            escalate: issue.escalate.clone(),
            tools: issue.tools.clone(),
            test_command: issue.test_command.clone(),
            build_command: issue.build_command.clone(),
            agent_id: lease.map(|lease| lease.claimant.agent.to_string()),
            author: shown.and_then(|(_, pull)| {
                let agent = pull.agent.as_ref().map(ToString::to_string);
                agent.or_else(|| pull.standing.author.as_ref().map(ToString::to_string))
            }),
            attempt: issue.attempt,
            epoch: issue.epoch,
            strikes: issue.strikes,
            branch: standing
                .and_then(|standing| standing.branch.clone())
                .or_else(|| lease.map(|lease| lease.branch_hint.clone())),
            pr_repo: shown.map(|(pull, _)| pull.repo.to_string()),
            pr_number: shown.map(|(pull, _)| pull.number),
            pr_url: standing.and_then(|standing| standing.url.clone()),
            head_sha: standing.and_then(|standing| standing.head_sha.as_ref()).map(Sha::to_string),
            ci: standing.map_or(CiState::Unknown, |standing| standing.ci).as_str(),
            review: standing.map_or(ReviewState::None, |standing| standing.review).as_str(),
            reviewer: standing.and_then(|standing| standing.reviewer.clone()),
            gates: standing.map(|standing| standing.gates.clone()).unwrap_or_default(),
            depends_on: texts(&issue.depends_on),
            blocked_by: texts(blocked_by),
            orphan_status: issue.orphan_status.clone(),
            escalated: state == IssueState::Escalated,
            queued_at: time(issue.queued_at),
            assigned_at: time(issue.assigned_at),
            updated_at: time(issue.updated_at),
            version: issue.version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::issue::Phase;

    fn issue() -> Issue {
        let mut issue = Issue::unknown(IssueRef::parse("Acme/Web#4").unwrap());
        issue.phase = Phase::Open;
        issue.title = "Broken".to_owned();
        issue
    }

    /// Domain §3, in its order, and the author.
    const NAMES: [&str; 37] = [
        "streamId",
        "repo",
        "issueNumber",
        "title",
        "url",
        "body",
        "labels",
        "milestone",
        "priority",
        "state",
        "stack",
        "escalate",
        "tools",
        "testCommand",
        "buildCommand",
        "agentId",
        "author",
        "attempt",
        "epoch",
        "strikes",
        "branch",
        "prRepo",
        "prNumber",
        "prUrl",
        "headSha",
        "ci",
        "review",
        "reviewer",
        "gates",
        "dependsOn",
        "blockedBy",
        "orphanStatus",
        "escalated",
        "queuedAt",
        "assignedAt",
        "updatedAt",
        "version",
    ];

    #[test]
    fn every_field_of_the_row_is_there_even_when_empty() {
        let row = serde_json::to_value(IssueRow::of(&issue(), None, &[]).unwrap()).unwrap();
        let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = NAMES.to_vec();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!((&row["state"], &row["ci"], &row["review"]), (&"queued".into(), &"unknown".into(), &"none".into()));
        assert_eq!(row["streamId"], "Acme/Web#4");
    }

    #[test]
    fn an_issue_that_was_never_approved_has_no_row() {
        let issue = Issue { phase: Phase::Unapproved, ..issue() };
        assert_eq!(IssueRow::of(&issue, None, &[]), None);
    }

    #[test]
    fn an_escalated_issue_says_so_and_a_blocked_one_by_what() {
        let issue = Issue { phase: Phase::Escalated, ..issue() };
        let blockers = [IssueRef::parse("acme/web#1").unwrap()];
        let row = serde_json::to_value(IssueRow::of(&issue, Some("text".into()), &blockers).unwrap()).unwrap();
        assert_eq!(
            (&row["escalated"], &row["body"], &row["blockedBy"][0]),
            (&true.into(), &"text".into(), &"acme/web#1".into())
        );
    }
}
