use crate::words;

words! {
    /// How urgent an issue is; declared most urgent first, so that the order of variants is the order of work.
    pub enum Priority {
        /// Takes the next slot, one above an agent's capacity.
        Critical = "critical",
        /// Before normal work.
        High = "high",
        /// The rest.
        Normal = "normal",
    }
}

words! {
    /// What an assignment asks for.
    pub enum AssignmentKind {
        /// A fresh branch.
        Work = "work",
        /// More commits on the current pull request's branch.
        Rework = "rework",
    }
}

words! {
    /// Where an issue stands (domain: states of an issue). `stuck` and `merge_conflict` are passed through, never rested in.
    pub enum IssueState {
        /// Waits for an agent.
        Queued = "queued",
        /// Handed out, not yet started.
        Assigned = "assigned",
        /// Its holder works.
        InProgress = "in_progress",
        /// Its current pull request waits for a verdict.
        InReview = "in_review",
        /// Its current pull request needs more commits.
        ChangesRequested = "changes_requested",
        /// Approved; the merge gate decides.
        ReadyToMerge = "ready_to_merge",
        /// Merged, not yet verified.
        Deploying = "deploying",
        /// Only a person moves it on.
        Escalated = "escalated",
        /// Finished.
        Done = "done",
        /// Given up.
        Cancelled = "cancelled",
    }
}

impl IssueState {
    /// `done` and `cancelled`.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// The states in which a lease may live (the first invariant of the state machine).
    #[must_use]
    pub fn allows_holder(self) -> bool {
        matches!(self, Self::Assigned | Self::InProgress | Self::ChangesRequested)
    }

    /// The states that a current pull request excludes (the second invariant).
    #[must_use]
    pub fn allows_current_pull_request(self) -> bool {
        !matches!(self, Self::Queued | Self::Assigned | Self::InProgress)
    }
}

words! {
    /// What the checks of one head add up to.
    pub enum CiState {
        /// No check was seen yet.
        Unknown = "unknown",
        /// No check came within the time for them.
        None = "none",
        /// At least one required check is unfinished.
        Pending = "pending",
        /// Every required check finished well.
        Passed = "passed",
        /// At least one required check is red.
        Failed = "failed",
    }
}

words! {
    /// What the reviews of one head add up to.
    pub enum ReviewState {
        /// Nobody was asked and nobody answered.
        None = "none",
        /// A dispatch is open.
        Requested = "requested",
        /// An allowed reviewer approved and nobody allowed disputes.
        Approved = "approved",
        /// An allowed reviewer asks for changes.
        Disputed = "disputed",
        /// The only answers were no verdicts.
        Abstained = "abstained",
        /// The last dispatch failed.
        Failed = "failed",
    }
}

words! {
    /// Where a pull request stands.
    pub enum PullRequestState {
        /// Open at GitHub.
        Open = "open",
        /// Open at GitHub, but of a lease that ended: never dispatched, never merged, moves nothing.
        Superseded = "superseded",
        /// Merged.
        Merged = "merged",
        /// Closed without merge.
        Closed = "closed",
    }
}

words! {
    /// What a pull request is to an issue that it names.
    pub enum PrRole {
        /// The one that the issue's state follows.
        Current = "current",
        /// Known, and not (or not yet) counting: a draft, a person's without `needs-review`.
        Linked = "linked",
        /// Of an ended lease or replaced by another: moves nothing any more.
        Superseded = "superseded",
        /// No longer names the issue.
        Unlinked = "unlinked",
    }
}

words! {
    /// What a pause holds.
    pub enum PauseScope {
        /// Everything.
        Rig = "rig",
        /// One repository.
        Repo = "repo",
        /// One agent.
        Agent = "agent",
        /// One issue.
        Issue = "issue",
    }
}

words! {
    /// Whether a gate waits, and what a person said.
    pub enum GateState {
        /// Waits for a person.
        Open = "open",
        /// Let through, for one SHA.
        Approved = "approved",
        /// Sent back, for one SHA.
        Rejected = "rejected",
        /// The files that opened it are no longer changed.
        Moot = "moot",
    }
}

words! {
    /// Why a smoke test failed.
    pub enum SmokeCause {
        /// The change broke it.
        Code = "code",
        /// Something outside did.
        ExternalDependency = "external_dependency",
    }
}

words! {
    /// What tokens were spent on.
    pub enum UsageCategory {
        /// An issue.
        Work = "work",
        /// Polling and start-up.
        Idle = "idle",
        /// Talking to people.
        Chat = "chat",
    }
}

words! {
    /// Where a memory belongs.
    pub enum MemoryScope {
        /// One repository.
        Repo = "repo",
        /// Every repository.
        Rig = "rig",
        /// One run.
        Session = "session",
    }
}

words! {
    /// What a memory holds.
    pub enum MemoryKind {
        /// Something found out.
        Learning = "learning",
        /// Something decided.
        Decision = "decision",
        /// Something that went wrong.
        Error = "error",
        /// A way of doing.
        Pattern = "pattern",
        /// A rule of the house.
        Standard = "standard",
    }
}
