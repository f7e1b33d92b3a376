use crate::decider::Moment;
use crate::event::{
    AssignmentKind, IssueApproved, IssueAssigned, IssueEvent, OwnIssueEvent, PrFact, PrReported, PrRole,
    PullRequestEvent, PullRequestState, SmokeCause, Standing,
};
use crate::identity::{Claimant, IssueRef};

use super::lease::Lease;
use super::settle::STRIKE;
use super::state::digest;
use super::{Issue, KnownPull, Phase, StuckReport};

/// Folds one event in. Depends on nothing but state and event, so that a replay gives the same state.
pub(super) fn evolve(issue: &mut Issue, event: &IssueEvent, at: Moment) {
    let before = issue.state();
    let waited = issue.wants_a_holder();
    issue.version = at.version;
    issue.updated_at = Some(at.time);
    match event {
        IssueEvent::Own(event) => evolve_own(issue, event, at),
        IssueEvent::Pr(fact) => evolve_pull(issue, fact, at),
    }
    // First invariant: a holder only where a holder may be. The lease ends in the append that leaves those states.
    if issue.lease.is_some() && !issue.state().is_some_and(crate::event::IssueState::allows_holder) {
        issue.lease = None;
    }
    if issue.state() != before {
        issue.state_version = at.version;
    }
    match (waited, issue.wants_a_holder()) {
        (false, true) => issue.waiting_since = Some(at.time),
        (_, false) => issue.waiting_since = None,
        (true, true) => {}
    }
}

fn enter(issue: &mut Issue, phase: Phase, since: crate::time::Timestamp) {
    issue.phase = phase;
    issue.phase_since = Some(since);
}

fn evolve_own(issue: &mut Issue, event: &OwnIssueEvent, at: Moment) {
    match event {
        OwnIssueEvent::Approved(approved) => approve(issue, approved, at),
        OwnIssueEvent::Edited(edited) => {
            observed(issue, edited.updated_at);
            if let Some(title) = &edited.title {
                issue.title.clone_from(title);
            }
            if let Some(body) = &edited.body {
                issue.body_digest = Some(digest(body));
            }
            if let Some(labels) = &edited.labels {
                issue.labels.clone_from(labels);
            }
            if let Some(closed) = edited.closed {
                issue.closed_at = edited.updated_at.filter(|_| closed);
            }
            if let Some(milestone) = &edited.milestone {
                issue.milestone = Some(milestone.clone()).filter(|title| !title.is_empty());
            }
        }
        OwnIssueEvent::Withdrawn(withdrawn) => {
            observed(issue, withdrawn.updated_at);
            issue.withdrawn = true;
        }
        OwnIssueEvent::PriorityChanged(changed) => {
            observed(issue, changed.updated_at);
            issue.priority = changed.priority;
        }
        OwnIssueEvent::DependenciesChanged(changed) => {
            observed(issue, changed.updated_at);
            issue.depends_on.clone_from(&changed.depends_on);
            issue.cycle.clear();
        }
        OwnIssueEvent::DependencyCycle(cycle) => issue.cycle.clone_from(&cycle.members),
        OwnIssueEvent::Assigned(assigned) => assign(issue, assigned, at),
        OwnIssueEvent::Unassigned(_) => issue.lease = None,
        OwnIssueEvent::WorkStarted(started) => {
            start(issue, at);
            if let Some(branch) = &started.branch {
                own_branch(issue, branch);
            }
        }
        OwnIssueEvent::BranchCreated(created) => {
            start(issue, at);
            own_branch(issue, &created.branch);
        }
        OwnIssueEvent::PrReported(reported) => report_pull(issue, reported),
        OwnIssueEvent::LeaseExpired(expired) => {
            if let Some(lease) = issue.lease.take_if(|lease| lease.epoch == expired.epoch)
                && !lease.hook
                && counts_as_no_progress(&expired.reason)
            {
                issue.leases_without_progress += 1;
            }
        }
        OwnIssueEvent::AgentStuck(stuck) => {
            issue.lease = None;
            issue.strikes += 1;
            issue.excluded.insert(stuck.agent.clone());
            issue.last_stuck =
                Some(StuckReport { agent: stuck.agent.clone(), epoch: issue.epoch, version: at.version });
        }
        OwnIssueEvent::Escalated(escalated) => {
            enter(issue, Phase::Escalated, at.time);
            issue.escalation_reason = Some(escalated.reason.clone());
        }
        OwnIssueEvent::NeedsHuman(needs) => {
            enter(issue, Phase::Escalated, at.time);
            issue.escalation_reason = Some(needs.reason.clone());
            issue.orphan_status = Some("needs_human".to_owned());
        }
        OwnIssueEvent::Orphaned(_) => issue.orphan_status = Some("orphaned".to_owned()),
        OwnIssueEvent::Cancelled(cancelled) => {
            observed(issue, cancelled.updated_at);
            enter(issue, Phase::Cancelled, cancelled.updated_at.unwrap_or(at.time));
            issue.closed_as_completed = false;
        }
        OwnIssueEvent::Reopened(reopened) => {
            observed(issue, reopened.updated_at);
            issue.closed_as_completed = false;
            issue.closed_at = None;
            // Whoever reopens wants it worked on, whatever was withdrawn before.
            issue.withdrawn = false;
            if issue.phase != Phase::Unapproved {
                enter(issue, Phase::Open, reopened.updated_at.unwrap_or(at.time));
            }
            if reopened.new_life {
                begin_new_life(issue);
            }
        }
        OwnIssueEvent::Done(done) => {
            observed(issue, done.updated_at);
            issue.closed_as_completed = true;
            if issue.phase != Phase::Unapproved {
                enter(issue, Phase::Done, done.updated_at.unwrap_or(at.time));
            }
        }
        OwnIssueEvent::Paused(_) => issue.paused = true,
        OwnIssueEvent::Resumed(_) => issue.paused = false,
        OwnIssueEvent::StaleLeaseRefused(_)
        | OwnIssueEvent::ReportRefused(_)
        | OwnIssueEvent::BudgetExceeded(_)
        | OwnIssueEvent::ConfigInvalid(_)
        | OwnIssueEvent::Override(_) => {}
    }
}

fn observed(issue: &mut Issue, updated_at: Option<crate::time::Timestamp>) {
    issue.github_updated_at = issue.github_updated_at.max(updated_at);
}

/// Leases that ended for reasons of ours don't speak against the agents.
fn counts_as_no_progress(reason: &str) -> bool {
    !["quota", "drain", "restart", "undelivered"].contains(&reason)
}

fn approve(issue: &mut Issue, approved: &IssueApproved, at: Moment) {
    observed(issue, approved.updated_at);
    issue.title.clone_from(&approved.title);
    issue.labels.clone_from(&approved.labels);
    issue.priority = approved.priority;
    issue.withdrawn = false;
    if let Some(body) = &approved.body {
        issue.body_digest = Some(digest(body));
    }
    let first = issue.phase == Phase::Unapproved;
    if !first && !approved.new_life {
        return;
    }
    issue.approved_version = at.version;
    issue.queued_at = issue.queued_at.or(Some(at.time));
    issue.url = approved.url.clone().or(issue.url.take());
    issue.milestone.clone_from(&approved.milestone);
    issue.stack.clone_from(&approved.stack);
    issue.escalate.clone_from(&approved.escalate);
    issue.tools.clone_from(&approved.tools);
    issue.test_command.clone_from(&approved.test_command);
    issue.build_command.clone_from(&approved.build_command);
    issue.depends_on.clone_from(&approved.depends_on);
    issue.cycle.clear();
    issue.closed_as_completed = false;
    issue.closed_at = None;
    enter(issue, Phase::Open, at.time);
    begin_new_life(issue);
}

fn begin_new_life(issue: &mut Issue) {
    issue.lives += 1;
    issue.lease = None;
    issue.last_claimant = None;
    issue.shown.clone_from(&issue.current);
    issue.strikes = 0;
    issue.excluded.clear();
    issue.leases_without_progress = 0;
    issue.closed_pulls = 0;
    issue.deploy_failures = 0;
    issue.external_failures = 0;
    issue.rounds_carried = 0;
    issue.heads_carried = 0;
    issue.feedback = None;
    issue.escalation_reason = None;
    issue.orphan_status = None;
    issue.withdrawn = false;
    for pull in issue.pulls.values_mut() {
        pull.rounds_before = pull.standing.rounds;
        pull.heads_before = pull.standing.heads;
        pull.rounds_carried = 0;
        pull.heads_carried = 0;
        pull.closed_as_current = false;
        pull.closing_excluded = false;
    }
}

fn assign(issue: &mut Issue, assigned: &IssueAssigned, at: Moment) {
    issue.epoch = assigned.epoch;
    issue.attempt = assigned.attempt;
    issue.assigned_at = Some(at.time);
    issue.holders.insert(assigned.agent.clone());
    if assigned.kind == AssignmentKind::Work {
        issue.branches.insert(assigned.branch_hint.clone(), assigned.epoch);
    }
    let instance = assigned.instance.as_deref().map(Into::into);
    let claimant = Claimant { agent: assigned.agent.clone(), instance };
    issue.last_claimant = Some(claimant.clone());
    if !assigned.hook {
        // A person's hook answers for no strike and owns no rework.
        issue.last_holder = Some(assigned.agent.clone());
    }
    issue.lease = Some(Lease {
        claimant,
        token: assigned.lease_token.clone(),
        epoch: assigned.epoch,
        kind: assigned.kind,
        expires_at: assigned.expires_at,
        branch_hint: assigned.branch_hint.clone(),
        head: issue.current_pull().and_then(|pull| pull.standing.head_sha.clone()),
        assigned_at: at.time,
        assigned_version: at.version,
        started_version: None,
        hook: assigned.hook,
    });
}

fn start(issue: &mut Issue, at: Moment) {
    if let Some(lease) = &mut issue.lease {
        lease.started_version = lease.started_version.or(Some(at.version));
    }
}

/// The branch belongs to the live lease from now on: a pull request from it after the lease's end is a zombie's.
fn own_branch(issue: &mut Issue, branch: &str) {
    if let Some(lease) = issue.lease.as_ref().filter(|lease| lease.kind == AssignmentKind::Work) {
        issue.branches.insert(branch.to_owned(), lease.epoch);
    }
}

fn report_pull(issue: &mut Issue, reported: &PrReported) {
    let Some(pr) = IssueRef::new(reported.pr_repo.clone(), reported.pr_number) else { return };
    if let Some(agent) = &reported.agent {
        issue.reported.insert(pr.clone(), agent.clone());
    }
    if reported.provisional || issue.phase == Phase::Unapproved {
        return;
    }
    let standing = Standing::reported(pr.clone(), issue.reference.clone(), reported);
    make_current(issue, pr, standing);
}

fn make_current(issue: &mut Issue, pr: IssueRef, standing: Standing) {
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
    issue.orphan_status = None;
}

fn evolve_pull(issue: &mut Issue, fact: &PrFact, at: Moment) {
    let pr = fact.standing.pr.clone();
    let standing = (*fact.standing).clone();
    let was_current = issue.current.as_ref() == Some(&pr);
    if let (true, PullRequestEvent::Superseded(superseded)) = (was_current, fact.event.as_ref()) {
        carry(issue, &superseded.reason);
    }
    let head_before = issue.pulls.get(&pr).and_then(|known| known.standing.head_sha.clone());
    match fact.role {
        PrRole::Current if standing.state == PullRequestState::Open => {
            make_current(issue, pr.clone(), standing);
            if was_current && head_before != fact.standing.head_sha {
                take_new_head(issue);
            }
        }
        PrRole::Current | PrRole::Linked | PrRole::Superseded | PrRole::Unlinked => {
            let known = issue.pulls.entry(pr.clone()).or_insert_with(|| KnownPull::new(standing.clone(), fact.role));
            known.standing = standing;
            known.role = fact.role;
            if was_current {
                issue.current = None;
                issue.lease = None;
            }
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
fn take_new_head(issue: &mut Issue) {
    issue.lease = None;
    issue.leases_without_progress = 0;
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
