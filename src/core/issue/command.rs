use crate::event::{Actor, IssueApproved, Priority, PullRequestEvent, Standing};
use crate::identity::{AgentId, Claimant, IssueRef, Login, RepoName, Sha};
use crate::overrule::Ruling;
use crate::time::Timestamp;

use super::LeaseEnd;

/// Who moves an issue: only a person takes one out of a person's hands, or gives one that was given up a new life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// An operator, or somebody at GitHub.
    Person,
    /// An agent, or the daemon itself.
    Machine,
}

impl Hand {
    /// Whose word it is.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::Operator(_) | Actor::GitHub(_) => Self::Person,
            Actor::Agent(_) | Actor::Daemon(_) => Self::Machine,
        }
    }
}

/// What may be asked of an issue. Every way in (webhook, API, pass, override) says it in these words.
#[derive(Debug, Clone, PartialEq)]
pub enum IssueCommand {
    /// What GitHub says the issue looks like, whatever action made it say so.
    Observe(IssueObservation),
    /// A coordinator or operator approves it; `source` says how it came.
    Approve {
        /// What is approved.
        approval: Box<IssueApproved>,
        /// By whose hand.
        hand: Hand,
    },
    /// Hand it to this claimant, if the claim rules allow.
    Claim(Claim),
    /// A claimant reports about its own work.
    Report(HolderReport),
    /// One of its pull requests tells what happened (internal lane).
    FollowPullRequest {
        /// What happened there.
        event: Box<PullRequestEvent>,
        /// What the pull request amounts to since.
        standing: Box<Standing>,
    },
    /// The lease of that epoch ran out, or its holder was not heard from.
    ExpireLease {
        /// The epoch that was judged; a newer lease is left alone.
        epoch: u32,
        /// `expired`, `unheard`, …
        reason: String,
    },
    /// The time of the lease of that epoch is up.
    EndLease {
        /// The epoch that was judged; a newer lease is left alone.
        epoch: u32,
        /// Why.
        why: LeaseEnd,
    },
    /// A run of the holder was reported complete, which is no evidence of success.
    RunCompleted {
        /// Whose.
        by: Claimant,
        /// The lease token, where it sent one.
        token: Option<String>,
        /// Runs reported complete since [`Issue::runs_since`](super::Issue), this one included; those aside that named a
        /// pull request, of which the issue may not have heard yet.
        runs: u32,
    },
    /// The lease ends without fault.
    Unassign {
        /// Whose; absent: whoever holds it.
        agent: Option<AgentId>,
        /// Why.
        reason: String,
    },
    /// The priority is another one.
    Prioritise {
        /// This one.
        priority: Priority,
    },
    /// Other issues must be done first.
    Depend {
        /// These.
        on: Vec<IssueRef>,
    },
    /// It waits for itself, by way of these.
    ReportCycle {
        /// The members, this one among them.
        members: Vec<IssueRef>,
    },
    /// Given up.
    Cancel {
        /// Why.
        reason: String,
        /// By whose hand.
        hand: Hand,
    },
    /// Taken up again.
    Reopen,
    /// Reported as finished, in a rig without GitHub.
    Finish {
        /// By whom.
        by: String,
        /// By whose hand.
        hand: Hand,
    },
    /// Only a person shall move it on.
    Escalate {
        /// Why.
        reason: String,
    },
    /// A person overrules the rules.
    Override {
        /// How.
        what: IssueOverride,
        /// In whose name, and why.
        by: Ruling,
    },
}

/// What a person may overrule of an issue, each with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueOverride {
    /// End the lease; no strike.
    Release,
    /// Begin a new life.
    Requeue,
    /// Begin a new life with this claimant.
    Assign {
        /// With whom.
        claimant: Claimant,
        /// Skip fit: stack, tags, pauses, quota. Never role, capacity or dependencies.
        force: bool,
    },
    /// Give it up.
    Cancel,
    /// Give it up because it is closed or gone at GitHub.
    CloseZombie,
    /// Hand it to nobody; who holds it goes on.
    Pause,
    /// Go on.
    Resume,
}

/// What an issue looks like at GitHub, as one delivery or one read told it.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueObservation {
    /// What the delivery was about.
    pub action: IssueAction,
    /// Title.
    pub title: String,
    /// Where people read it.
    pub url: Option<String>,
    /// Body; dependencies stand there.
    pub body: Option<String>,
    /// All its labels.
    pub labels: Vec<String>,
    /// Its milestone's title.
    pub milestone: Option<String>,
    /// Open at GitHub.
    pub open: bool,
    /// `completed`, `not_planned`, `duplicate`, `reopened`; lower case.
    pub state_reason: Option<String>,
    /// GitHub's `updated_at`: an older observation never overrides a newer one.
    pub updated_at: Timestamp,
    /// Who did it.
    pub sender: Option<Login>,
}

/// What a delivery about an issue was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueAction {
    /// This label was set.
    Labeled(String),
    /// This label was taken off.
    Unlabeled(String),
    /// Closed.
    Closed,
    /// Opened again.
    Reopened,
    /// Gone: deleted, or moved to another repository.
    Gone {
        /// `deleted` or `transferred`.
        how: &'static str,
    },
    /// Anything else: only what the issue looks like counts.
    Other,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// For whom.
    pub claimant: Claimant,
    /// How it came about.
    pub via: ClaimVia,
}

/// How a claim came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimVia {
    /// The agent asked.
    Pull,
    /// The daemon hands it out (or a coordinator does).
    Push,
    /// A person's hook began to work on it.
    Hook,
}

/// What a claimant says about its own work.
#[derive(Debug, Clone, PartialEq)]
pub struct HolderReport {
    /// Who says so.
    pub by: Claimant,
    /// The lease token, where it sent one.
    pub token: Option<String>,
    /// What it says.
    pub what: Reported,
}

/// The reports that only a holder may make.
#[derive(Debug, Clone, PartialEq)]
pub enum Reported {
    /// WORK_STARTED
    Started {
        /// On this branch.
        branch: Option<String>,
    },
    /// BRANCH_CREATED
    Branch {
        /// This one.
        branch: String,
    },
    /// PR_CREATED
    PullRequest {
        /// Where.
        repo: RepoName,
        /// Its number.
        number: u64,
        /// Its URL.
        url: Option<String>,
        /// Its branch.
        branch: Option<String>,
        /// Its head.
        head_sha: Option<Sha>,
    },
    /// AGENT_STUCK
    Stuck {
        /// In the agent's words.
        reason: String,
    },
}

impl Reported {
    /// The wire name of the report.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "WORK_STARTED",
            Self::Branch { .. } => "BRANCH_CREATED",
            Self::PullRequest { .. } => "PR_CREATED",
            Self::Stuck { .. } => "AGENT_STUCK",
        }
    }
}
