//! Names, times and facts as tests hand them to a world.

use crate::event::{CheckRecorded, IssueApproved};
use crate::identity::{Claimant, IssueRef, Login, Sha};
use crate::issue::{Issue, IssueAction, IssueObservation};
use crate::overrule::{Reason, Ruling};
use crate::pull_request::{PrObservation, Verdict, VerdictKind};
use crate::time::Timestamp;

use super::REPO;

pub(crate) fn issue_ref(number: u64) -> IssueRef {
    IssueRef::parse(&format!("{REPO}#{number}")).unwrap()
}

pub(crate) fn sha(text: &str) -> Sha {
    Sha::parse(text).unwrap()
}

pub(crate) fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

pub(crate) fn claimant(text: &str) -> Claimant {
    Claimant::parse(text).unwrap()
}

/// An operator with a reason.
pub(crate) fn ada() -> Ruling {
    Ruling { operator: "ada".into(), reason: Reason::parse("the customer waits").unwrap() }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + second * 1000)
}

/// An open, labelled issue as GitHub shows it at that second.
pub(crate) fn labelled(second: i64) -> IssueObservation {
    IssueObservation {
        action: IssueAction::Labeled("agent-ready".into()),
        title: "Fix the login".into(),
        url: None,
        body: None,
        labels: vec!["agent-ready".into()],
        milestone: None,
        open: true,
        state_reason: None,
        updated_at: at(second),
        sender: None,
    }
}

/// An open pull request of the developers' bot that closes `issue`.
pub(crate) fn opened(issue: u64, branch: &str, head: &str, second: i64) -> PrObservation {
    PrObservation {
        title: format!("Fixes #{issue}"),
        url: None,
        branch: Some(branch.into()),
        author: Some(login("dev-e-bot[bot]")),
        author_association: Some("NONE".into()),
        head_sha: Some(sha(head)),
        draft: false,
        labels: Some(Vec::new()),
        linked_issues: Some(vec![issue_ref(issue)]),
        open: true,
        merged: false,
        merge_sha: None,
        mergeable: None,
        files: None,
        additions: None,
        deletions: None,
        updated_at: at(second),
        pushed_by: None,
        sender: None,
    }
}

pub(crate) fn check(head: &str, run_id: u64, conclusion: &str) -> CheckRecorded {
    CheckRecorded {
        name: "build".into(),
        head_sha: sha(head),
        run_id,
        attempt: 1,
        conclusion: Some(conclusion.into()),
        at: None,
    }
}

pub(crate) fn verdict(kind: VerdictKind, reviewer: &str, head: &str, id: u64) -> Verdict {
    Verdict {
        kind,
        reviewer: login(reviewer),
        head_sha: Some(sha(head)),
        review_id: Some(id),
        submitted_at: Some(at(i64::try_from(id).unwrap())),
        body: Some("because".into()),
    }
}

/// What a coordinator tells of an issue that it approves.
pub(crate) fn approval(issue: &Issue) -> IssueApproved {
    IssueApproved {
        title: "Told by an agent".into(),
        url: None,
        body: None,
        priority: issue.priority,
        depends_on: Vec::new(),
        stack: None,
        escalate: Vec::new(),
        tools: Vec::new(),
        test_command: None,
        build_command: None,
        milestone: None,
        labels: issue.labels.clone(),
        source: "api".into(),
        new_life: false,
        updated_at: None,
    }
}
