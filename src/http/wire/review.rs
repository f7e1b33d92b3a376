use std::borrow::Cow;

use conductor_core::event::Priority;
use conductor_core::identity::{IssueRef, RepoName, Sha};
use conductor_core::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::assignment::IssueShape;
use super::{IssueView, texts};
use crate::openapi::words;

/// What a reviewer is asked: all that it needs to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewView {
    /// The pull request, in the place where an assignment has its issue; the text is that of the issue which it is for.
    pub subject: IssueView,
    /// How urgent that issue is.
    pub priority: Priority,
    /// Which dispatch about this head it is: 1, 2 …
    pub attempt: u32,
    /// The stack of that issue.
    pub stack: Option<String>,
    /// How to test.
    pub test_command: Option<String>,
    /// How to build.
    pub build_command: Option<String>,
    /// Tools to have.
    pub tools: Vec<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// Where people read it.
    pub url: Option<String>,
    /// The head that a verdict is wanted on; `None` for a change that was reported without one.
    pub head_sha: Option<Sha>,
    /// The issues that it is for.
    pub linked_issues: Vec<IssueRef>,
    /// Until when.
    pub deadline: Timestamp,
}

/// The view as clients see it: an assignment whose issue is the pull request.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Review")]
struct Shape<'v> {
    /// The pull request.
    stream_id: String,
    /// The pull request, too: its number is the pull request's own.
    issue: IssueShape<'v>,
    #[schemars(schema_with = "words::<Priority>")]
    priority: &'static str,
    /// Which dispatch about this head it is: 1, 2 …
    attempt: u32,
    lease: NoLease,
    stack: Option<&'v str>,
    test_command: Option<&'v str>,
    build_command: Option<&'v str>,
    /// One text with commas, as the stream entries of the same dispatch have it.
    tools: String,
    kind: Kind,
    /// The branch of the pull request.
    branch_hint: Option<&'v str>,
    pr_repo: &'v str,
    pr_number: u64,
    pr_url: Option<&'v str>,
    /// The head that a verdict is wanted on.
    head_sha: Option<&'v str>,
    /// The issues that it is for, as `owner/repo#42`.
    linked_issues: Vec<String>,
    /// Until when; then another is asked.
    deadline: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Review,
}

/// Reviewers hold no lease: this stands where an assignment has one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoLease {
    /// None: whoever was asked reports under its own name.
    token: Option<String>,
    /// Which dispatch about this head it is.
    epoch: u32,
    /// The deadline.
    expires_at: String,
}

impl ReviewView {
    fn shape(&self) -> Shape<'_> {
        let reference = &self.subject.reference;
        Shape {
            stream_id: reference.to_string(),
            issue: IssueShape::of(&self.subject),
            priority: self.priority.as_str(),
            attempt: self.attempt,
            lease: NoLease { token: None, epoch: self.attempt, expires_at: self.deadline.to_string() },
            stack: self.stack.as_deref(),
            test_command: self.test_command.as_deref(),
            build_command: self.build_command.as_deref(),
            tools: self.tools.join(","),
            kind: Kind::Review,
            branch_hint: self.branch.as_deref(),
            pr_repo: RepoName::as_str(&reference.repo),
            pr_number: reference.number,
            pr_url: self.url.as_deref(),
            head_sha: self.head_sha.as_ref().map(Sha::as_str),
            linked_issues: texts(&self.linked_issues),
            deadline: self.deadline.to_string(),
        }
    }
}

impl Serialize for ReviewView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shape().serialize(serializer)
    }
}

impl JsonSchema for ReviewView {
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

    pub(crate) fn review() -> ReviewView {
        ReviewView {
            subject: IssueView {
                reference: IssueRef::parse("acme/web#57").unwrap(),
                title: "Mend it".to_owned(),
                milestone: None,
                body: Some("It is broken.".to_owned()),
            },
            priority: Priority::High,
            attempt: 2,
            stack: Some("node".to_owned()),
            test_command: Some("npm test".to_owned()),
            build_command: None,
            tools: vec!["ripgrep".to_owned()],
            branch: Some("agent/issue-4-1".to_owned()),
            url: None,
            head_sha: Sha::parse("c0ffee"),
            linked_issues: vec![IssueRef::parse("acme/web#4").unwrap()],
            deadline: Timestamp::from_millis(0),
        }
    }

    /// Existing clients take the issue's number of a review for the pull request's.
    #[test]
    fn it_is_an_assignment_whose_issue_is_the_pull_request() {
        let then = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            serde_json::to_value(review()).unwrap(),
            json!({
                "streamId": "acme/web#57",
                "issue": {"number": 57, "repo": "acme/web", "title": "Mend it", "milestone": null, "body": "It is broken."},
                "priority": "high",
                "attempt": 2,
                "lease": {"token": null, "epoch": 2, "expiresAt": then},
                "stack": "node",
                "testCommand": "npm test",
                "buildCommand": null,
                "tools": "ripgrep",
                "kind": "review",
                "branchHint": "agent/issue-4-1",
                "prRepo": "acme/web",
                "prNumber": 57,
                "prUrl": null,
                "headSha": "c0ffee",
                "linkedIssues": ["acme/web#4"],
                "deadline": then,
            })
        );
    }
}
