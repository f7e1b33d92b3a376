use conductor_core::event::{AssignmentKind, Priority};
use conductor_core::identity::{IssueRef, RepoName, Sha};
use conductor_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

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

impl Serialize for AssignmentView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IssueView { reference, title, milestone, body } = &self.issue;
        let mut shape = Map::new();
        let mut put = |name: &str, value: Value| shape.insert(name.to_owned(), value);
        put("streamId", json!(reference.to_string()));
        put(
            "issue",
            json!({
                "number": reference.number,
                "repo": reference.repo.as_str(),
                "title": title,
                "milestone": milestone,
                "body": body,
            }),
        );
        put("priority", json!(self.priority.as_str()));
        put("attempt", json!(self.attempt));
        put(
            "lease",
            json!({
                "token": self.lease.token,
                "epoch": self.lease.epoch,
                "expiresAt": self.lease.expires_at.to_string(),
            }),
        );
        put("stack", json!(self.stack));
        put("testCommand", json!(self.test_command));
        put("buildCommand", json!(self.build_command));
        // One text, as the stream entries of the same assignment have it.
        put("tools", json!(self.tools.join(",")));
        put("kind", json!(self.kind.as_str()));
        put("branchHint", json!(self.branch_hint));
        let optional = [
            ("prRepo", self.pr_repo.as_ref().map(|repo| json!(repo.as_str()))),
            ("prNumber", self.pr_number.map(|number| json!(number))),
            ("headSha", self.head_sha.as_ref().map(|sha| json!(sha.as_str()))),
            ("feedback", self.feedback.as_ref().map(|feedback| json!(feedback))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                put(name, value);
            }
        }
        shape.serialize(serializer)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

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
