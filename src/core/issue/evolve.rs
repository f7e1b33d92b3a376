use crate::decider::Moment;
use crate::event::{AssignmentKind, IssueApproved, IssueAssigned, IssueEvent, IssueState, OwnIssueEvent};
use crate::hold::Hold;
use crate::identity::Claimant;
use crate::time::Timestamp;

use super::evolve_pull::{evolve_pull, report_pull};
use super::lease::Lease;
use super::state::{UNLABELED, digest};
use super::{Issue, Phase, StuckReport};

/// Folds one event in. Depends on nothing but state and event, so that a replay gives the same state.
pub(super) fn evolve(issue: &mut Issue, event: &IssueEvent, at: Moment) {
    let before = issue.state();
    let waited = issue.wants_a_holder();
    let entry = issue.lease.as_ref().and_then(Lease::entry);
    issue.version = at.version;
    issue.updated_at = Some(at.time);
    match event {
        IssueEvent::Own(event) => evolve_own(issue, event, at),
        IssueEvent::Pr(fact) => evolve_pull(issue, fact, at),
    }
    // First invariant: a holder only where a holder may be. The lease ends in the append that leaves those states.
    if issue.lease.is_some() && !issue.state().is_some_and(IssueState::allows_holder) {
        issue.lease = None;
    }
    issue.recalled = entry.filter(|entry| issue.lease.as_ref().and_then(Lease::entry).as_ref() != Some(entry));
    if issue.state() != before {
        issue.state_version = at.version;
    }
    issue.rework_since = match issue.state() {
        Some(IssueState::ChangesRequested) => issue.rework_since.or(Some(at.time)),
        Some(_) if issue.author_of_failure().is_some() => issue.rework_since.or(Some(at.time)),
        Some(_) | None => None,
    };
    match (waited, issue.wants_a_holder()) {
        (false, true) => issue.waiting_since = Some(at.time),
        (_, false) => issue.waiting_since = None,
        (true, true) => {}
    }
}

pub(super) fn enter(issue: &mut Issue, phase: Phase, since: Timestamp) {
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
        OwnIssueEvent::PrReported(reported) => report_pull(issue, reported, at),
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
            issue.runs_since = Some(at.time);
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
            if cancelled.reason != UNLABELED {
                issue.closed_at = cancelled.updated_at.or(issue.closed_at);
            }
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
                begin_new_life(issue, at.time);
            }
        }
        OwnIssueEvent::Done(done) => {
            observed(issue, done.updated_at);
            issue.closed_as_completed = true;
            issue.closed_at = done.updated_at.or(issue.closed_at);
            if issue.phase != Phase::Unapproved {
                enter(issue, Phase::Done, done.updated_at.unwrap_or(at.time));
            }
        }
        OwnIssueEvent::Paused(_) => hold(issue, true, at),
        OwnIssueEvent::Resumed(_) => hold(issue, false, at),
        OwnIssueEvent::StaleLeaseRefused(_)
        | OwnIssueEvent::ReportRefused(_)
        | OwnIssueEvent::BudgetExceeded(_)
        | OwnIssueEvent::ConfigInvalid(_)
        | OwnIssueEvent::Override(_) => {}
    }
}

fn hold(issue: &mut Issue, paused: bool, at: Moment) {
    issue.paused = paused;
    issue.pause_version = Some(at.version);
    Hold::turn(&mut issue.held, paused, at.time);
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
    begin_new_life(issue, at.time);
}

pub(super) fn begin_new_life(issue: &mut Issue, since: Timestamp) {
    issue.lives += 1;
    issue.life_since = Some(since);
    issue.lease = None;
    issue.last_claimant = None;
    issue.shown.clone_from(&issue.current);
    issue.strikes = 0;
    issue.excluded.clear();
    issue.leases_without_progress = 0;
    issue.runs_since = Some(since);
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
        pull.rework_demanded = false;
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
    if let Some(pull) = issue.current.as_ref().filter(|_| assigned.demanded).and_then(|pr| issue.pulls.get_mut(pr)) {
        pull.rework_demanded = true;
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
        started_at: None,
        pushed: assigned.pushed,
    });
}

fn start(issue: &mut Issue, at: Moment) {
    if let Some(lease) = &mut issue.lease {
        lease.started_version = lease.started_version.or(Some(at.version));
        lease.started_at = lease.started_at.or(Some(at.time));
    }
}

/// The branch belongs to the live lease from now on: a pull request from it after the lease's end is a zombie's.
fn own_branch(issue: &mut Issue, branch: &str) {
    if let Some(lease) = issue.lease.as_ref().filter(|lease| lease.kind == AssignmentKind::Work) {
        issue.branches.insert(branch.to_owned(), lease.epoch);
    }
}
