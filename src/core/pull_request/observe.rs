//! What GitHub says a pull request looks like. Every delivery carries it whole, so an older one never overrides a newer one,
//! and one that was lost is made up for by the next.

use crate::decider::{Decision, Given};
use crate::event::{
    ApprovalRefused, MergeConflict, Merged, PrClosed, PrCreated, PrReopened, PrUpdated, PullRequestEvent,
    PullRequestState,
};
use crate::identity::{Login, Sha};

use super::draft::Draft;
use super::producer::{Reviewer, produced_by};
use super::{PrObservation, PullRequest, VerdictKind};

pub(super) fn decide(pull: &PullRequest, seen: &PrObservation, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    let late = pull.known && pull.github_updated_at.is_some_and(|newest| seen.updated_at < newest);
    if !pull.known {
        draft.fact(created(pull, seen));
    }
    if late {
        take_late(&mut draft, seen);
    } else {
        take_changes(&mut draft, seen);
    }
    if !pull.known || draft.pull.pushers != pull.pushers {
        refuse_early_approvals(&mut draft);
    }
    take_mergeability(&mut draft, seen);
    follow_openness(&mut draft, seen, late);
    draft.accept_or_unchanged(pull.state_version)
}

fn created(pull: &PullRequest, seen: &PrObservation) -> PrCreated {
    PrCreated {
        agent: None,
        author: seen.author.clone(),
        author_association: seen.author_association.clone(),
        pr_repo: pull.reference.repo.clone(),
        pr_number: pull.reference.number,
        pr_url: seen.url.clone(),
        title: Some(seen.title.clone()),
        branch: seen.branch.clone(),
        head_sha: seen.head_sha.clone(),
        draft: seen.draft,
        labels: seen.labels.clone().unwrap_or_default(),
        linked_issues: seen.linked_issues.clone().unwrap_or_default(),
        updated_at: Some(seen.updated_at),
    }
}

/// Reviews may come before the pull request itself, or before the push that they judge: only now is it known whose it is.
fn refuse_early_approvals(draft: &mut Draft<'_>) {
    let early: Vec<(Login, Sha, Option<u64>)> = draft
        .pull
        .heads
        .iter()
        .flat_map(|(sha, head)| head.verdicts.iter().map(move |(reviewer, verdict)| (reviewer, sha, verdict)))
        .filter(|(_, _, verdict)| verdict.kind == VerdictKind::Approved)
        .map(|(reviewer, sha, verdict)| (reviewer.clone(), sha.clone(), verdict.review_id))
        .collect();
    for (reviewer, sha, review_id) in early {
        let produced = produced_by(&draft.pull, Reviewer::Login(&reviewer), draft.given.policy, draft.given.neighbours);
        if let Some(why) = produced {
            let rule = "self_approval".to_owned();
            draft.rule("self_approval", [why], ApprovalRefused { reviewer, head_sha: Some(sha), review_id, rule });
        }
    }
}

fn unchanged(seen: &PrObservation) -> PrUpdated {
    PrUpdated { updated_at: Some(seen.updated_at), ..PrUpdated::nothing() }
}

/// From the past only a head that nobody told of is news: it counts, without becoming the current one.
fn take_late(draft: &mut Draft<'_>, seen: &PrObservation) {
    let forgotten = seen.head_sha.clone().filter(|sha| !draft.pull.head_order.contains(sha));
    let pushed_by = seen.pushed_by.clone().filter(|pusher| !draft.pull.pushers.contains(pusher));
    if forgotten.is_some() || pushed_by.is_some() {
        draft.fact(PrUpdated { head_sha: forgotten, pushed_by, ..unchanged(seen) });
    }
}

fn take_changes(draft: &mut Draft<'_>, seen: &PrObservation) {
    let pull = &draft.pull;
    let newer = pull.github_updated_at.is_none_or(|newest| seen.updated_at > newest);
    // Within one second only a push says which of two heads is the newer one.
    let head_sha = seen
        .head_sha
        .clone()
        .filter(|sha| pull.head.as_ref() != Some(sha) && (newer || seen.pushed_by.is_some() || pull.head.is_none()));
    let update = PrUpdated {
        updated_at: Some(seen.updated_at),
        head_sha,
        pushed_by: seen.pushed_by.clone().filter(|pusher| !pull.pushers.contains(pusher)),
        draft: Some(seen.draft).filter(|draft| *draft != pull.draft),
        labels: seen.labels.clone().filter(|labels| *labels != pull.labels),
        title: Some(seen.title.clone()).filter(|title| pull.title.as_ref() != Some(title)),
        branch: seen.branch.clone().filter(|branch| pull.branch.as_ref() != Some(branch)),
        linked_issues: seen.linked_issues.clone().filter(|issues| *issues != pull.linked_issues),
        files: seen.files.filter(|files| pull.files != Some(*files)),
        additions: seen.additions.filter(|lines| pull.additions != Some(*lines)),
        deletions: seen.deletions.filter(|lines| pull.deletions != Some(*lines)),
        ..PrUpdated::nothing()
    };
    // Even where nothing changed, an older observation that comes late must know that it is older.
    if newer || update != unchanged(seen) {
        draft.fact(update);
    }
}

/// Whether it can be merged is a fact of its head, with a time of its own: GitHub works it out late and tells it rarely.
fn take_mergeability(draft: &mut Draft<'_>, seen: &PrObservation) {
    let (Some(mergeable), Some(sha)) = (seen.mergeable, seen.head_sha.as_ref()) else { return };
    let Some(head) = draft.pull.heads.get(sha) else { return };
    if head.mergeable_at >= Some(seen.updated_at) {
        return;
    }
    let is_current = draft.pull.head.as_ref() == Some(sha);
    let updated_at = Some(seen.updated_at);
    if !mergeable && !head.conflict {
        let conflict = MergeConflict { head_sha: Some(sha.clone()), updated_at };
        draft.rule("merge_conflict", ["GitHub says that it can't be merged".to_owned()], conflict);
    } else if mergeable && is_current && draft.pull.mergeable != Some(true) {
        draft.fact(PrUpdated { updated_at, mergeable: Some(true), ..PrUpdated::nothing() });
    }
}

fn follow_openness(draft: &mut Draft<'_>, seen: &PrObservation, late: bool) {
    let updated_at = Some(seen.updated_at);
    let by = seen.sender.as_ref().map(ToString::to_string);
    match draft.pull.state {
        // A merge can't be taken back, so it is believed even when it is told late.
        PullRequestState::Open | PullRequestState::Superseded | PullRequestState::Closed if seen.merged => {
            draft.fact(Merged { merge_sha: seen.merge_sha.clone(), by, updated_at });
        }
        PullRequestState::Open | PullRequestState::Superseded if !seen.open && !late => {
            draft.fact(PrClosed { by, updated_at });
        }
        PullRequestState::Closed if seen.open && !late => draft.fact(PrReopened { updated_at }),
        PullRequestState::Open | PullRequestState::Superseded | PullRequestState::Closed | PullRequestState::Merged => {
        }
    }
}
