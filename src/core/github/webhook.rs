//! What is needed of a webhook delivery, without its JSON.
//!
//! GitHub's enums are [`Word`]s: text in lower case, since the webhook says `approved` where the REST API says `APPROVED`,
//! and since GitHub adds values without notice.

use std::fmt;

use crate::identity::{Login, RepoName, Sha};
use crate::time::Timestamp;

/// A value of one of GitHub's enums, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(Box<str>);

impl Word {
    /// The word in whatever casing it came.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into())
    }

    /// The word in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// `X-GitHub-Event`.
    pub event: Word,
    /// What happened, where the event has several actions.
    pub action: Option<Word>,
    /// Where.
    pub repo: Option<RepoName>,
    /// GitHub's id of the repository, which outlives renames.
    pub repo_id: Option<u64>,
    /// Who did it.
    pub sender: Option<Login>,
    /// What it is about.
    pub subject: Subject,
}

impl Webhook {
    /// `event.action`, for people.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.action {
            Some(action) => format!("{}.{action}", self.event),
            None => self.event.to_string(),
        }
    }

    /// The action, or nothing.
    pub(super) fn action(&self) -> &str {
        self.action.as_ref().map_or("", Word::as_str)
    }
}

/// What a delivery is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// `issues`
    Issue(Box<Issue>),
    /// `pull_request`
    PullRequest(Box<PullRequest>),
    /// `pull_request_review`
    Review(Box<Review>),
    /// `pull_request_review_thread`
    Thread(Box<Thread>),
    /// `check_run`, `check_suite`, `status`, `workflow_run`
    Check(Box<Check>),
    /// `repository`
    Repository(FormerName),
    /// `milestone`
    Milestone {
        /// Its title.
        title: String,
    },
    /// An event of ours that lacks what is needed of it.
    Incomplete {
        /// What.
        lacks: &'static str,
    },
    /// An event that nothing is done about.
    Other,
}

/// An issue as a delivery shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Where people read it.
    pub url: Option<String>,
    /// Body.
    pub body: Option<String>,
    /// All its labels.
    pub labels: Vec<String>,
    /// Its milestone's title.
    pub milestone: Option<String>,
    /// `open`, `closed`.
    pub state: Word,
    /// `completed`, `not_planned`, …
    pub state_reason: Option<Word>,
    /// Whether it is a pull request, which GitHub counts among the issues.
    pub is_pull_request: bool,
    /// GitHub's `updated_at`.
    pub updated_at: Timestamp,
    /// The label that was set or taken off.
    pub label: Option<String>,
}

/// A pull request as a delivery shows it: whole, or beside a review with fewer fields.
#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Where people read it.
    pub url: Option<String>,
    /// Body; absent where the delivery didn't say, empty where there is none.
    pub body: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its head.
    pub head: Option<Sha>,
    /// Who opened it.
    pub author: Option<Login>,
    /// `OWNER`, `MEMBER`, …
    pub author_association: Option<Word>,
    /// Not ready for review; absent where the delivery didn't say.
    pub draft: Option<bool>,
    /// All its labels; absent where the delivery didn't say.
    pub labels: Option<Vec<String>>,
    /// `open`, `closed`.
    pub state: Word,
    /// Merged.
    pub merged: bool,
    /// While it is open: of a trial merge.
    pub merge_commit: Option<Sha>,
    /// Whether it can be merged, where GitHub knows.
    pub mergeable: Option<bool>,
    /// Changed files.
    pub files: Option<u32>,
    /// Added lines.
    pub additions: Option<u32>,
    /// Removed lines.
    pub deletions: Option<u32>,
    /// GitHub's `updated_at`.
    pub updated_at: Timestamp,
}

/// A review.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// GitHub's id.
    pub id: u64,
    /// Who; absent for a deleted account.
    pub reviewer: Option<Login>,
    /// `approved`, `changes_requested`, `commented`, `dismissed`.
    pub state: Word,
    /// The head that it is about.
    pub head: Option<Sha>,
    /// When.
    pub submitted_at: Option<Timestamp>,
    /// Its words.
    pub body: Option<String>,
    /// Of which pull request.
    pub pull_request: u64,
    /// What that one looks like, where the delivery shows enough of it.
    pub shown: Option<PullRequest>,
}

/// A thread of review comments.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// GitHub's node id.
    pub id: String,
    /// Of which pull request.
    pub pull_request: u64,
    /// What that one looks like, where the delivery shows enough of it.
    pub shown: Option<PullRequest>,
}

/// What ran on a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Which of GitHub's four kinds.
    pub kind: CheckKind,
    /// Name of the run, slug of the suite's app, context of the status, name of the workflow.
    pub name: String,
    /// The commit.
    pub head: Sha,
    /// GitHub's id of the run.
    pub id: u64,
    /// Attempts of the same run, from 1; absent where GitHub doesn't count them.
    pub attempt: Option<u32>,
    /// `completed` when it is over; absent for a commit status.
    pub status: Option<Word>,
    /// How it ended; for a commit status: how it stands.
    pub conclusion: Option<Word>,
    /// When it came to that.
    pub at: Option<Timestamp>,
    /// What started it, for a workflow: `push`, `pull_request`, `schedule`, …
    pub trigger: Option<Word>,
    /// The pull requests that the delivery names.
    pub pull_requests: Vec<NamedPullRequest>,
}

/// What tells of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// One check of an app.
    Run,
    /// All of an app's checks of a commit.
    Suite,
    /// A commit status, the older form of a check.
    Status,
    /// One run of a workflow.
    Workflow,
}

/// A pull request named beside a check; GitHub names those of other repositories too, where a fork has the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPullRequest {
    /// Its number.
    pub number: u64,
    /// GitHub's id of the repository that it is in.
    pub repo_id: Option<u64>,
}

/// What a repository was called before, as far as it changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormerName {
    /// The owner before.
    pub owner: Option<String>,
    /// The name before.
    pub name: Option<String>,
}
