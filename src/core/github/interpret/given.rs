//! Deliveries for the tests of this room.

pub(crate) use crate::github::Issue;
use crate::github::{
    Check, CheckKind, FormerName, Interpretation, NamedPullRequest, PullRequest, Review, Subject, Thread, Webhook, Word,
};
use crate::identity::{Login, RepoName, Sha};
use crate::time::Timestamp;

pub(crate) fn repo() -> RepoName {
    RepoName::parse("acme/web").unwrap()
}

pub(crate) fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

pub(crate) fn sha(digits: &str) -> Sha {
    Sha::parse(&digits.repeat(20)).unwrap()
}

/// Seconds after some day.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_253_400_000 + second * 1000)
}

pub(crate) fn delivery(event: &str, action: Option<&str>, subject: Subject) -> Webhook {
    Webhook {
        event: Word::new(event),
        action: action.map(Word::new),
        repo: Some(repo()),
        repo_id: Some(1),
        sender: Some(login("octo")),
        subject,
    }
}

pub(crate) fn ignoring(why: &str) -> Interpretation {
    Interpretation::Ignored(why.to_owned())
}

pub(crate) fn issue() -> Issue {
    Issue {
        number: 7,
        title: "Add a door".into(),
        url: Some("https://github.com/acme/web/issues/7".into()),
        body: Some("Depends on: #1".into()),
        labels: vec!["agent-ready".into()],
        milestone: Some("v1".into()),
        state: Word::new("open"),
        state_reason: None,
        is_pull_request: false,
        updated_at: at(1),
        label: None,
    }
}

pub(crate) fn pull_request() -> PullRequest {
    PullRequest {
        number: 9,
        title: "A door".into(),
        url: Some("https://github.com/acme/web/pull/9".into()),
        body: Some("Closes #7".into()),
        branch: Some("agent/issue-7-1".into()),
        head: Some(sha("a1")),
        author: Some(login("dev-e-bot[bot]")),
        author_association: Some(Word::new("MEMBER")),
        draft: Some(false),
        labels: Some(Vec::new()),
        state: Word::new("open"),
        merged: false,
        merge_commit: Some(sha("e3")),
        mergeable: None,
        files: Some(2),
        additions: Some(10),
        deletions: Some(1),
        updated_at: at(2),
    }
}

pub(crate) fn review() -> Review {
    Review {
        id: 21,
        reviewer: Some(login("review-e-bot[bot]")),
        state: Word::new("approved"),
        head: Some(sha("a1")),
        submitted_at: Some(at(2)),
        body: None,
        pull_request: 9,
        shown: Some(pull_request()),
    }
}

pub(crate) fn thread() -> Thread {
    Thread { id: "PRRT_1".into(), pull_request: 9, shown: Some(pull_request()) }
}

pub(crate) fn check(kind: CheckKind) -> Check {
    Check {
        kind,
        name: "build".into(),
        head: sha("a1"),
        id: 31,
        attempt: None,
        status: Some(Word::new("completed")),
        conclusion: Some(Word::new("FAILURE")),
        at: Some(at(3)),
        trigger: None,
        pull_requests: vec![NamedPullRequest { number: 9, repo_id: Some(1) }],
    }
}

/// One of each subject that has actions.
pub(crate) fn every_subject() -> Vec<(&'static str, Subject)> {
    vec![
        ("issues", Subject::Issue(Box::new(issue()))),
        ("pull_request", Subject::PullRequest(Box::new(pull_request()))),
        ("pull_request_review", Subject::Review(Box::new(review()))),
        ("pull_request_review_thread", Subject::Thread(Box::new(thread()))),
        ("check_run", Subject::Check(Box::new(check(CheckKind::Run)))),
        ("check_suite", Subject::Check(Box::new(check(CheckKind::Suite)))),
        ("workflow_run", Subject::Check(Box::new(check(CheckKind::Workflow)))),
        ("repository", Subject::Repository(FormerName::default())),
        ("milestone", Subject::Milestone { title: "v1".into() }),
    ]
}
