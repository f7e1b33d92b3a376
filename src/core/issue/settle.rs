//! What must follow from the facts at once, whichever command brought them: one place for it, after every decision.

use crate::event::{
    AgentStuck, Escalated, IssueCancelled, IssueDone, IssueState, PrFact, PrRole, PrSuperseded, PullRequestEvent,
    PullRequestState,
};
use crate::identity::{AgentId, PrRef};
use crate::roster::Policy;

use super::draft::Draft;
use super::state::UNLABELED;
use super::{Issue, Phase};

/// Two strikes, then a human: never a third automatic attempt (domain, two strikes).
pub(super) const STRIKES: u32 = 2;
/// Why a struck pull request is out of the play.
pub(super) const STRIKE: &str = "strike";
/// Leases in a row without progress that bring a person.
const LEASES_WITHOUT_PROGRESS: u32 = 3;
/// Closed pull requests that bring a person.
const CLOSED_PULLS: u32 = 2;
/// Rounds of one pull request that are a strike.
const ROUNDS: u32 = 5;
/// Red heads in a row that are a strike.
const RED_HEADS: u32 = 3;
/// The most heads of one pull request; one more is a strike.
const HEADS: u32 = 10;
/// The most deployments in a row that may fail by the change's fault.
const DEPLOY_FAILURES: u32 = 3;
/// Deployments in a row failed by something outside that bring a person.
const EXTERNAL_FAILURES: u32 = 3;

impl Draft<'_> {
    /// Appends what follows from the facts until nothing more does.
    pub(super) fn settle(&mut self) {
        self.finish_merged();
        self.judge_current_pull();
        self.bring_a_person();
        if self.issue.withdrawn && self.issue.state() == Some(IssueState::Queued) {
            let unlabelled = IssueCancelled { reason: UNLABELED.to_owned(), updated_at: None };
            self.rule("withdrawn", ["agent-ready was taken off while in work".to_owned()], unlabelled);
        }
    }

    fn finish_merged(&mut self) {
        let Some(verified) = self.issue.delivered().map(|pull| pull.verified) else { return };
        let deploys = self.given.policy.repo(&self.issue.reference.repo).deploys;
        match self.issue.phase {
            Phase::Deploying if !deploys => self.done("merged"),
            Phase::Deploying | Phase::Escalated if verified => self.done("verified"),
            Phase::Deploying | Phase::Escalated | Phase::Unapproved | Phase::Open | Phase::Done | Phase::Cancelled => {}
        }
    }

    /// Ends the issue well.
    pub(super) fn done(&mut self, by: &str) {
        let duration_minutes = self.issue.queued_at.map(|queued| self.given.now.since(queued).as_secs() / 60);
        self.fact(IssueDone { duration_minutes, by: by.to_owned(), updated_at: None });
    }

    fn judge_current_pull(&mut self) {
        if self.issue.phase != Phase::Open {
            return;
        }
        let Some(pull) = self.issue.current_pull() else { return };
        let (rounds, heads, red) = (pull.rounds(), pull.heads(), pull.red_streak());
        let reason = if red >= RED_HEADS {
            format!("red_checks: {red} heads in a row")
        } else if rounds >= ROUNDS {
            format!("review_loop: {rounds} rounds")
        } else if heads > HEADS {
            format!("too_many_heads: {heads}")
        } else {
            return;
        };
        let author = pull.agent.clone().or_else(|| agent_of_author(self.given.policy, pull.standing.author.as_ref()));
        match self.issue.last_holder.clone().filter(|_| author.is_some()).or(author) {
            Some(agent) => self.strike(agent, reason),
            // A person's pull request never earns a strike.
            None => self.escalate(&reason, [format!("rounds {rounds}, heads {heads}, red in a row {red}")]),
        }
    }

    /// One strike for `agent`: another gets it, on a fresh branch; where nobody else could, a person does.
    pub(super) fn strike(&mut self, agent: AgentId, reason: String) {
        if let Some(current) = self.issue.current.clone() {
            self.supersede(&current, None, STRIKE);
        }
        let attempt = self.issue.attempt;
        self.fact(AgentStuck { agent, reason, attempt });
        if self.issue.strikes < STRIKES
            && self.issue.phase == Phase::Open
            && !somebody_fits(&self.issue, self.given.policy)
        {
            let facts = [format!("strikes {}", self.issue.strikes), "no other agent of the roster fits".to_owned()];
            self.escalate("no_other_agent", facts);
        }
    }

    fn bring_a_person(&mut self) {
        let issue = &self.issue;
        if !matches!(issue.phase, Phase::Open | Phase::Deploying) {
            return;
        }
        let queued = issue.state() == Some(IssueState::Queued);
        let (reason, fact) = if queued && issue.strikes >= STRIKES {
            ("two_strikes", format!("strikes {}", issue.strikes))
        } else if issue.lease.is_none() && issue.leases_without_progress >= LEASES_WITHOUT_PROGRESS {
            ("no_progress", format!("{} leases in a row without progress", issue.leases_without_progress))
        } else if issue.closed_pulls >= CLOSED_PULLS {
            ("pull_requests_closed", format!("{} pull requests closed without merge", issue.closed_pulls))
        } else if issue.deploy_failures > DEPLOY_FAILURES {
            ("deployment_failed", format!("{} deployments failed", issue.deploy_failures))
        } else if issue.phase == Phase::Deploying && issue.external_failures >= EXTERNAL_FAILURES {
            ("external_dependency", format!("{} smoke tests failed in a row", issue.external_failures))
        } else {
            return;
        };
        self.escalate(reason, [fact]);
    }

    /// Only a person moves it on from here.
    pub(super) fn escalate(&mut self, reason: &str, facts: impl IntoIterator<Item = String>) {
        let attempts = self.issue.attempt;
        self.rule(reason, facts, Escalated { reason: reason.to_owned(), attempts });
    }

    /// Takes a pull request out of the play, on record.
    pub(super) fn supersede(&mut self, pr: &PrRef, by_epoch: Option<u32>, reason: &str) {
        let Some(known) = self.issue.pulls.get(pr) else { return };
        let mut standing = known.standing.clone();
        standing.state = PullRequestState::Superseded;
        let issue = Some(self.issue.reference.clone());
        let event = PullRequestEvent::Superseded(PrSuperseded { by_epoch, reason: reason.to_owned(), issue });
        self.fact(PrFact { event: Box::new(event), standing: Box::new(standing), role: PrRole::Superseded });
    }
}

fn agent_of_author(policy: &Policy, author: Option<&crate::identity::Login>) -> Option<AgentId> {
    author.and_then(|login| policy.roster.agents_of(login).next()).map(|profile| profile.id.clone())
}

/// Whether the roster has a developer left for it, online or not.
fn somebody_fits(issue: &Issue, policy: &Policy) -> bool {
    policy
        .roster
        .agents
        .iter()
        .any(|profile| !issue.excluded.contains(&profile.id) && crate::claim::fits(issue, profile).is_ok())
}
