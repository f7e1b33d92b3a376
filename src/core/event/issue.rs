#![allow(
    missing_docs,
    reason = "payload fields are named by the domain (docs on the payload); units stand where there are any"
)]

use crate::data::{FieldError, Record, Value};
use crate::identity::{AgentId, Claimant, IssueRef, Login, PrRef, Sha};
use crate::record;
use crate::time::Timestamp;

use super::pull_request::PullRequestEvent;
use super::{AssignmentKind, CiState, PrRole, Priority, PullRequestState, ReviewState, events};

record! {
    /// The issue may be worked on (anew: a person set the label again, or a new one to this log).
    pub struct IssueApproved {
        "title" => title: String,
        "url" => url: Option<String>,
        "body" => body: Option<String>,
        "priority" => priority: Priority,
        "dependsOn" => depends_on: Vec<IssueRef>,
        "stack" => stack: Option<String>,
        "escalate" => escalate: Vec<String>,
        "tools" => tools: Vec<String>,
        "testCommand" => test_command: Option<String>,
        "buildCommand" => build_command: Option<String>,
        "milestone" => milestone: Option<String>,
        "labels" => labels: Vec<String>,
        /// `webhook`, `api`, `sweep`.
        "source" => source: String,
        /// Whether strikes, exclusions and clocks begin anew.
        "newLife" => new_life: bool,
        /// GitHub's `updated_at` of the issue, where it came from there.
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Fields of the issue changed at GitHub; absent ones did not.
    pub struct IssueEdited {
        "title" => title: Option<String>,
        "body" => body: Option<String>,
        "labels" => labels: Option<Vec<String>>,
        /// Empty text: taken off.
        "milestone" => milestone: Option<String>,
        /// Whether it was closed at GitHub then.
        "closed" => closed: Option<bool>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// `agent-ready` was taken off while the issue was in work: its next return to the queue cancels it.
    pub struct IssueWithdrawn {
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// The priority is another one now.
    pub struct PriorityChanged {
        "priority" => priority: Priority,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// The issues that must be done first are these now.
    pub struct DependenciesChanged {
        "dependsOn" => depends_on: Vec<IssueRef>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// The issue waits for itself, by way of these.
    pub struct DependencyCycle {
        "members" => members: Vec<IssueRef>,
    }
}

record! {
    /// One claimant holds the issue now, until the lease ends.
    pub struct IssueAssigned {
        "agentId" => agent: AgentId,
        "instance" => instance: Option<String>,
        "attempt" => attempt: u32,
        "epoch" => epoch: u32,
        /// A secret of the holder: readers of events never see it.
        "leaseToken" => lease_token: String,
        "expiresAt" => expires_at: Timestamp,
        "branchHint" => branch_hint: String,
        "kind" => kind: AssignmentKind,
        /// Claimed by a person's hook: knows no silence and no strike.
        "hook" => hook: bool,
        /// An operator wants more commits on the current pull request, whatever the facts of its head.
        "demanded" => demanded: bool,
        /// Handed out unasked: the holder learns of it by an entry in its stream, and the lease begins when that is there.
        "pushed" => pushed: bool,
    }
}

record! {
    /// The holder has the issue no more, without fault.
    pub struct IssueUnassigned {
        "agentId" => agent: AgentId,
        "reason" => reason: String,
    }
}

record! {
    /// The holder began.
    pub struct WorkStarted {
        "agentId" => agent: AgentId,
        "branch" => branch: Option<String>,
    }
}

record! {
    /// The holder works on this branch.
    pub struct BranchCreated {
        "agentId" => agent: Option<AgentId>,
        "branch" => branch: String,
    }
}

record! {
    /// The holder (or a person) says that it opened a pull request.
    pub struct PrReported {
        "agentId" => agent: Option<AgentId>,
        "author" => author: Option<Login>,
        "prRepo" => pr_repo: crate::identity::RepoName,
        "prNumber" => pr_number: u64,
        "prUrl" => pr_url: Option<String>,
        "branch" => branch: Option<String>,
        "headSha" => head_sha: Option<Sha>,
        /// Until GitHub confirms it, nothing moves.
        "provisional" => provisional: bool,
    }
}

record! {
    /// A lease ran out, or was ended for silence.
    pub struct LeaseExpired {
        "agentId" => agent: AgentId,
        "epoch" => epoch: u32,
        "reason" => reason: String,
    }
}

record! {
    /// Somebody who isn't the holder reported, and was refused.
    pub struct StaleLeaseRefused {
        "agentId" => agent: AgentId,
        "instance" => instance: Option<String>,
        "type" => event_type: String,
        "holder" => holder: Option<Claimant>,
        "epoch" => epoch: u32,
    }
}

record! {
    /// A report broke a rule and was refused.
    pub struct ReportRefused {
        "agentId" => agent: AgentId,
        "type" => event_type: String,
        "rule" => rule: String,
    }
}

record! {
    /// A strike: the holder gave up, or the daemon gave up on it.
    pub struct AgentStuck {
        "agentId" => agent: AgentId,
        "reason" => reason: String,
        "attempt" => attempt: u32,
    }
}

record! {
    /// Only a person moves it on.
    pub struct Escalated {
        "reason" => reason: String,
        "attempts" => attempts: u32,
    }
}

record! {
    /// Nobody took it for too long.
    pub struct IssueOrphaned {
        "waitedHours" => waited_hours: u32,
    }
}

record! {
    /// Nobody took it for so long that a person must.
    pub struct IssueNeedsHuman {
        "reason" => reason: String,
    }
}

record! {
    /// Given up.
    pub struct IssueCancelled {
        "reason" => reason: String,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Taken up again.
    pub struct IssueReopened {
        /// Whether strikes, exclusions and clocks begin anew (it was done).
        "newLife" => new_life: bool,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Finished.
    pub struct IssueDone {
        /// Minutes from the first approval; absent where the issue was never approved.
        "durationMinutes" => duration_minutes: Option<u64>,
        /// `merged`, `closed_as_completed`, `verified`, or who reported it.
        "by" => by: String,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// A budget is used up; nothing new starts.
    pub struct BudgetExceeded {
        "budget" => budget: String,
        "limitUsd" => limit_usd: f64,
        "spentUsd" => spent_usd: f64,
    }
}

record! {
    /// The repository's `.rig-agent.yaml` could not be used; defaults were.
    pub struct ConfigInvalid {
        "problem" => problem: String,
    }
}

record! {
    /// A person overruled the rules (on the stream of the target).
    pub struct OperatorOverride {
        "kind" => kind: String,
        "target" => target: String,
        "reason" => reason: String,
        "operator" => operator: String,
        "agentId" => agent: Option<AgentId>,
        "decision" => decision: Option<String>,
        "force" => force: bool,
    }
}

record! {
    /// Work stands still here until resumed.
    pub struct Paused {
        "scope" => scope: super::PauseScope,
        "target" => target: Option<String>,
        "reason" => reason: Option<String>,
    }
}

record! {
    /// Work goes on.
    pub struct Resumed {
        "scope" => scope: super::PauseScope,
        "target" => target: Option<String>,
        "reason" => reason: Option<String>,
    }
}

record! {
    /// What a pull request amounts to at one version of its stream: all that an issue needs of it.
    pub struct Standing {
        "pr" => pr: PrRef,
        /// Version of the pull request's stream.
        "prVersion" => pr_version: u64,
        "prUrl" => url: Option<String>,
        "title" => title: Option<String>,
        "branch" => branch: Option<String>,
        "author" => author: Option<Login>,
        /// GitHub says that the author may write to the repository (owner, member, collaborator).
        "trusted" => trusted: bool,
        "headSha" => head_sha: Option<Sha>,
        "state" => state: PullRequestState,
        "draft" => draft: bool,
        "labels" => labels: Vec<String>,
        "linkedIssues" => linked_issues: Vec<IssueRef>,
        "ci" => ci: CiState,
        "failedChecks" => failed_checks: Vec<String>,
        "review" => review: ReviewState,
        "reviewer" => reviewer: Option<String>,
        "feedback" => feedback: Option<String>,
        "conflict" => conflict: bool,
        "gateRejected" => gate_rejected: bool,
        "gates" => gates: Vec<String>,
        "dispatchOpen" => dispatch_open: bool,
        /// Heads that ever had a dispute, red required checks, a conflict or a rejected gate.
        "rounds" => rounds: u32,
        "heads" => heads: u32,
        /// Heads in a row, up to the newest judged one, whose required checks were red.
        "redStreak" => red_streak: u32,
        "mergeSha" => merge_sha: Option<Sha>,
    }
}

/// An event of a pull request, as it concerns this issue.
#[derive(Debug, Clone, PartialEq)]
pub struct PrFact {
    /// What happened to the pull request.
    pub event: Box<PullRequestEvent>,
    /// What it amounts to since.
    pub standing: Box<Standing>,
    /// What it is to this issue since.
    pub role: PrRole,
}

impl PrFact {
    const STANDING: &'static str = "standing";
    const ROLE: &'static str = "role";

    fn to_value(&self) -> Value<'_> {
        use crate::data::Field;
        let mut entries = match self.event.to_value() {
            Value::Map(entries) => entries,
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)) => {
                vec![("value".into(), other)]
            }
        };
        entries.push((Self::STANDING.into(), self.standing.to_value()));
        entries.push((Self::ROLE.into(), self.role.write()));
        Value::Map(entries)
    }

    fn from_value(type_name: &str, data: &Value<'_>) -> Option<Result<Self, FieldError>> {
        use crate::data::Field;
        let standing = data.get(Self::STANDING)?;
        let read = PullRequestEvent::from_value(type_name, data)?.and_then(|event| {
            let standing = Standing::from_value(standing).map_err(|error| error.within(Self::STANDING))?;
            let role = data.get(Self::ROLE).unwrap_or(&Value::Null);
            let role = PrRole::read(role).map_err(|error| error.within(Self::ROLE))?;
            Ok(Self { event: Box::new(event), standing: Box::new(standing), role })
        });
        Some(read)
    }
}

events! {
    /// What an issue's own stream says, the consequences of its pull requests aside.
    #[allow(missing_docs, reason = "a variant is documented by its payload")]
    pub enum OwnIssueEvent {
        Approved(IssueApproved) = "ISSUE_APPROVED",
        Edited(IssueEdited) = "ISSUE_EDITED",
        Withdrawn(IssueWithdrawn) = "ISSUE_WITHDRAWN",
        PriorityChanged(PriorityChanged) = "PRIORITY_CHANGED",
        DependenciesChanged(DependenciesChanged) = "DEPENDENCIES_CHANGED",
        DependencyCycle(DependencyCycle) = "DEPENDENCY_CYCLE",
        Assigned(IssueAssigned) = "ISSUE_ASSIGNED",
        Unassigned(IssueUnassigned) = "ISSUE_UNASSIGNED",
        WorkStarted(WorkStarted) = "WORK_STARTED",
        BranchCreated(BranchCreated) = "BRANCH_CREATED",
        PrReported(PrReported) = "PR_CREATED",
        LeaseExpired(LeaseExpired) = "LEASE_EXPIRED",
        StaleLeaseRefused(StaleLeaseRefused) = "STALE_LEASE_REFUSED",
        ReportRefused(ReportRefused) = "REPORT_REFUSED",
        AgentStuck(AgentStuck) = "AGENT_STUCK",
        Escalated(Escalated) = "ESCALATED",
        Orphaned(IssueOrphaned) = "ISSUE_ORPHANED",
        NeedsHuman(IssueNeedsHuman) = "ISSUE_NEEDS_HUMAN",
        Cancelled(IssueCancelled) = "ISSUE_CANCELLED",
        Reopened(IssueReopened) = "ISSUE_REOPENED",
        Done(IssueDone) = "ISSUE_DONE",
        BudgetExceeded(BudgetExceeded) = "BUDGET_EXCEEDED",
        ConfigInvalid(ConfigInvalid) = "CONFIG_INVALID",
        Override(OperatorOverride) = "OPERATOR_OVERRIDE",
        Paused(Paused) = "PAUSED",
        Resumed(Resumed) = "RESUMED",
    }
}

/// An event of an issue's stream.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is the common one: a box would cost every event an allocation"
)]
pub enum IssueEvent {
    /// Decided by the issue itself.
    Own(OwnIssueEvent),
    /// A consequence of one of its pull requests; carries the pull request's wire name.
    Pr(PrFact),
}

impl IssueEvent {
    /// The wire names of the issue's own events (consequences carry those of the pull request).
    pub const TYPES: &'static [&'static str] = OwnIssueEvent::TYPES;

    /// The wire name of this event.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Own(event) => event.type_name(),
            Self::Pr(fact) => fact.event.type_name(),
        }
    }

    /// The payload as data; a consequence has `standing` and `role` beside the fields of its event.
    #[must_use]
    pub fn to_value(&self) -> Value<'_> {
        match self {
            Self::Own(event) => event.to_value(),
            Self::Pr(fact) => fact.to_value(),
        }
    }

    /// Reads a payload; `None` when no issue has an event of that name.
    ///
    /// # Errors
    /// When the data isn't a payload of that type.
    pub fn from_value(type_name: &str, data: &Value<'_>) -> Option<Result<Self, FieldError>> {
        if let Some(fact) = PrFact::from_value(type_name, data) {
            return Some(fact.map(Self::Pr));
        }
        OwnIssueEvent::from_value(type_name, data).map(|read| read.map(Self::Own))
    }
}

impl<T: Into<OwnIssueEvent>> From<T> for IssueEvent {
    fn from(event: T) -> Self {
        Self::Own(event.into())
    }
}

impl From<PrFact> for IssueEvent {
    fn from(fact: PrFact) -> Self {
        Self::Pr(fact)
    }
}

impl Standing {
    /// A pull request of which only a holder's report is known.
    #[must_use]
    pub fn reported(pr: PrRef, issue: IssueRef, reported: &PrReported) -> Self {
        Self {
            pr,
            pr_version: 0,
            url: reported.pr_url.clone(),
            title: None,
            branch: reported.branch.clone(),
            author: reported.author.clone(),
            trusted: false,
            head_sha: reported.head_sha.clone(),
            state: PullRequestState::Open,
            draft: false,
            labels: Vec::new(),
            linked_issues: vec![issue],
            ci: CiState::Unknown,
            failed_checks: Vec::new(),
            review: ReviewState::None,
            reviewer: None,
            feedback: None,
            conflict: false,
            gate_rejected: false,
            gates: Vec::new(),
            dispatch_open: false,
            rounds: 0,
            heads: 1,
            red_streak: 0,
            merge_sha: None,
        }
    }
}
