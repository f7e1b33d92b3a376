//! The claim: one append with the expected version decides who gets the issue.

use crate::claim::obstacle::{self, ClaimantView, Obstacle, Wanted, allowance};
use crate::decider::{Decision, Given, Refusal, StreamState};
use crate::event::{AssignmentKind, IssueAssigned, IssueEvent, IssueState};
use crate::identity::{AgentId, IssueRef, StreamId};
use crate::port::Guard;

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
    if let Some(obstacle) = obstacles(issue, claim, given).first() {
        return Decision::refuse(obstacle.refusal(&issue.reference, &claim.claimant.agent));
    }
    let mut draft = Draft::of(issue, given);
    assign(&mut draft, claim, false);
    let limit = allowance(claimant(claim, given).capacity(), issue.priority);
    let decision = draft.accept();
    // Before the capacity: a claimant that asks twice at once is to learn what it holds, not that it is full.
    let decision = match claim.via {
        ClaimVia::Pull => decision.guarded(Guard::NothingUnstarted { claimant: claim.claimant.clone() }),
        ClaimVia::Push | ClaimVia::Hook => decision,
    };
    decision.guarded(Guard::LeasesBelow { agent: claim.claimant.agent.clone(), limit })
}

/// What keeps the issue from the claimant, in the order in which it is told; capacity aside, which the append guards.
pub(super) fn obstacles(issue: &Issue, claim: &Claim, given: &Given<'_>) -> Vec<Obstacle> {
    let agent = match given.neighbours.get(&StreamId::Agent(claim.claimant.agent.clone())) {
        Some(StreamState::Agent(agent)) => Some(&**agent),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Rig(_)) | None => None,
    };
    let rig = match given.neighbours.get(&StreamId::Rig) {
        Some(StreamState::Rig(rig)) => Some(&**rig),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => None,
    };
    let open = open_dependencies(issue, given);
    let wanted = Wanted::of(issue);
    let of_issue = obstacle::of_issue(&wanted, rig, open);
    of_issue.chain(obstacle::of_claimant(&wanted, agent, claimant(claim, given), given.now)).collect()
}

/// The claimant as the rules look at it.
pub(super) fn claimant<'a>(claim: &'a Claim, given: &'a Given<'_>) -> ClaimantView<'a> {
    let agent = &claim.claimant.agent;
    ClaimantView { agent, profile: given.policy.roster.agent(agent), strangers: given.policy.unknown_agents }
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
pub(super) fn streams(issue: &Issue, agent: &AgentId) -> Vec<StreamId> {
    let dependencies = issue.depends_on.iter().cloned().map(StreamId::Issue);
    dependencies.chain([StreamId::Agent(agent.clone()), StreamId::Rig]).collect()
}

/// Dependencies that keep the gate shut; an unknown one does too.
fn open_dependencies<'a>(issue: &'a Issue, given: &Given<'_>) -> Vec<&'a IssueRef> {
    let frees = |reference: &IssueRef| match given.neighbours.get(&StreamId::Issue(reference.clone())) {
        Some(StreamState::Issue(neighbour)) => neighbour.frees_dependants(),
        Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => false,
    };
    issue.depends_on.iter().filter(|reference| !frees(reference)).collect()
}

/// Gives the claimant a lease; the caller has checked that it may have one. A current pull request makes it rework, also where
/// nothing but the caller's demand says that there is something to do.
pub(super) fn assign(draft: &mut Draft<'_>, claim: &Claim, demanded: bool) {
    let issue = &draft.issue;
    let timers = &draft.given.policy.timers;
    let rework = issue.current_pull();
    let again = issue.last_claimant.as_ref() == Some(&claim.claimant);
    let attempt = if again && issue.attempt > 0 { issue.attempt } else { issue.attempt + 1 };
    let branch_hint = rework
        .and_then(|pull| pull.standing.branch.clone())
        .unwrap_or_else(|| format!("{HINT}{}-{attempt}", issue.reference.number));
    let (hook, pushed) = match claim.via {
        ClaimVia::Hook => (true, false),
        ClaimVia::Pull => (false, false),
        ClaimVia::Push => (false, true),
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
        demanded: demanded && rework.is_some(),
        pushed,
    };
    draft.rule("claim", [format!("claimant {}", claim.claimant), format!("attempt {attempt}")], assigned);
}
