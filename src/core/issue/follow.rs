//! What an issue makes of its pull requests' facts.

use crate::decider::{Decision, Given};
use crate::event::{
    IssueEvent, IssueState, Merged, PrClosed, PrCreated, PrFact, PrRole, PullRequestEvent, PullRequestState, Standing,
};
use crate::identity::{AgentId, PrRef};
use crate::time::Timestamp;

use super::claim::issue_of_hint;
use super::draft::Draft;
use super::state::{NEEDS_REVIEW, has_label};
use super::{Issue, KnownPull, Phase};

pub(super) fn decide(
    issue: &Issue,
    event: &PullRequestEvent,
    standing: &Standing,
    given: &Given<'_>,
) -> Decision<IssueEvent> {
    let known = issue.pulls.get(&standing.pr);
    if known.is_some_and(|known| known.standing.pr_version >= standing.pr_version) {
        return Decision::unchanged(issue.state_version);
    }
    let mut draft = Draft::of(issue, given);
    draft.follow(event, standing);
    draft.accept_or_unchanged(issue.state_version)
}

/// What a pull request is to the issue.
enum Judgement {
    /// Not the issue's business.
    Ignore,
    /// This.
    Role(PrRole),
    /// Of an ended lease, or of nobody's: out of the play, with the reason.
    Zombie { by_epoch: Option<u32>, reason: &'static str },
}

impl Draft<'_> {
    fn follow(&mut self, event: &PullRequestEvent, standing: &Standing) {
        let known = self.issue.pulls.get(&standing.pr);
        let role = match judge(&self.issue, known, event, standing, self.given) {
            Judgement::Ignore => return,
            Judgement::Role(role) => role,
            Judgement::Zombie { by_epoch, reason } => {
                if known.is_none_or(|known| known.role != PrRole::Superseded) {
                    self.take_fact(event, standing, PrRole::Linked);
                    self.supersede(&standing.pr, by_epoch, reason);
                }
                return;
            }
        };
        let says_something = known
            .is_none_or(|known| known.role != role || !same_but_version(&known.standing, standing))
            || concerns_deployment(event);
        if !says_something {
            return;
        }
        let replaced = self.issue.current.clone().filter(|current| role == PrRole::Current && *current != standing.pr);
        if let Some(replaced) = replaced.filter(|_| standing.state == PullRequestState::Open) {
            self.supersede(&replaced, None, "replaced");
        }
        self.take_fact(event, standing, role);
    }

    fn take_fact(&mut self, event: &PullRequestEvent, standing: &Standing, role: PrRole) {
        self.fact(PrFact { event: Box::new(event.clone()), standing: Box::new(standing.clone()), role });
    }

    /// When it is open (again): pull requests that were opened meanwhile may count from now on; one that ended meanwhile, since
    /// GitHub `told` that it is open, has counted, and its end is what ends the issue or sends it back.
    pub(super) fn link_known_pulls(&mut self, told: Option<Timestamp>) {
        let linked = self.issue.pulls.values().filter(|pull| pull.role == PrRole::Linked);
        let known: Vec<(Standing, Option<Timestamp>)> =
            linked.map(|pull| (pull.standing.clone(), pull.ended_at)).collect();
        for (standing, ended_at) in known {
            let since = ended_at.zip(told).is_some_and(|(ended, told)| ended >= told);
            let Some(end) = end_of(&standing, ended_at).filter(|_| since) else {
                self.count(&standing);
                continue;
            };
            if self.count(&Standing { state: PullRequestState::Open, ..standing.clone() }) {
                self.take_fact(&end, &standing, PrRole::Current);
            }
        }
    }

    /// Makes a pull request current, if it counts; says whether.
    fn count(&mut self, standing: &Standing) -> bool {
        let event = PullRequestEvent::Created(created_again(standing));
        let pull = self.issue.pulls.get(&standing.pr);
        let Judgement::Role(PrRole::Current) = judge(&self.issue, pull, &event, standing, self.given) else {
            return false;
        };
        if let Some(replaced) = self.issue.current.clone() {
            self.supersede(&replaced, None, "replaced");
        }
        self.take_fact(&event, standing, PrRole::Current);
        true
    }
}

/// The event that ended it, told once more; `None` while it is open.
fn end_of(standing: &Standing, updated_at: Option<Timestamp>) -> Option<PullRequestEvent> {
    match standing.state {
        PullRequestState::Merged => {
            Some(PullRequestEvent::Merged(Merged { merge_sha: standing.merge_sha.clone(), by: None, updated_at }))
        }
        PullRequestState::Closed => Some(PullRequestEvent::Closed(PrClosed { by: None, updated_at })),
        PullRequestState::Open | PullRequestState::Superseded => None,
    }
}

fn created_again(standing: &Standing) -> PrCreated {
    PrCreated {
        agent: None,
        author: standing.author.clone(),
        author_association: None,
        pr_repo: standing.pr.repo.clone(),
        pr_number: standing.pr.number,
        pr_url: standing.url.clone(),
        title: standing.title.clone(),
        branch: standing.branch.clone(),
        head_sha: standing.head_sha.clone(),
        draft: standing.draft,
        labels: standing.labels.clone(),
        linked_issues: standing.linked_issues.clone(),
        updated_at: None,
    }
}

fn same_but_version(left: &Standing, right: &Standing) -> bool {
    left == &Standing { pr_version: left.pr_version, ..right.clone() }
}

/// Deployment comes after the merge and changes no field of the standing, yet the issue's.
fn concerns_deployment(event: &PullRequestEvent) -> bool {
    matches!(
        event,
        PullRequestEvent::DeployedStaging(_)
            | PullRequestEvent::DeployedProduction(_)
            | PullRequestEvent::SmokePassed(_)
            | PullRequestEvent::SmokeFailed(_)
            | PullRequestEvent::E2ePassed(_)
            | PullRequestEvent::E2eFailed(_)
            | PullRequestEvent::Verified(_)
            | PullRequestEvent::Escalated(_)
            | PullRequestEvent::ReviewLoopExceeded(_)
            | PullRequestEvent::ApprovalRefused(_)
    )
}

fn judge(
    issue: &Issue,
    known: Option<&KnownPull>,
    event: &PullRequestEvent,
    standing: &Standing,
    given: &Given<'_>,
) -> Judgement {
    let reported_by = issue.reported.get(&standing.pr);
    let branch_epoch = standing.branch.as_ref().and_then(|branch| issue.branches.get(branch)).copied();
    let linked = standing.linked_issues.contains(&issue.reference) || reported_by.is_some() || branch_epoch.is_some();
    if !linked {
        return if known.is_some() { Judgement::Role(PrRole::Unlinked) } else { Judgement::Ignore };
    }
    let role = known.map(|known| known.role);
    if role == Some(PrRole::Superseded) || standing.state == PullRequestState::Superseded {
        return Judgement::Role(PrRole::Superseded);
    }
    let closed_before = known.is_some_and(|known| known.standing.state == PullRequestState::Closed);
    if closed_before && matches!(event, PullRequestEvent::Reopened(_)) && role == Some(PrRole::Current) {
        let free = issue.lease.is_none() && issue.current.is_none();
        return if free {
            Judgement::Role(PrRole::Current)
        } else {
            Judgement::Zombie { by_epoch: Some(issue.epoch), reason: "reopened_too_late" }
        };
    }
    // Once current it stays so, closed, merged or deployed, until something takes the role from it.
    if role == Some(PrRole::Current) {
        return Judgement::Role(PrRole::Current);
    }
    let open = matches!(issue.phase, Phase::Open | Phase::Escalated)
        && standing.state == PullRequestState::Open
        && !standing.draft;
    // Merged after all, though told of only since.
    let may_count = open || (issue.phase == Phase::Cancelled && standing.state == PullRequestState::Merged);
    match author(issue, reported_by, branch_epoch, standing, given) {
        Author::Holder if may_count => Judgement::Role(PrRole::Current),
        Author::Zombie { by_epoch } if open && issue.phase == Phase::Open => {
            Judgement::Zombie { by_epoch, reason: "ended_lease" }
        }
        Author::Person if may_count && has_label(&standing.labels, NEEDS_REVIEW) => Judgement::Role(PrRole::Current),
        Author::Holder | Author::Zombie { .. } | Author::Person | Author::Elsewhere => Judgement::Role(PrRole::Linked),
        Author::Stranger => Judgement::Ignore,
    }
}

/// Whose pull request it is, as far as moving the issue goes.
enum Author {
    /// The live lease's.
    Holder,
    /// An agent's without a right to move the issue.
    Zombie { by_epoch: Option<u32> },
    /// A person who may write to the repository.
    Person,
    /// An agent's that is for another issue too.
    Elsewhere,
    /// Anybody else: a row, no more.
    Stranger,
}

fn author(
    issue: &Issue,
    reported_by: Option<&AgentId>,
    branch_epoch: Option<u32>,
    standing: &Standing,
    given: &Given<'_>,
) -> Author {
    let live = issue.lease.as_ref();
    let is_login_of = |agent: &AgentId| {
        let profile = given.policy.roster.agent(agent);
        profile.zip(standing.author.as_ref()).is_some_and(|(profile, login)| profile.logins.contains(login))
    };
    let by_an_agent =
        standing.author.as_ref().is_some_and(|login| given.policy.roster.agents_of(login).next().is_some());
    let reported_by_holder = live.is_some_and(|lease| reported_by == Some(&lease.claimant.agent));
    // A report names a pull request, and its author has to bear it out: else a wrong number would put a stranger's change
    // into the holder's place. Only a holder whose logins nobody knows is taken at its word.
    let borne_out = live.filter(|_| reported_by_holder).is_some_and(|lease| {
        let profile = given.policy.roster.agent(&lease.claimant.agent);
        standing.trusted || (!lease.hook && profile.is_none_or(|profile| profile.logins.is_empty()))
    });
    let anothers = standing.branch.as_deref().and_then(issue_of_hint).is_some_and(|n| n != issue.reference.number);
    match (branch_epoch, live) {
        (Some(epoch), Some(lease)) if lease.epoch == epoch => {
            // The branch is the lease's; the author must be the holder, or somebody who may write there anyway.
            if is_login_of(&lease.claimant.agent) || standing.trusted || borne_out || by_an_agent {
                Author::Holder
            } else {
                Author::Stranger
            }
        }
        (Some(_), Some(lease)) => Author::Zombie { by_epoch: Some(lease.epoch) },
        (Some(_), None) => Author::Zombie { by_epoch: Some(issue.epoch) },
        // Agents share logins, so the branch says whose work it is: that of another issue ends no lease here.
        (None, Some(_)) if by_an_agent && anothers && !reported_by_holder => Author::Elsewhere,
        (None, Some(lease)) if is_login_of(&lease.claimant.agent) || borne_out => Author::Holder,
        (None, Some(lease)) if by_an_agent => Author::Zombie { by_epoch: Some(lease.epoch) },
        // It may be the work of a live lease on another issue that it names as well: that one decides.
        (None, None) if by_an_agent && standing.linked_issues.len() > 1 => Author::Elsewhere,
        (None, None) if by_an_agent => Author::Zombie { by_epoch: None },
        (None, _) if standing.trusted => Author::Person,
        (None, _) => Author::Stranger,
    }
}

/// Which pull requests must hear what happened here: one that the issue took out of the play, and those that still wait for a
/// verdict which the issue doesn't need.
pub(super) fn concerned(issue: &Issue, fact: Option<&PrFact>) -> Vec<PrRef> {
    let by_us =
        |fact: &&PrFact| matches!(fact.event.as_ref(), PullRequestEvent::Superseded(event) if event.issue.is_some());
    if let Some(superseded) = fact.filter(by_us) {
        return vec![superseded.standing.pr.clone()];
    }
    let Some(state) = issue.state() else { return Vec::new() };
    let awaited = |pr: &PrRef| state == IssueState::InReview && issue.current.as_ref() == Some(pr);
    let waiting = issue.pulls.iter().filter(|(pr, pull)| pull.standing.dispatch_open && !awaited(pr));
    waiting.map(|(pr, _)| pr.clone()).collect()
}
