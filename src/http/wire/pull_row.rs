use std::collections::BTreeMap;

use conductor_core::event::{CiState, GateState, PullRequestState, ReviewState};
use conductor_core::identity::{Login, Sha};
use conductor_core::pull_request::{Gate, Head, PullRequest, VerdictKind};
use schemars::JsonSchema;
use serde::Serialize;

use super::{texts, time};
use crate::openapi::words;

/// A pull request as `GET /api/pulls` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullRow {
    stream_id: String,
    repo: String,
    pr_number: u64,
    pr_url: Option<String>,
    title: Option<String>,
    branch: Option<String>,
    linked_issues: Vec<String>,
    author: Option<String>,
    agent_id: Option<String>,
    /// Of the lease that it was made under. Leases stand on issues, and a pull request may have several: null for now.
    epoch: Option<u32>,
    /// Until when the open dispatch may be answered.
    deadline: Option<String>,
    escalated: bool,
    #[schemars(schema_with = "words::<PullRequestState>")]
    state: &'static str,
    head_sha: Option<String>,
    draft: bool,
    labels: Vec<String>,
    #[schemars(schema_with = "words::<CiState>")]
    ci: &'static str,
    checks: BTreeMap<String, Option<String>>,
    failed_checks: Vec<String>,
    #[schemars(schema_with = "words::<ReviewState>")]
    review: &'static str,
    reviewer: Option<String>,
    reviewers: Vec<ReviewerRow>,
    gates: Vec<GateRow>,
    waiting_for: Vec<String>,
    mergeable: Option<bool>,
    unresolved_threads: usize,
    files: Option<u32>,
    additions: Option<u32>,
    deletions: Option<u32>,
    merge_sha: Option<String>,
    updated_at: Option<String>,
    version: u64,
}

/// What one reviewer said of the current head.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewerRow {
    reviewer: String,
    agent_id: Option<String>,
    #[schemars(schema_with = "words::<VerdictKind>")]
    verdict: &'static str,
    /// Whether it counts: of an allowed reviewer.
    allowed: bool,
    submitted_at: Option<String>,
}

/// A decision that a person takes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GateRow {
    gate_id: String,
    gate: String,
    #[schemars(schema_with = "words::<GateState>")]
    state: &'static str,
    open: bool,
    reason: String,
    files: Vec<String>,
    since: Option<String>,
}

impl PullRow {
    /// The row of a pull request; `None` for one of which only early facts are known.
    #[must_use]
    pub fn of(pull: &PullRequest) -> Option<Self> {
        if !pull.known {
            return None;
        }
        let standing = pull.standing();
        let head = pull.current_head();
        Some(Self {
            stream_id: pull.reference.to_string(),
            repo: pull.reference.repo.to_string(),
            pr_number: pull.reference.number,
            pr_url: pull.url.clone(),
            title: pull.title.clone(),
            branch: pull.branch.clone(),
            linked_issues: texts(&standing.linked_issues),
            author: pull.author.as_ref().map(Login::to_string),
            agent_id: pull.agent.as_ref().map(ToString::to_string),
            epoch: None,
            deadline: time(pull.dispatch.as_ref().map(|dispatch| dispatch.deadline)),
            escalated: pull.escalated,
            state: standing.state.as_str(),
            head_sha: pull.head.as_ref().map(Sha::to_string),
            draft: pull.draft,
            labels: pull.labels.clone(),
            ci: standing.ci.as_str(),
            checks: head.map(checks).unwrap_or_default(),
            failed_checks: standing.failed_checks,
            review: standing.review.as_str(),
            reviewer: standing.reviewer,
            reviewers: head.map(reviewers).unwrap_or_default(),
            gates: pull.gates.iter().map(|(id, gate)| GateRow::of(id, gate)).collect(),
            // What was waited for last is history once it is merged, closed or out of the play.
            waiting_for: if standing.state == PullRequestState::Open { pull.waiting_for.clone() } else { Vec::new() },
            mergeable: pull.mergeable,
            unresolved_threads: pull.threads.len(),
            files: pull.files,
            additions: pull.additions,
            deletions: pull.deletions,
            merge_sha: pull.merge_sha.as_ref().map(Sha::to_string),
            updated_at: time(pull.updated_at),
            version: pull.version,
        })
    }
}

/// Conclusions by name; null while a check runs.
fn checks(head: &Head) -> BTreeMap<String, Option<String>> {
    head.checks.iter().map(|(name, check)| (name.clone(), check.conclusion.clone())).collect()
}

fn reviewers(head: &Head) -> Vec<ReviewerRow> {
    let verdicts = head.verdicts.iter().map(|(reviewer, verdict)| ReviewerRow {
        reviewer: reviewer.to_string(),
        agent_id: verdict.agent.as_ref().map(ToString::to_string),
        verdict: verdict.kind.as_str(),
        allowed: verdict.allowed,
        submitted_at: time(verdict.submitted_at),
    });
    let abstained = head.abstained.keys().filter(|reviewer| !head.verdicts.contains_key(reviewer));
    let abstained = abstained.map(|reviewer| ReviewerRow {
        reviewer: reviewer.to_string(),
        agent_id: None,
        verdict: VerdictKind::Commented.as_str(),
        allowed: false,
        submitted_at: None,
    });
    verdicts.chain(abstained).collect()
}

impl GateRow {
    fn of(id: &str, gate: &Gate) -> Self {
        Self {
            gate_id: id.to_owned(),
            gate: gate.gate.clone(),
            state: gate.state.as_str(),
            open: gate.state == GateState::Open,
            reason: gate.reason.clone(),
            files: gate.files.clone(),
            since: time(gate.since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::IssueRef;
    use serde_json::json;

    #[test]
    fn every_field_of_the_row_is_there_even_when_empty() {
        let mut pull = PullRequest::unknown(IssueRef::parse("acme/web#57").unwrap());
        pull.known = true;
        let row = serde_json::to_value(PullRow::of(&pull).unwrap()).unwrap();
        for name in [
            "repo",
            "prNumber",
            "prUrl",
            "title",
            "branch",
            "linkedIssues",
            "author",
            "epoch",
            "deadline",
            "escalated",
            "updatedAt",
            "version",
            "headSha",
            "draft",
            "labels",
            "ci",
            "checks",
            "review",
            "reviewers",
            "gates",
            "waitingFor",
            "mergeable",
            "state",
        ] {
            assert!(row.get(name).is_some(), "{name} is missing in {row}");
        }
        assert_eq!((&row["state"], &row["ci"], &row["review"]), (&"open".into(), &"unknown".into(), &"none".into()));
    }

    #[test]
    fn what_is_merged_or_closed_waits_for_nothing() {
        let mut pull = PullRequest::unknown(IssueRef::parse("acme/web#57").unwrap());
        (pull.known, pull.waiting_for) = (true, vec!["review".to_owned()]);
        for (state, waits) in [
            (PullRequestState::Open, json!(["review"])),
            (PullRequestState::Merged, json!([])),
            (PullRequestState::Closed, json!([])),
        ] {
            pull.state = state;
            assert_eq!(serde_json::to_value(PullRow::of(&pull).unwrap()).unwrap()["waitingFor"], waits, "{state}");
        }
    }

    #[test]
    fn a_pull_request_of_which_only_facts_came_has_no_row() {
        assert_eq!(PullRow::of(&PullRequest::unknown(IssueRef::parse("acme/web#57").unwrap())), None);
    }
}
