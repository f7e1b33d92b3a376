use crate::decider::{Decision, Given, Moment, Outcome, Refusal};
use crate::event::{
    CiFailed, CiPassed, CiPending, CiState, Decided, PullRequestEvent, ReviewFailed, ReviewLoopExceeded,
};
use crate::identity::Sha;

use super::checks::ci_of;
use super::evolve::evolve;
use super::tries::OBSOLETE;
use super::{Head, PullRequest};

/// Rounds of review after which it is a loop.
const ROUNDS: u32 = 5;

/// A decision in the making: each event is folded into a working copy at once, so that the next rule sees its effect.
pub(super) struct Draft<'a> {
    pub(super) pull: PullRequest,
    pub(super) given: &'a Given<'a>,
    events: Vec<Decided<PullRequestEvent>>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(pull: &PullRequest, given: &'a Given<'a>) -> Self {
        Self { pull: pull.clone(), given, events: Vec::new() }
    }

    pub(super) fn fact(&mut self, event: impl Into<PullRequestEvent>) {
        self.push(Decided::fact(event));
    }

    pub(super) fn rule(
        &mut self,
        name: &str,
        facts: impl IntoIterator<Item = String>,
        event: impl Into<PullRequestEvent>,
    ) {
        self.push(Decided::by_rule(event, name, facts));
    }

    fn push(&mut self, decided: Decided<PullRequestEvent>) {
        let at = Moment { version: self.pull.version + 1, time: self.given.now };
        evolve(&mut self.pull, &decided.event, at);
        self.events.push(decided);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn accept_or_unchanged(mut self, since: u64) -> Decision<PullRequestEvent> {
        if self.is_empty() {
            return Decision::unchanged(since);
        }
        self.settle();
        Decision::accept(self.events)
    }

    pub(super) fn refuse(self, refusal: Refusal) -> Decision<PullRequestEvent> {
        Decision { events: self.events, guards: Vec::new(), outcome: Outcome::Refused(refusal) }
    }

    /// What follows from the facts at once, whichever command brought them.
    fn settle(&mut self) {
        for sha in self.pull.head_order.clone() {
            self.sum_up_checks(&sha);
        }
        let about_this = self.pull.dispatch.as_ref().is_some_and(|dispatch| dispatch.head == self.pull.head);
        if !about_this || !self.pull.is_in_review() {
            self.end_dispatch("the head or its facts have changed");
        }
        let rounds = self.pull.rounds();
        if rounds >= self.pull.loop_exceeded_at + ROUNDS {
            self.rule("review_loop", [format!("rounds {rounds}")], ReviewLoopExceeded { rounds });
        }
    }

    /// Closes a dispatch that is no longer wanted; it counts for nothing.
    pub(super) fn end_dispatch(&mut self, why: &str) {
        if let Some(dispatch) = self.pull.dispatch.clone() {
            let reviewer = Some(dispatch.reviewer);
            let obsolete = ReviewFailed { reviewer, head_sha: dispatch.head, reason: OBSOLETE.to_owned() };
            self.rule("dispatch_obsolete", [why.to_owned()], obsolete);
        }
    }

    /// Says what the checks of a head add up to, when that is something else than was said before.
    fn sum_up_checks(&mut self, sha: &Sha) {
        let Some(head) = self.pull.heads.get(sha) else { return };
        let required = &self.given.policy.repo(&self.pull.reference.repo).required_checks;
        let (state, failed_checks) = ci_of(head, required);
        if !is_news(head, state, &failed_checks) {
            return;
        }
        let facts: Vec<String> = head
            .checks
            .iter()
            .map(|(name, check)| format!("{name}: {}", check.conclusion.as_deref().unwrap_or("unfinished")))
            .collect();
        let head_sha = Some(sha.clone());
        match state {
            CiState::Unknown | CiState::None => {}
            CiState::Pending => self.rule("required_checks", facts, CiPending { head_sha }),
            CiState::Passed => self.rule("required_checks", facts, CiPassed { head_sha }),
            CiState::Failed => self.rule("required_checks", facts, CiFailed { head_sha, failed_checks, logs: None }),
        }
    }
}

fn is_news(head: &Head, state: CiState, failed: &[String]) -> bool {
    state != CiState::Unknown && (head.ci != state || (state == CiState::Failed && head.failed_checks != failed))
}
