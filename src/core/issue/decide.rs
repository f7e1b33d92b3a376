use std::collections::BTreeSet;

use crate::decider::{Decider, Decision, Given, Moment, Refusal, StreamState};
use crate::event::{
    DependenciesChanged, DependencyCycle, Event, IssueApproved, IssueCancelled, IssueEvent, IssueReopened, IssueState,
    IssueUnassigned, LeaseExpired, OwnIssueEvent, PriorityChanged,
};
use crate::identity::{StreamId, StreamKind};
use crate::port::Columns;
use crate::quota;
use crate::reaction::{Effect, Tell};

use super::draft::Draft;
use super::{
    Claim, Hand, Issue, IssueCommand, IssueOverride, Phase, claim, entries, evolve, follow, lease_end, observe,
    overrule, report,
};

/// The rules of an issue.
#[derive(Debug)]
pub struct IssueDecider;

impl Decider for IssueDecider {
    type State = Issue;
    type Command = IssueCommand;
    type Event = IssueEvent;

    const KIND: StreamKind = StreamKind::Issue;

    fn initial(stream: &StreamId) -> Issue {
        match stream {
            StreamId::Issue(reference) | StreamId::PullRequest(reference) => Issue::unknown(reference.clone()),
            StreamId::Agent(_) | StreamId::Rig => unreachable!("the shard gives every decider streams of its own kind"),
        }
    }

    fn reads(state: &Issue, command: &IssueCommand) -> Vec<StreamId> {
        match command {
            IssueCommand::Claim(Claim { claimant, .. })
            | IssueCommand::Override { what: IssueOverride::Assign { claimant, .. }, .. } => {
                claim::streams(state, &claimant.agent)
            }
            IssueCommand::Observe(_)
            | IssueCommand::Approve { .. }
            | IssueCommand::Report(_)
            | IssueCommand::FollowPullRequest { .. }
            | IssueCommand::ExpireLease { .. }
            | IssueCommand::EndLease { .. }
            | IssueCommand::RunCompleted { .. }
            | IssueCommand::Unassign { .. }
            | IssueCommand::Prioritise { .. }
            | IssueCommand::Depend { .. }
            | IssueCommand::ReportCycle { .. }
            | IssueCommand::Cancel { .. }
            | IssueCommand::Reopen
            | IssueCommand::Finish { .. }
            | IssueCommand::Escalate { .. }
            | IssueCommand::Override { .. } => Vec::new(),
        }
    }

    fn decide(issue: &Issue, command: &IssueCommand, given: &Given<'_>) -> Decision<IssueEvent> {
        match command {
            IssueCommand::Observe(seen) => observe::decide(issue, seen, given),
            IssueCommand::Approve { approval, hand } => approve(issue, approval, *hand, given),
            IssueCommand::Claim(claim) => claim::decide(issue, claim, given),
            IssueCommand::Report(report) => report::decide(issue, report, given),
            IssueCommand::FollowPullRequest { event, standing } => follow::decide(issue, event, standing, given),
            IssueCommand::ExpireLease { epoch, reason } => expire(issue, *epoch, reason, given),
            IssueCommand::EndLease { epoch, why } => lease_end::decide(issue, *epoch, *why, given),
            IssueCommand::RunCompleted { by, token, runs } => report::run(issue, by, token.as_deref(), *runs, given),
            IssueCommand::Unassign { agent, reason } => unassign(issue, agent.as_ref(), reason, given),
            IssueCommand::Prioritise { priority } => approved(issue, given, |draft| {
                if draft.issue.priority != *priority {
                    draft.fact(PriorityChanged { priority: *priority, updated_at: None });
                }
            }),
            IssueCommand::Depend { on } => approved(issue, given, |draft| {
                if draft.issue.depends_on != *on {
                    draft.fact(DependenciesChanged { depends_on: on.clone(), updated_at: None });
                }
            }),
            IssueCommand::ReportCycle { members } => approved(issue, given, |draft| {
                let known: BTreeSet<_> = draft.issue.cycle.iter().collect();
                if known != members.iter().collect() {
                    let facts = members.iter().map(ToString::to_string);
                    draft.rule("dependency_cycle", facts, DependencyCycle { members: members.clone() });
                }
            }),
            IssueCommand::Cancel { reason, hand } => cancel(issue, reason, *hand, given),
            IssueCommand::Reopen => reopen(issue, given),
            IssueCommand::Finish { by, hand } => finish(issue, by, *hand, given),
            IssueCommand::Escalate { reason } => escalate(issue, reason, given),
            IssueCommand::Override { what, by } => overrule::decide(issue, what, by, given),
        }
    }

    fn evolve(issue: &mut Issue, event: &IssueEvent, at: Moment) {
        evolve::evolve(issue, event, at);
    }

    fn reactions(issue: &Issue, event: &IssueEvent) -> Vec<Effect> {
        let source = StreamId::Issue(issue.reference.clone());
        let dry = match event {
            IssueEvent::Own(OwnIssueEvent::Unassigned(ended)) if ended.reason == quota::WORD => {
                Some(Tell::agent(&StreamId::Agent(ended.agent.clone()), &source, event))
            }
            IssueEvent::Own(_) | IssueEvent::Pr(_) => None,
        };
        let told = match event {
            IssueEvent::Own(OwnIssueEvent::PrReported(reported)) => {
                crate::identity::IssueRef::new(reported.pr_repo.clone(), reported.pr_number).into_iter().collect()
            }
            IssueEvent::Own(_) => follow::concerned(issue, None),
            IssueEvent::Pr(fact) => follow::concerned(issue, Some(fact)),
        };
        let told = told.into_iter().map(|pr| Tell::pull_request(&StreamId::PullRequest(pr), &source, event));
        told.chain(dry).chain(entries::reactions(issue, event)).collect()
    }

    fn columns(issue: &Issue) -> Columns {
        let state = issue.state();
        Columns {
            shown: state.is_some(),
            repo: Some(issue.reference.repo.clone()),
            number: Some(issue.reference.number),
            state: state.map(IssueState::as_str),
            priority: state.map(|_| issue.priority.as_str()),
            holder: issue.lease.as_ref().map(|lease| lease.claimant.clone()),
            unstarted: issue.lease.as_ref().is_some_and(|lease| !lease.started()),
            head: None,
        }
    }

    fn body(event: &IssueEvent) -> Option<&str> {
        match event {
            IssueEvent::Own(OwnIssueEvent::Approved(approved)) => approved.body.as_deref(),
            IssueEvent::Own(OwnIssueEvent::Edited(edited)) => edited.body.as_deref(),
            IssueEvent::Own(_) | IssueEvent::Pr(_) => None,
        }
    }

    fn wrap(event: IssueEvent) -> Event {
        Event::Issue(event)
    }

    fn unwrap(event: Event) -> Option<IssueEvent> {
        match event {
            Event::Issue(event) => Some(event),
            Event::PullRequest(_) | Event::Agent(_) | Event::Rig(_) => None,
        }
    }

    fn wrap_state(issue: Issue) -> StreamState {
        StreamState::Issue(Box::new(issue))
    }

    fn unwrap_state(state: StreamState) -> Option<Issue> {
        match state {
            StreamState::Issue(issue) => Some(*issue),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        }
    }
}

/// Runs `change` on an approved issue; one that nobody approved is unknown to such commands.
fn approved(issue: &Issue, given: &Given<'_>, change: impl FnOnce(&mut Draft<'_>)) -> Decision<IssueEvent> {
    if issue.phase == Phase::Unapproved {
        return Decision::refuse(unknown(issue));
    }
    let mut draft = Draft::of(issue, given);
    change(&mut draft);
    draft.accept_or_unchanged(issue.state_version)
}

fn unknown(issue: &Issue) -> Refusal {
    Refusal::Unknown { what: format!("issue {}: it was never approved", issue.reference) }
}

fn is_final(issue: &Issue) -> bool {
    issue.state().is_some_and(IssueState::is_final)
}

fn final_state(issue: &Issue) -> Decision<IssueEvent> {
    let state = issue.state().map_or("not approved", IssueState::as_str);
    Decision::refuse(Refusal::Rule { rule: "final_state".into(), why: format!("{} is {state}", issue.reference) })
}

fn approve(issue: &Issue, approval: &IssueApproved, hand: Hand, given: &Given<'_>) -> Decision<IssueEvent> {
    let mut draft = Draft::of(issue, given);
    let mut approval = approval.clone();
    match issue.phase {
        Phase::Unapproved => {
            approval.new_life = false;
            let mentioned =
                crate::github::dependencies_in(approval.body.as_deref().unwrap_or_default(), &issue.reference.repo);
            for dependency in mentioned {
                if !approval.depends_on.contains(&dependency) {
                    approval.depends_on.push(dependency);
                }
            }
            approval.stack = approval.stack.or_else(|| given.policy.repo(&issue.reference.repo).stack.clone());
            let told = approval.updated_at;
            draft.fact(approval);
            draft.link_known_pulls(told);
        }
        Phase::Cancelled => match hand {
            Hand::Person => {
                approval.new_life = true;
                let told = approval.updated_at;
                draft.fact(approval);
                draft.link_known_pulls(told);
            }
            // Its strikes would be forgotten; reopening keeps them.
            Hand::Machine => {
                let why = format!(
                    "{} is cancelled: ISSUE_REOPENED takes it up again with its strikes, a new life is a person's to give",
                    issue.reference
                );
                return Decision::refuse(Refusal::Rule { rule: "final_state".into(), why });
            }
        },
        // Out of a person's hands it goes by a person's word alone, and this isn't one of them.
        Phase::Open | Phase::Deploying | Phase::Escalated => {
            approval.new_life = false;
            let same = approval.title == issue.title
                && approval.labels == issue.labels
                && approval.priority == issue.priority
                && !issue.withdrawn;
            if !same {
                // Nothing but title, labels and priority: the body is followed where it is edited, with what it depends on.
                approval.body = None;
                draft.fact(approval);
            }
        }
        Phase::Done => return final_state(issue),
    }
    draft.accept_or_unchanged(issue.approved_version)
}

fn expire(issue: &Issue, epoch: u32, reason: &str, given: &Given<'_>) -> Decision<IssueEvent> {
    match issue.lease.as_ref().filter(|lease| lease.epoch == epoch) {
        None => Decision::unchanged(issue.state_version),
        Some(lease) => {
            let expired = LeaseExpired { agent: lease.claimant.agent.clone(), epoch, reason: reason.to_owned() };
            let mut draft = Draft::of(issue, given);
            draft.rule("lease_expiry", [format!("expires at {}", lease.expires_at)], expired);
            draft.accept()
        }
    }
}

fn unassign(
    issue: &Issue,
    agent: Option<&crate::identity::AgentId>,
    reason: &str,
    given: &Given<'_>,
) -> Decision<IssueEvent> {
    approved(issue, given, |draft| {
        let holder = draft.issue.lease.as_ref().map(|lease| lease.claimant.agent.clone());
        if let Some(holder) = holder.filter(|holder| agent.is_none_or(|agent| agent == holder)) {
            draft.fact(IssueUnassigned { agent: holder, reason: reason.to_owned() });
        }
    })
}

/// The refusal of whatever would take an issue out of a person's hands.
fn with_a_person(issue: &Issue) -> Decision<IssueEvent> {
    let why = format!(
        "{} is with a person: a person requeues, assigns, cancels or closes it, or sets the label agent-ready anew",
        issue.reference
    );
    Decision::refuse(Refusal::Rule { rule: "escalated".into(), why })
}

fn cancel(issue: &Issue, reason: &str, hand: Hand, given: &Given<'_>) -> Decision<IssueEvent> {
    match issue.phase {
        Phase::Escalated if hand == Hand::Machine => with_a_person(issue),
        Phase::Unapproved => Decision::refuse(unknown(issue)),
        Phase::Cancelled => Decision::unchanged(issue.state_version),
        Phase::Done => final_state(issue),
        Phase::Open | Phase::Deploying | Phase::Escalated => {
            let mut draft = Draft::of(issue, given);
            draft.fact(IssueCancelled { reason: reason.to_owned(), updated_at: None });
            draft.accept()
        }
    }
}

fn reopen(issue: &Issue, given: &Given<'_>) -> Decision<IssueEvent> {
    match issue.phase {
        Phase::Unapproved => Decision::refuse(unknown(issue)),
        Phase::Open | Phase::Deploying => Decision::unchanged(issue.state_version),
        Phase::Escalated => with_a_person(issue),
        Phase::Done | Phase::Cancelled => {
            let mut draft = Draft::of(issue, given);
            draft.fact(IssueReopened { new_life: issue.phase == Phase::Done, updated_at: None });
            draft.link_known_pulls(None);
            draft.accept()
        }
    }
}

fn finish(issue: &Issue, by: &str, hand: Hand, given: &Given<'_>) -> Decision<IssueEvent> {
    match issue.phase {
        Phase::Escalated if hand == Hand::Machine => with_a_person(issue),
        Phase::Unapproved => Decision::refuse(unknown(issue)),
        Phase::Done => Decision::unchanged(issue.state_version),
        Phase::Open | Phase::Deploying | Phase::Escalated | Phase::Cancelled => {
            let mut draft = Draft::of(issue, given);
            draft.done(by);
            draft.accept()
        }
    }
}

fn escalate(issue: &Issue, reason: &str, given: &Given<'_>) -> Decision<IssueEvent> {
    if issue.phase == Phase::Escalated {
        return Decision::unchanged(issue.state_version);
    }
    if is_final(issue) {
        return final_state(issue);
    }
    approved(issue, given, |draft| {
        let attempts = draft.issue.attempt;
        draft.fact(crate::event::Escalated { reason: reason.to_owned(), attempts });
    })
}
