//! What the facts of its pull requests make of an issue.

use crate::decider::Moment;
use crate::event::{
    Merged, PrClosed, PrFact, PrReported, PrRole, PullRequestEvent, PullRequestState, SmokeCause, Standing,
};
use crate::identity::IssueRef;

use super::evolve::enter;
use super::settle::STRIKE;
use super::state::{NEEDS_REVIEW, has_label};
use super::{Issue, KnownPull, Phase};

pub(super) fn report_pull(issue: &mut Issue, reported: &PrReported, at: Moment) {
    let Some(pr) = IssueRef::new(reported.pr_repo.clone(), reported.pr_number) else { return };
    if let Some(agent) = &reported.agent {
        issue.reported.insert(pr.clone(), agent.clone());
    }
    if reported.provisional || issue.phase == Phase::Unapproved {
        return;
    }
    let current = issue.current_pull().filter(|known| known.standing.pr == pr);
    let head_before = current.map(|known| known.standing.head_sha.clone());
    // It is current already, whoever reports it: only another head is news, and the facts of this one stay.
    if head_before.as_ref().is_some_and(|head| reported.head_sha.is_none() || reported.head_sha == *head) {
        return;
    }
    make_current(issue, pr.clone(), Standing::reported(pr, issue.reference.clone(), reported), at);
    if head_before.flatten().is_some() {
        take_new_head(issue, at);
    }
}

fn make_current(issue: &mut Issue, pr: IssueRef, standing: Standing, at: Moment) {
    let made_by = issue.lease.as_ref().filter(|lease| !lease.hook).map(|lease| lease.claimant.agent.clone());
    let branch_owner = issue
        .last_holder
        .clone()
        .filter(|_| standing.branch.as_ref().is_some_and(|branch| issue.branches.contains_key(branch)));
    let known = issue.pulls.entry(pr.clone()).or_insert_with(|| KnownPull::new(standing.clone(), PrRole::Current));
    known.standing = standing;
    known.role = PrRole::Current;
    if issue.current.as_ref() == Some(&pr) {
        return;
    }
    known.agent = known.agent.take().or(made_by).or(branch_owner);
    known.rounds_carried += std::mem::take(&mut issue.rounds_carried);
    known.heads_carried += std::mem::take(&mut issue.heads_carried);
    if known.closed_as_current {
        // Open again: what its closing counted is taken back.
        issue.closed_pulls = issue.closed_pulls.saturating_sub(1);
        if let Some(agent) = known.agent.as_ref().filter(|_| known.closing_excluded) {
            issue.excluded.remove(agent);
        }
        known.closed_as_current = false;
        known.closing_excluded = false;
    }
    issue.current = Some(pr.clone());
    issue.shown = Some(pr);
    issue.lease = None;
    // A pull request that counts is progress.
    issue.leases_without_progress = 0;
    issue.runs_since = Some(at.time);
    issue.orphan_status = None;
}

pub(super) fn evolve_pull(issue: &mut Issue, fact: &PrFact, at: Moment) {
    let pr = fact.standing.pr.clone();
    let standing = (*fact.standing).clone();
    let was_current = issue.current.as_ref() == Some(&pr);
    if let (true, PullRequestEvent::Superseded(superseded)) = (was_current, fact.event.as_ref()) {
        carry(issue, &superseded.reason);
    }
    let head_before = issue.pulls.get(&pr).and_then(|known| known.standing.head_sha.clone());
    match fact.role {
        PrRole::Current if standing.state == PullRequestState::Open => {
            make_current(issue, pr.clone(), standing, at);
            if was_current && head_before != fact.standing.head_sha {
                take_new_head(issue, at);
            }
        }
        PrRole::Current | PrRole::Linked | PrRole::Superseded | PrRole::Unlinked => {
            let known = issue.pulls.entry(pr.clone()).or_insert_with(|| KnownPull::new(standing.clone(), fact.role));
            known.standing = standing;
            known.role = fact.role;
            // Told only after the end of the issue that it was for: the row shows it as it would have.
            let counted = known.standing.trusted && has_label(&known.standing.labels, NEEDS_REVIEW);
            if fact.role == PrRole::Linked
                && counted
                && !known.standing.draft
                && issue.shown.is_none()
                && matches!(issue.phase, Phase::Done | Phase::Cancelled)
            {
                issue.shown = Some(pr.clone());
            }
            if was_current {
                issue.current = None;
                issue.lease = None;
            }
        }
    }
    if let Some(known) = issue.pulls.get_mut(&pr) {
        if let PullRequestEvent::Merged(Merged { updated_at, .. })
        | PullRequestEvent::Closed(PrClosed { updated_at, .. }) = fact.event.as_ref()
        {
            known.ended_at = updated_at.or(Some(at.time));
        } else if known.standing.state == PullRequestState::Open {
            known.ended_at = None;
        }
    }
    match fact.event.as_ref() {
        PullRequestEvent::Closed(_) if was_current => count_closed(issue, &pr),
        PullRequestEvent::Merged(_) if fact.role == PrRole::Current && issue.phase != Phase::Unapproved => {
            enter(issue, Phase::Deploying, at.time);
            issue.shown = Some(pr);
            issue.external_failures = 0;
        }
        PullRequestEvent::Verified(_) => {
            if let Some(pull) = issue.pulls.get_mut(&pr) {
                pull.verified = true;
            }
        }
        PullRequestEvent::SmokeFailed(failed) if deploys(issue, &pr) => match failed.cause {
            SmokeCause::Code => {
                fix_forward(issue, failed.details.clone().unwrap_or_else(|| "the smoke test failed".to_owned()), at)
            }
            SmokeCause::ExternalDependency => issue.external_failures += 1,
        },
        PullRequestEvent::E2eFailed(failed) if deploys(issue, &pr) => {
            let first = failed
                .first_failure
                .clone()
                .unwrap_or_else(|| format!("{} of {} failed", failed.failed_count, failed.total_count));
            fix_forward(issue, format!("end-to-end tests: {first}"), at);
        }
        PullRequestEvent::SmokePassed(_) if deploys(issue, &pr) => issue.external_failures = 0,
        PullRequestEvent::Escalated(escalated) if was_current && issue.phase == Phase::Open => {
            enter(issue, Phase::Escalated, at.time);
            issue.escalation_reason = Some(escalated.reason.clone());
        }
        PullRequestEvent::Created(_)
        | PullRequestEvent::Updated(_)
        | PullRequestEvent::Reopened(_)
        | PullRequestEvent::Closed(_)
        | PullRequestEvent::Superseded(_)
        | PullRequestEvent::CheckRecorded(_)
        | PullRequestEvent::CiPending(_)
        | PullRequestEvent::CiPassed(_)
        | PullRequestEvent::CiFailed(_)
        | PullRequestEvent::ReviewAssigned(_)
        | PullRequestEvent::ReviewDelivered(_)
        | PullRequestEvent::ReviewPassed(_)
        | PullRequestEvent::ReviewDisputed(_)
        | PullRequestEvent::ReviewAbstained(_)
        | PullRequestEvent::ReviewDismissed(_)
        | PullRequestEvent::ReviewReported(_)
        | PullRequestEvent::ReviewFailed(_)
        | PullRequestEvent::ReReviewRequested(_)
        | PullRequestEvent::ApprovalRefused(_)
        | PullRequestEvent::ApprovalCarried(_)
        | PullRequestEvent::ReviewLoopExceeded(_)
        | PullRequestEvent::Escalated(_)
        | PullRequestEvent::HumanGateTriggered(_)
        | PullRequestEvent::HumanGateReminder(_)
        | PullRequestEvent::HumanGateEscalated(_)
        | PullRequestEvent::HumanGateApproved(_)
        | PullRequestEvent::HumanGateRejected(_)
        | PullRequestEvent::MergeGateWaiting(_)
        | PullRequestEvent::MergeGateReminder(_)
        | PullRequestEvent::MergeConflict(_)
        | PullRequestEvent::MergeRequested(_)
        | PullRequestEvent::Merged(_)
        | PullRequestEvent::DeployedStaging(_)
        | PullRequestEvent::SmokePassed(_)
        | PullRequestEvent::SmokeFailed(_)
        | PullRequestEvent::E2ePassed(_)
        | PullRequestEvent::E2eFailed(_)
        | PullRequestEvent::DeployedProduction(_)
        | PullRequestEvent::Override(_) => {}
    }
}

/// A new head of the current pull request is progress, and ends the rework that asked for it.
fn take_new_head(issue: &mut Issue, at: Moment) {
    issue.lease = None;
    issue.rework_since = None;
    issue.leases_without_progress = 0;
    issue.runs_since = Some(at.time);
    issue.orphan_status = None;
    if let Some(pull) = issue.current.as_ref().and_then(|current| issue.pulls.get_mut(current)) {
        pull.rework_demanded = false;
        pull.verified = false;
    }
}

/// Whoever replaces a pull request goes on counting where that one was; after a strike the count begins anew.
fn carry(issue: &mut Issue, reason: &str) {
    let counted =
        issue.current_pull().filter(|_| reason != STRIKE).map_or((0, 0), |pull| (pull.rounds(), pull.heads()));
    (issue.rounds_carried, issue.heads_carried) = counted;
}

/// Whether the issue waits for the deployment of this pull request.
fn deploys(issue: &Issue, pr: &IssueRef) -> bool {
    issue.phase == Phase::Deploying && issue.delivered().is_some_and(|pull| pull.standing.pr == *pr)
}

fn count_closed(issue: &mut Issue, pr: &IssueRef) {
    issue.closed_pulls += 1;
    let Some(pull) = issue.pulls.get_mut(pr) else { return };
    pull.closed_as_current = true;
    if let Some(agent) = pull.agent.clone() {
        pull.closing_excluded = issue.excluded.insert(agent);
    }
}

/// Production is broken by the change: new work, with the failure as feedback. Never a rollback.
fn fix_forward(issue: &mut Issue, failure: String, at: Moment) {
    issue.deploy_failures += 1;
    issue.feedback = Some(failure);
    // The branch is merged: whoever takes it, its last holder too, begins on a fresh one.
    issue.last_claimant = None;
    if let Some(pull) = issue.shown.as_ref().and_then(|shown| issue.pulls.get_mut(shown)) {
        pull.verified = false;
    }
    enter(issue, Phase::Open, at.time);
}
