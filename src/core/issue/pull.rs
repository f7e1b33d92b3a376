use crate::event::{CiState, IssueState, PrRole, PullRequestState, ReviewState, Standing};
use crate::identity::AgentId;
use crate::record;
use crate::time::Timestamp;

record! {
    /// A pull request as an issue knows it.
    pub struct KnownPull {
        /// What it amounts to.
        "standing" => standing: Standing,
        /// What it is to the issue.
        "role" => role: PrRole,
        /// The agent whose lease made it; absent for a person's.
        "agent" => agent: Option<AgentId>,
        /// It was current when it was closed without merge: that counted, and is taken back should it become current again.
        "closedAsCurrent" => closed_as_current: bool,
        /// Its closing excluded the agent, which wasn't excluded before.
        "closingExcluded" => closing_excluded: bool,
        /// Rounds before this life of the issue.
        "roundsBefore" => rounds_before: u32,
        /// Heads before this life of the issue.
        "headsBefore" => heads_before: u32,
        /// Rounds of the pull requests that it replaces.
        "roundsCarried" => rounds_carried: u32,
        /// Heads of those.
        "headsCarried" => heads_carried: u32,
        /// Somebody reported it as verified; that may come before its merge.
        "verified" => verified: bool,
        /// An operator wants more commits on this head, whatever its facts.
        "reworkDemanded" => rework_demanded: bool,
        /// When it was merged or closed: GitHub's time, or else ours; absent while it is open.
        "endedAt" => ended_at: Option<Timestamp>,
    }
}

/// Why a pull request needs more commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReworkCause {
    /// An operator wants them.
    Demanded,
    /// A reviewer asks for changes.
    Disputed,
    /// Required checks are red.
    RedChecks,
    /// It conflicts with its base.
    Conflict,
    /// A person rejected it at a gate.
    GateRejected,
}

impl KnownPull {
    /// A pull request that is known from now on.
    #[must_use]
    pub fn new(standing: Standing, role: PrRole) -> Self {
        Self {
            standing,
            role,
            agent: None,
            closed_as_current: false,
            closing_excluded: false,
            rounds_before: 0,
            heads_before: 0,
            rounds_carried: 0,
            heads_carried: 0,
            verified: false,
            rework_demanded: false,
            ended_at: None,
        }
    }

    /// The state that the facts of the current head give the issue.
    #[must_use]
    pub fn issue_state(&self) -> IssueState {
        if self.rework_causes().next().is_some() {
            IssueState::ChangesRequested
        } else if self.standing.review == ReviewState::Approved {
            IssueState::ReadyToMerge
        } else {
            IssueState::InReview
        }
    }

    /// Why it needs more commits; nothing: it doesn't.
    pub fn rework_causes(&self) -> impl Iterator<Item = ReworkCause> + use<> {
        let standing = &self.standing;
        [
            self.rework_demanded.then_some(ReworkCause::Demanded),
            (standing.review == ReviewState::Disputed).then_some(ReworkCause::Disputed),
            (standing.ci == CiState::Failed).then_some(ReworkCause::RedChecks),
            standing.conflict.then_some(ReworkCause::Conflict),
            standing.gate_rejected.then_some(ReworkCause::GateRejected),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether it is open and not superseded.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.standing.state == PullRequestState::Open
    }

    /// Rounds in this life of the issue.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.standing.rounds.saturating_sub(self.rounds_before) + self.rounds_carried
    }

    /// Heads in this life of the issue.
    #[must_use]
    pub fn heads(&self) -> u32 {
        self.standing.heads.saturating_sub(self.heads_before) + self.heads_carried
    }

    /// Red heads in a row in this life of the issue.
    #[must_use]
    pub fn red_streak(&self) -> u32 {
        self.standing.red_streak.min(self.rounds())
    }
}
