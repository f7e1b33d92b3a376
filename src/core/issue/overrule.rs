//! What a person may overrule of an issue. Each kind either applies, or changes nothing because it is so already, or makes no
//! sense in the state that the issue is in; the table in `overrule_tests` has every case.

use crate::claim::allowance;
use crate::decider::{Decision, Given, Refusal};
use crate::event::{
    IssueCancelled, IssueEvent, IssueReopened, IssueState, IssueUnassigned, OperatorOverride, PauseScope, Paused,
    Resumed,
};
use crate::identity::Claimant;
use crate::overrule::{OverrideKind, Ruling, Target};
use crate::port::Guard;
use crate::time::Timestamp;

use super::draft::Draft;
use super::evolve::begin_new_life;
use super::{Claim, ClaimVia, Issue, IssueOverride, Phase, claim};

pub(super) fn decide(issue: &Issue, what: &IssueOverride, by: &Ruling, given: &Given<'_>) -> Decision<IssueEvent> {
    let Some(state) = issue.state() else {
        let what = format!("issue {}: it was never approved", issue.reference);
        return Decision::refuse(Refusal::Unknown { what });
    };
    let overruled = Overruled { issue, state, by, given };
    match what {
        IssueOverride::Release => overruled.release(),
        IssueOverride::Requeue => overruled.requeue(),
        IssueOverride::Assign { claimant, force } => overruled.assign(claimant, *force),
        IssueOverride::Cancel => overruled.cancel(),
        IssueOverride::CloseZombie => overruled.close_zombie(),
        IssueOverride::Pause => overruled.pause(),
        IssueOverride::Resume => overruled.resume(),
    }
}

/// An issue that somebody overrules.
struct Overruled<'a> {
    issue: &'a Issue,
    state: IssueState,
    by: &'a Ruling,
    given: &'a Given<'a>,
}

impl<'a> Overruled<'a> {
    fn release(&self) -> Decision<IssueEvent> {
        match (&self.issue.lease, self.state) {
            (Some(_), _) => {
                let mut draft = self.draft(OverrideKind::Release);
                self.end_lease(&mut draft);
                draft.accept()
            }
            (
                None,
                IssueState::Queued | IssueState::Assigned | IssueState::InProgress | IssueState::ChangesRequested,
            ) => Decision::unchanged(self.issue.state_version),
            (
                None,
                IssueState::InReview
                | IssueState::ReadyToMerge
                | IssueState::Deploying
                | IssueState::Escalated
                | IssueState::Done
                | IssueState::Cancelled,
            ) => self.inapplicable("nobody holds it, so there is nothing to release"),
        }
    }

    fn requeue(&self) -> Decision<IssueEvent> {
        if self.is_closed_at_github() {
            return self.inapplicable(REOPEN);
        }
        if self.issue.phase == Phase::Open && is_new(self.issue) {
            return Decision::unchanged(self.issue.state_version);
        }
        let mut draft = self.draft(OverrideKind::Requeue);
        self.begin_new_life(&mut draft);
        draft.accept()
    }

    fn assign(&self, claimant: &Claimant, force: bool) -> Decision<IssueEvent> {
        if self.is_closed_at_github() {
            return self.inapplicable(REOPEN);
        }
        let lease = self.issue.lease.as_ref();
        if let Some(lease) = lease.filter(|lease| lease.claimant == *claimant) {
            return Decision::unchanged(lease.assigned_version);
        }
        let kind = OverrideKind::Assign;
        let overruled = self.by.on(kind, &self.target());
        let mut draft = Draft::of(self.issue, self.given);
        draft.fact(OperatorOverride { agent: Some(claimant.agent.clone()), force, ..overruled });
        self.begin_new_life(&mut draft);
        let claim = Claim { claimant: claimant.clone(), via: ClaimVia::Push };
        let mut obstacles = claim::obstacles(&draft.issue, &claim, self.given).into_iter();
        if let Some(obstacle) = obstacles.find(|obstacle| !(force && obstacle.yields_to_force())) {
            return Decision::refuse(obstacle.refusal(&self.issue.reference, &claimant.agent));
        }
        let capacity = claim::claimant(&claim, self.given).capacity();
        claim::assign(&mut draft, &claim, true);
        // Another instance of the same agent gives its lease up in this very append: it counts, and is not in the way.
        let given_up = lease.is_some_and(|lease| lease.claimant.agent == claimant.agent);
        let limit = allowance(capacity, self.issue.priority).saturating_add(u32::from(given_up));
        draft.accept().guarded(Guard::LeasesBelow { agent: claimant.agent.clone(), limit })
    }

    fn cancel(&self) -> Decision<IssueEvent> {
        match self.state {
            IssueState::Cancelled => Decision::unchanged(self.issue.state_version),
            IssueState::Done => self.inapplicable("it is finished, so there is nothing to cancel"),
            IssueState::Queued
            | IssueState::Assigned
            | IssueState::InProgress
            | IssueState::InReview
            | IssueState::ChangesRequested
            | IssueState::ReadyToMerge
            | IssueState::Deploying
            | IssueState::Escalated => self.give_up(OverrideKind::Cancel, self.by.why()),
        }
    }

    fn close_zombie(&self) -> Decision<IssueEvent> {
        match self.state {
            IssueState::Cancelled => Decision::unchanged(self.issue.state_version),
            IssueState::Done => self.inapplicable("it is finished, so it is closed here too"),
            IssueState::Deploying => {
                self.inapplicable("its merge closed it, and it waits for VERIFIED: cancel it if nobody will verify it")
            }
            IssueState::Queued
            | IssueState::Assigned
            | IssueState::InProgress
            | IssueState::InReview
            | IssueState::ChangesRequested
            | IssueState::ReadyToMerge
            | IssueState::Escalated => {
                self.give_up(OverrideKind::CloseZombie, format!("closed or gone at GitHub: {}", self.by.why()))
            }
        }
    }

    fn pause(&self) -> Decision<IssueEvent> {
        if self.state.is_final() {
            return self.inapplicable("nobody will be handed it anyway");
        }
        if self.issue.paused {
            return Decision::unchanged(self.issue.pause_version.unwrap_or(self.issue.state_version));
        }
        let mut draft = self.draft(OverrideKind::Pause);
        let (target, reason) = (Some(self.issue.reference.to_string()), Some(self.by.why()));
        draft.fact(Paused { scope: PauseScope::Issue, target, reason });
        draft.accept()
    }

    fn resume(&self) -> Decision<IssueEvent> {
        if !self.issue.paused {
            return Decision::unchanged(self.issue.pause_version.unwrap_or_default());
        }
        let mut draft = self.draft(OverrideKind::Resume);
        let (target, reason) = (Some(self.issue.reference.to_string()), Some(self.by.why()));
        draft.fact(Resumed { scope: PauseScope::Issue, target, reason });
        draft.accept()
    }

    fn target(&self) -> Target {
        Target::Issue(self.issue.reference.clone())
    }

    /// A draft that begins with the override on record.
    fn draft(&self, kind: OverrideKind) -> Draft<'a> {
        let mut draft = Draft::of(self.issue, self.given);
        draft.fact(self.by.on(kind, &self.target()));
        draft
    }

    fn end_lease(&self, draft: &mut Draft<'_>) {
        if let Some(lease) = &self.issue.lease {
            let agent = lease.claimant.agent.clone();
            draft.fact(IssueUnassigned { agent, reason: self.by.why() });
        }
    }

    /// Whoever produced what there is stays on the list of those who did: a new life lets nobody approve its own work.
    fn begin_new_life(&self, draft: &mut Draft<'_>) {
        self.end_lease(draft);
        draft.fact(IssueReopened { new_life: true, updated_at: None });
        draft.link_known_pulls(None);
    }

    fn give_up(&self, kind: OverrideKind, reason: String) -> Decision<IssueEvent> {
        let mut draft = self.draft(kind);
        draft.fact(IssueCancelled { reason, updated_at: None });
        draft.accept()
    }

    /// What is closed there is never handed out; a person who wants it back opens it there.
    fn is_closed_at_github(&self) -> bool {
        self.state.is_final() && self.issue.closed_at.is_some()
    }

    fn inapplicable(&self, why: &str) -> Decision<IssueEvent> {
        let why = format!("{} is {}: {why}", self.issue.reference, self.state);
        Decision::refuse(Refusal::Inapplicable { state: self.state.as_str().to_owned(), why })
    }
}

/// What to do about an issue that GitHub shows closed.
const REOPEN: &str = "it is closed at GitHub, so nobody may work on it; reopen it there with the label agent-ready";

/// Whether a new life would change nothing.
fn is_new(issue: &Issue) -> bool {
    let mut renewed = issue.clone();
    begin_new_life(&mut renewed, issue.life_since.unwrap_or(Timestamp::from_millis(0)));
    renewed.lives = issue.lives;
    renewed.life_since = issue.life_since;
    renewed.runs_since = issue.runs_since;
    renewed == *issue
}
