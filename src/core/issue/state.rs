use std::collections::{BTreeMap, BTreeSet};

use crate::entry::EntryOf;
use crate::event::{IssueState, PrRole, Priority, PullRequestState};
use crate::hold::Hold;
use crate::identity::{AgentId, Claimant, IssueRef, PrRef};
use crate::record;
use crate::time::Timestamp;

use super::{KnownPull, Lease};

/// The label by which people hand an issue to the agents.
pub const READY_LABEL: &str = "agent-ready";

/// The label by which a person asks for review of their own pull request.
pub(crate) const NEEDS_REVIEW: &str = "needs-review";

/// Why an issue is cancelled whose label was taken off: the one reason of GitHub's that doesn't mean that it is closed there.
pub(super) const UNLABELED: &str = "unlabeled";

crate::words! {
    /// What pull request and lease don't say about an issue.
    pub enum Phase {
        /// Events came, but nobody approved it: it has no row.
        Unapproved = "unapproved",
        /// In the daemon's hands.
        Open = "open",
        /// Merged, not yet verified.
        Deploying = "deploying",
        /// In a person's hands.
        Escalated = "escalated",
        /// Finished.
        Done = "done",
        /// Given up.
        Cancelled = "cancelled",
    }
}

record! {
    /// The last AGENT_STUCK, to recognise its repeat.
    pub struct StuckReport {
        /// Who.
        "agent" => agent: AgentId,
        /// In which epoch.
        "epoch" => epoch: u32,
        /// At which version.
        "version" => version: u64,
    }
}

record! {
    /// All that is known of an issue; bodies aside.
    pub struct Issue {
        /// Which one, as first spelled.
        "issue" => reference: IssueRef,
        /// Version of its stream.
        "version" => version: u64,
        /// See [`Phase`].
        "phase" => phase: Phase,
        /// When it entered its phase: GitHub's time where GitHub caused it.
        "phaseSince" => phase_since: Option<Timestamp>,
        /// The version at which the state that people see last changed.
        "stateVersion" => state_version: u64,
        /// Title.
        "title" => title: String,
        /// Where people read it.
        "url" => url: Option<String>,
        /// Labels, in GitHub's order.
        "labels" => labels: Vec<String>,
        /// Title of its milestone.
        "milestone" => milestone: Option<String>,
        /// How urgent.
        "priority" => priority: Priority,
        /// Which stack an agent must serve.
        "stack" => stack: Option<String>,
        /// Which tags an agent must serve.
        "escalate" => escalate: Vec<String>,
        /// Tools for the agent.
        "tools" => tools: Vec<String>,
        /// How the agent tests.
        "testCommand" => test_command: Option<String>,
        /// How the agent builds.
        "buildCommand" => build_command: Option<String>,
        /// What must be done first.
        "dependsOn" => depends_on: Vec<IssueRef>,
        /// Members of a cycle of dependencies that was found.
        "cycle" => cycle: Vec<IssueRef>,
        /// Digest of the body, which is kept beside the row.
        "bodyDigest" => body_digest: Option<String>,
        /// First approval: its place in the queue.
        "queuedAt" => queued_at: Option<Timestamp>,
        /// Version of the approval of this life.
        "approvedVersion" => approved_version: u64,
        /// Last claim.
        "assignedAt" => assigned_at: Option<Timestamp>,
        /// Since when it wants a holder and has none.
        "waitingSince" => waiting_since: Option<Timestamp>,
        /// Since when its current pull request needs more commits, whoever had a lease for them meanwhile.
        "reworkSince" => rework_since: Option<Timestamp>,
        /// Last event.
        "updatedAt" => updated_at: Option<Timestamp>,
        /// GitHub's `updated_at` of the newest observation.
        "githubUpdatedAt" => github_updated_at: Option<Timestamp>,
        /// GitHub says that it was closed as completed (counts for dependants also where it was never approved).
        "closedAsCompleted" => closed_as_completed: bool,
        /// GitHub's time of the newest observation, where that showed it closed.
        "closedAt" => closed_at: Option<Timestamp>,
        /// `agent-ready` was taken off while in work.
        "withdrawn" => withdrawn: bool,
        /// The live lease.
        "lease" => lease: Option<Lease>,
        /// The entry of the lease that the last event ended.
        "recalled" => recalled: Option<EntryOf>,
        /// Claimants so far: a branch is named after it, so it counts on through every life, and no name is given twice.
        "attempt" => attempt: u32,
        /// Leases so far.
        "epoch" => epoch: u32,
        /// Failures, in this life.
        "strikes" => strikes: u32,
        /// Agents that don't get it again, in this life.
        "excluded" => excluded: BTreeSet<AgentId>,
        /// Whoever ever held a lease: never allowed to approve.
        "holders" => holders: BTreeSet<AgentId>,
        /// The last one.
        "lastHolder" => last_holder: Option<AgentId>,
        /// The last one of this life and this work; it keeps its attempt, and with it its branch.
        "lastClaimant" => last_claimant: Option<Claimant>,
        /// Leases in a row that ended without progress.
        "leasesWithoutProgress" => leases_without_progress: u32,
        /// The last progress, strike, or beginning of a life: runs since then made none.
        "runsSince" => runs_since: Option<Timestamp>,
        /// Branches of leases, with the epoch of each.
        "branches" => branches: BTreeMap<String, u32>,
        /// The pull requests that name it.
        "pulls" => pulls: BTreeMap<PrRef, KnownPull>,
        /// The one that its state follows.
        "current" => current: Option<PrRef>,
        /// The one that its row shows: the current one, or the last that was.
        "shown" => shown: Option<PrRef>,
        /// A pull request that the holder reported and GitHub did not confirm yet.
        "reported" => reported: BTreeMap<PrRef, AgentId>,
        /// Current pull requests closed without merge, in this life.
        "closedPulls" => closed_pulls: u32,
        /// Deployments that failed by the change's fault, in this life.
        "deployFailures" => deploy_failures: u32,
        /// Deployments that failed by something outside, in a row.
        "externalFailures" => external_failures: u32,
        /// Rounds of the pull request that was replaced, for the one that replaces it.
        "roundsCarried" => rounds_carried: u32,
        /// Heads of it.
        "headsCarried" => heads_carried: u32,
        /// What the next assignment should know.
        "feedback" => feedback: Option<String>,
        /// The last strike reported.
        "lastStuck" => last_stuck: Option<StuckReport>,
        /// Why a person is needed.
        "escalationReason" => escalation_reason: Option<String>,
        /// Held by an operator.
        "paused" => paused: bool,
        /// Version of the last pause or its end.
        "pauseVersion" => pause_version: Option<u64>,
        /// The last pause.
        "held" => held: Option<Hold>,
        /// `orphaned` or `needs_human`.
        "orphanStatus" => orphan_status: Option<String>,
        /// Lives so far.
        "lives" => lives: u32,
        /// When this one began: what was counted before, counts no more.
        "lifeSince" => life_since: Option<Timestamp>,
    }
}

impl Issue {
    /// An issue of which nothing is known.
    #[must_use]
    pub fn unknown(reference: IssueRef) -> Self {
        Self {
            reference,
            version: 0,
            phase: Phase::Unapproved,
            phase_since: None,
            state_version: 0,
            title: String::new(),
            url: None,
            labels: Vec::new(),
            milestone: None,
            priority: Priority::Normal,
            stack: None,
            escalate: Vec::new(),
            tools: Vec::new(),
            test_command: None,
            build_command: None,
            depends_on: Vec::new(),
            cycle: Vec::new(),
            body_digest: None,
            queued_at: None,
            approved_version: 0,
            assigned_at: None,
            waiting_since: None,
            rework_since: None,
            updated_at: None,
            github_updated_at: None,
            closed_as_completed: false,
            closed_at: None,
            withdrawn: false,
            lease: None,
            recalled: None,
            attempt: 0,
            epoch: 0,
            strikes: 0,
            excluded: BTreeSet::new(),
            holders: BTreeSet::new(),
            last_holder: None,
            last_claimant: None,
            leases_without_progress: 0,
            runs_since: None,
            branches: BTreeMap::new(),
            pulls: BTreeMap::new(),
            current: None,
            shown: None,
            reported: BTreeMap::new(),
            closed_pulls: 0,
            deploy_failures: 0,
            external_failures: 0,
            rounds_carried: 0,
            heads_carried: 0,
            feedback: None,
            last_stuck: None,
            escalation_reason: None,
            paused: false,
            pause_version: None,
            held: None,
            orphan_status: None,
            lives: 0,
            life_since: None,
        }
    }

    /// The state that people see; `None` for an issue that was never approved.
    #[must_use]
    pub fn state(&self) -> Option<IssueState> {
        Some(match self.phase {
            Phase::Unapproved => return None,
            Phase::Deploying => IssueState::Deploying,
            Phase::Escalated => IssueState::Escalated,
            Phase::Done => IssueState::Done,
            Phase::Cancelled => IssueState::Cancelled,
            Phase::Open => match (self.current_pull(), &self.lease) {
                (Some(pull), _) => pull.issue_state(),
                (None, Some(lease)) if lease.started() => IssueState::InProgress,
                (None, Some(_)) => IssueState::Assigned,
                (None, None) => IssueState::Queued,
            },
        })
    }

    /// The pull request that its state follows.
    #[must_use]
    pub fn current_pull(&self) -> Option<&KnownPull> {
        self.current.as_ref().and_then(|current| self.pulls.get(current))
    }

    /// The merged pull request whose deployment is the issue's business: the one that its row shows.
    #[must_use]
    pub fn delivered(&self) -> Option<&KnownPull> {
        let shown = self.shown.as_ref().and_then(|shown| self.pulls.get(shown));
        shown.filter(|pull| pull.role == PrRole::Current && pull.standing.state == PullRequestState::Merged)
    }

    /// The agent whose merged change broke its deployment, while nothing else is under way for it: it is asked first to mend it,
    /// unless it was excluded since.
    #[must_use]
    pub fn author_of_failure(&self) -> Option<&AgentId> {
        let mending = self.deploy_failures > 0 && self.phase == Phase::Open && self.current.is_none();
        let author = self.delivered().filter(|_| mending)?.agent.as_ref();
        author.filter(|agent| !self.excluded.contains(*agent))
    }

    /// Whether the work of another issue that depends on this one may begin.
    #[must_use]
    pub fn frees_dependants(&self) -> bool {
        self.phase == Phase::Done || self.closed_as_completed
    }

    /// Whether it could be handed out now, dependencies, pauses and fit aside: queued, or waiting for rework.
    #[must_use]
    pub fn wants_a_holder(&self) -> bool {
        self.lease.is_none()
            && match self.state() {
                Some(IssueState::Queued) => true,
                // A person's own pull request is never handed to an agent, unless an operator says so: its author is asked.
                Some(IssueState::ChangesRequested) => {
                    self.current_pull().is_some_and(|pull| pull.agent.is_some() || pull.rework_demanded)
                }
                Some(
                    IssueState::Assigned
                    | IssueState::InProgress
                    | IssueState::InReview
                    | IssueState::ReadyToMerge
                    | IssueState::Deploying
                    | IssueState::Escalated
                    | IssueState::Done
                    | IssueState::Cancelled,
                )
                | None => false,
            }
    }

    /// Whether people put it into the agents' hands by the label.
    #[must_use]
    pub fn has_ready_label(&self) -> bool {
        has_label(&self.labels, READY_LABEL)
    }
}

/// Whether `labels` hold `label`; GitHub compares labels without case.
#[must_use]
pub(crate) fn has_label(labels: &[String], label: &str) -> bool {
    labels.iter().any(|held| held.eq_ignore_ascii_case(label))
}

/// The priority that labels give.
#[must_use]
pub fn priority_of_labels(labels: &[String]) -> Priority {
    if has_label(labels, "critical") {
        Priority::Critical
    } else if has_label(labels, "high-priority") {
        Priority::High
    } else {
        Priority::Normal
    }
}

/// A digest that tells one body from another (FNV-1a, 64 bits): not a secret, only a comparison.
pub(crate) fn digest(body: &str) -> String {
    let hash = body
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
