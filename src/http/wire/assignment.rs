use std::borrow::Cow;

use conductor_core::event::{AssignmentKind, Priority};
use conductor_core::identity::{IssueRef, RepoName, Sha};
use conductor_core::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::openapi::words;

/// What a claimant is handed: all that it needs to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentView {
    /// The issue.
    pub issue: IssueView,
    /// How urgent.
    pub priority: Priority,
    /// Which claimant of the issue this is: 1, 2 …
    pub attempt: u32,
    /// The right to work on it.
    pub lease: LeaseView,
    /// The stack to serve.
    pub stack: Option<String>,
    /// How to test.
    pub test_command: Option<String>,
    /// How to build.
    pub build_command: Option<String>,
    /// Tools to have.
    pub tools: Vec<String>,
    /// Fresh work, or more commits on the pull request below.
    pub kind: AssignmentKind,
    /// The branch to work on.
    pub branch_hint: String,
    /// Where the pull request lives (rework).
    pub pr_repo: Option<RepoName>,
    /// Its number.
    pub pr_number: Option<u64>,
    /// Its head.
    pub head_sha: Option<Sha>,
    /// What reviewers or checks said.
    pub feedback: Option<String>,
}

/// The issue of an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueView {
    /// Which one.
    pub reference: IssueRef,
    /// Its title.
    pub title: String,
    /// Its milestone.
    pub milestone: Option<String>,
    /// Its body.
    pub body: Option<String>,
}

/// The lease of an assignment; the one place where its token is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct LeaseView {
    /// The secret that marks the holder's reports.
    pub token: String,
    /// Which lease of the issue it is.
    pub epoch: u32,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for LeaseView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LeaseView {{ epoch: {}, expires_at: {}, token: … }}", self.epoch, self.expires_at)
    }
}

/// The view as clients see it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Assignment")]
struct Shape<'v> {
    stream_id: String,
    issue: IssueShape<'v>,
    #[schemars(schema_with = "words::<Priority>")]
    priority: &'static str,
    /// Which claimant of the issue this is: 1, 2 …
    attempt: u32,
    lease: LeaseShape<'v>,
    stack: Option<&'v str>,
    test_command: Option<&'v str>,
    build_command: Option<&'v str>,
    /// One text with commas, as the stream entries of the same assignment have it.
    tools: String,
    #[schemars(schema_with = "words::<AssignmentKind>")]
    kind: &'static str,
    /// The branch to work on.
    branch_hint: &'v str,
    /// Of the pull request that needs more commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pr_repo: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pr_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'v str>,
    /// What reviewers or checks said.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'v str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AssignedIssue")]
pub(super) struct IssueShape<'v> {
    number: u64,
    repo: &'v str,
    title: &'v str,
    milestone: Option<&'v str>,
    body: Option<&'v str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Lease")]
struct LeaseShape<'v> {
    /// Goes as `leaseToken` with every report about this issue.
    token: &'v str,
    /// Which lease of the issue it is.
    epoch: u32,
    /// When it ends unless renewed; every report about the issue renews it.
    expires_at: String,
}

impl<'v> IssueShape<'v> {
    pub(super) fn of(IssueView { reference, title, milestone, body }: &'v IssueView) -> Self {
        Self {
            number: reference.number,
            repo: reference.repo.as_str(),
            title,
            milestone: milestone.as_deref(),
            body: body.as_deref(),
        }
    }
}

impl AssignmentView {
    fn shape(&self) -> Shape<'_> {
        Shape {
            stream_id: self.issue.reference.to_string(),
            issue: IssueShape::of(&self.issue),
            priority: self.priority.as_str(),
            attempt: self.attempt,
            lease: LeaseShape {
                token: &self.lease.token,
                epoch: self.lease.epoch,
                expires_at: self.lease.expires_at.to_string(),
            },
            stack: self.stack.as_deref(),
            test_command: self.test_command.as_deref(),
            build_command: self.build_command.as_deref(),
            tools: self.tools.join(","),
            kind: self.kind.as_str(),
            branch_hint: &self.branch_hint,
            pr_repo: self.pr_repo.as_ref().map(RepoName::as_str),
            pr_number: self.pr_number,
            head_sha: self.head_sha.as_ref().map(Sha::as_str),
            feedback: self.feedback.as_deref(),
        }
    }
}

impl Serialize for AssignmentView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shape().serialize(serializer)
    }
}

impl JsonSchema for AssignmentView {
    fn schema_name() -> Cow<'static, str> {
        Shape::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shape::json_schema(generator)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn assignment() -> AssignmentView {
        AssignmentView {
            issue: IssueView {
                reference: IssueRef::parse("acme/web#4").unwrap(),
                title: "Broken".to_owned(),
                milestone: None,
                body: Some("It is.".to_owned()),
            },
            priority: Priority::High,
            attempt: 1,
            lease: LeaseView { token: "s3cret".to_owned(), epoch: 1, expires_at: Timestamp::from_millis(0) },
            stack: Some("node".to_owned()),
            test_command: None,
            build_command: None,
            tools: vec!["ripgrep".to_owned(), "fd".to_owned()],
            kind: AssignmentKind::Work,
            branch_hint: "agent/issue-4-1".to_owned(),
            pr_repo: None,
            pr_number: None,
            head_sha: None,
            feedback: None,
        }
    }

    #[test]
    fn fresh_work_has_these_names_and_no_pull_request() {
        assert_eq!(
            serde_json::to_value(assignment()).unwrap(),
            json!({
                "streamId": "acme/web#4",
                "issue": {"number": 4, "repo": "acme/web", "title": "Broken", "milestone": null, "body": "It is."},
                "priority": "high",
                "attempt": 1,
                "lease": {"token": "s3cret", "epoch": 1, "expiresAt": "1970-01-01T00:00:00.000Z"},
                "stack": "node",
                "testCommand": null,
                "buildCommand": null,
                "tools": "ripgrep,fd",
                "kind": "work",
                "branchHint": "agent/issue-4-1",
            })
        );
    }

    #[test]
    fn rework_names_its_pull_request_and_what_was_said() {
        let rework = AssignmentView {
            kind: AssignmentKind::Rework,
            pr_repo: RepoName::parse("acme/web"),
            pr_number: Some(57),
            head_sha: Sha::parse("c0ffee"),
            feedback: Some("test fails".to_owned()),
            ..assignment()
        };
        let shape = serde_json::to_value(rework).unwrap();
        assert_eq!(
            (&shape["kind"], &shape["prNumber"], &shape["headSha"]),
            (&json!("rework"), &json!(57), &json!("c0ffee"))
        );
        assert_eq!((&shape["prRepo"], &shape["feedback"]), (&json!("acme/web"), &json!("test fails")));
    }

    #[test]
    fn a_lease_token_is_not_in_debug_output() {
        assert!(!format!("{:?}", assignment()).contains("s3cret"));
    }
}
