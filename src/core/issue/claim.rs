//! The claim: one append with the expected version decides who gets the issue.

use crate::decider::{Decision, Given, Refusal, StreamState};
use crate::event::{AssignmentKind, IssueAssigned, IssueEvent, IssueState, Priority};
use crate::identity::{IssueRef, StreamId};
use crate::port::Guard;
use crate::roster::{AgentProfile, UnknownAgents};

use super::draft::Draft;
use super::{Claim, ClaimVia, Issue};

pub(super) fn decide(issue: &Issue, claim: &Claim, given: &Given<'_>) -> Decision<IssueEvent> {
    if let Some(lease) = &issue.lease {
        return if lease.claimant == claim.claimant && !lease.started() {
            Decision::unchanged(lease.assigned_version)
        } else {
            Decision::refuse(Refusal::LostRace { why: format!("{} is held by {}", issue.reference, lease.claimant) })
        };
    }
    if !issue.wants_a_holder() {
        let state = issue.state().map_or("not approved", IssueState::as_str);
        return Decision::refuse(Refusal::LostRace {
            why: format!("{} is {state}: nobody is wanted for it", issue.reference),
        });
    }
    match capacity_for(issue, claim, given) {
        Err(refusal) => Decision::refuse(refusal),
        Ok(capacity) => {
            let mut draft = Draft::of(issue, given);
            assign(&mut draft, claim);
            let limit = capacity + u32::from(issue.priority == Priority::Critical);
            let decision = draft.accept();
            // Before the capacity: a claimant that asks twice at once is to learn what it holds, not that it is full.
            let decision = match claim.via {
                ClaimVia::Pull => decision.guarded(Guard::NothingUnstarted { claimant: claim.claimant.clone() }),
                ClaimVia::Push | ClaimVia::Hook => decision,
            };
            decision.guarded(Guard::LeasesBelow { agent: claim.claimant.agent.clone(), limit })
        }
    }
}

/// The claimant's capacity, or why it doesn't get the issue.
fn capacity_for(issue: &Issue, claim: &Claim, given: &Given<'_>) -> Result<u32, Refusal> {
    let agent = &claim.claimant.agent;
    if issue.paused {
        return Err(Refusal::Rule { rule: "paused", why: format!("{} is paused", issue.reference) });
    }
    if let Some(refusal) = held_back(issue, given) {
        return Err(refusal);
    }
    if issue.excluded.contains(agent) {
        return Err(Refusal::Rule {
            rule: "excluded",
            why: format!("{agent} had {} before and does not get it again", issue.reference),
        });
    }
    if let Some(open) = open_dependencies(issue, given).first() {
        return Err(Refusal::Rule { rule: "dependency_open", why: format!("{} waits for {open}", issue.reference) });
    }
    match given.policy.roster.agent(agent) {
        Some(profile) => fit(issue, profile),
        None => match given.policy.unknown_agents {
            UnknownAgents::Allow => Ok(1),
            UnknownAgents::Hook | UnknownAgents::Refuse => {
                Err(Refusal::Forbidden { why: format!("{agent} is not in the roster, so it is never handed work") })
            }
        },
    }
}

fn fit(issue: &Issue, profile: &AgentProfile) -> Result<u32, Refusal> {
    crate::claim::fits(issue, profile).map(|()| profile.capacity).map_err(|misfit| Refusal::Rule {
        rule: "no_fit",
        why: format!("{} does not fit {}: {misfit}", profile.id, issue.reference),
    })
}

/// How the branches begin that holders are told to work on.
const HINT: &str = "agent/issue-";

/// The number of the issue whose holder was told to work on this branch.
pub(super) fn issue_of_hint(branch: &str) -> Option<u64> {
    let (number, attempt) = branch.strip_prefix(HINT)?.split_once('-')?;
    attempt.parse::<u32>().ok()?;
    number.parse().ok()
}

/// The streams that say whether the issue may begin, and whether this claimant may take it.
pub(super) fn streams(issue: &Issue, claim: &Claim) -> Vec<StreamId> {
    let dependencies = issue.depends_on.iter().cloned().map(StreamId::Issue);
    dependencies.chain([StreamId::Agent(claim.claimant.agent.clone()), StreamId::Rig]).collect()
}

/// What holds the claimant or the repository back: a pause, or a provider that has run dry.
fn held_back(issue: &Issue, given: &Given<'_>) -> Option<Refusal> {
    given.neighbours.values().find_map(|neighbour| match neighbour {
        StreamState::Agent(agent) if agent.paused => {
            Some(Refusal::Rule { rule: "paused", why: format!("{} is paused", agent.id) })
        }
        StreamState::Agent(agent) if agent.is_exhausted() => {
            Some(Refusal::Rule { rule: "quota_exhausted", why: format!("{} has used up a quota", agent.id) })
        }
        StreamState::Rig(rig) if rig.holds(&issue.reference.repo) => {
            Some(Refusal::Rule { rule: "paused", why: format!("work on {} is paused", issue.reference.repo) })
        }
        StreamState::Agent(_) | StreamState::Rig(_) | StreamState::Issue(_) | StreamState::PullRequest(_) => None,
    })
}

/// Dependencies that keep the gate shut; an unknown one does too.
fn open_dependencies<'a>(issue: &'a Issue, given: &Given<'_>) -> Vec<&'a IssueRef> {
    let frees = |reference: &IssueRef| match given.neighbours.get(&StreamId::Issue(reference.clone())) {
        Some(StreamState::Issue(neighbour)) => neighbour.frees_dependants(),
        Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => false,
    };
    issue.depends_on.iter().filter(|reference| !frees(reference)).collect()
}

/// Gives the claimant a lease; the caller has checked that it may have one.
pub(super) fn assign(draft: &mut Draft<'_>, claim: &Claim) {
    let issue = &draft.issue;
    let timers = &draft.given.policy.timers;
    let rework = issue.current_pull();
    let again = issue.last_claimant.as_ref() == Some(&claim.claimant);
    let attempt = if again && issue.attempt > 0 { issue.attempt } else { issue.attempt + 1 };
    let branch_hint = rework
        .and_then(|pull| pull.standing.branch.clone())
        .unwrap_or_else(|| format!("{HINT}{}-{attempt}", issue.reference.number));
    let hook = match claim.via {
        ClaimVia::Hook => true,
        ClaimVia::Pull | ClaimVia::Push => false,
    };
    let assigned = IssueAssigned {
        agent: claim.claimant.agent.clone(),
        instance: claim.claimant.instance.as_deref().map(str::to_owned),
        attempt,
        epoch: issue.epoch + 1,
        lease_token: format!("{:032x}", draft.given.entropy),
        expires_at: draft.given.now.plus(if hook { timers.hook_lease } else { timers.lease }),
        branch_hint,
        kind: if rework.is_some() { AssignmentKind::Rework } else { AssignmentKind::Work },
        hook,
    };
    draft.rule("claim", [format!("claimant {}", claim.claimant), format!("attempt {attempt}")], assigned);
}
