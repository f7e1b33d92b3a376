#![allow(
    missing_docs,
    reason = "payload fields are named by the domain (docs on the payload); units stand where there are any"
)]

use crate::identity::{AgentId, IssueRef, Login, RepoName, Sha};
use crate::record;
use crate::time::Timestamp;

use super::{Escalated, OperatorOverride, SmokeCause, events};

record! {
    /// The pull request is known.
    pub struct PrCreated {
        "agentId" => agent: Option<AgentId>,
        "author" => author: Option<Login>,
        "authorAssociation" => author_association: Option<String>,
        "prRepo" => pr_repo: RepoName,
        "prNumber" => pr_number: u64,
        "prUrl" => pr_url: Option<String>,
        "title" => title: Option<String>,
        "branch" => branch: Option<String>,
        "headSha" => head_sha: Option<Sha>,
        "draft" => draft: bool,
        "labels" => labels: Vec<String>,
        "linkedIssues" => linked_issues: Vec<IssueRef>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Fields of the pull request are these now; absent ones did not change.
    pub struct PrUpdated {
        "updatedAt" => updated_at: Option<Timestamp>,
        "headSha" => head_sha: Option<Sha>,
        /// Who pushed the head.
        "pushedBy" => pushed_by: Option<Login>,
        "draft" => draft: Option<bool>,
        "labels" => labels: Option<Vec<String>>,
        "title" => title: Option<String>,
        "branch" => branch: Option<String>,
        "linkedIssues" => linked_issues: Option<Vec<IssueRef>>,
        /// A holder reported this pull request for that issue: a link without closing keyword.
        "reportedFor" => reported_for: Option<IssueRef>,
        "mergeable" => mergeable: Option<bool>,
        "unresolvedThreads" => unresolved_threads: Option<u32>,
        /// One thread of comments, by GitHub's node id …
        "thread" => thread: Option<String>,
        /// … and whether it waits for an answer.
        "threadUnresolved" => thread_unresolved: Option<bool>,
        "files" => files: Option<u32>,
        "additions" => additions: Option<u32>,
        "deletions" => deletions: Option<u32>,
    }
}

record! {
    /// Open again.
    pub struct PrReopened {
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Closed without merge.
    pub struct PrClosed {
        "by" => by: Option<String>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// Of an ended lease, or replaced: never dispatched, never merged.
    pub struct PrSuperseded {
        "byEpoch" => by_epoch: Option<u32>,
        "reason" => reason: String,
        /// The issue that says so.
        "issue" => issue: Option<IssueRef>,
    }
}

record! {
    /// One run of one check on one head.
    pub struct CheckRecorded {
        "name" => name: String,
        "headSha" => head_sha: Sha,
        /// The highest run wins; a rerun has a higher one.
        "runId" => run_id: u64,
        /// Attempts of the same run.
        "attempt" => attempt: u32,
        /// GitHub's word, lower case; absent while it runs.
        "conclusion" => conclusion: Option<String>,
        "at" => at: Option<Timestamp>,
    }
}

record! {
    /// Required checks of the head are unfinished.
    pub struct CiPending {
        "headSha" => head_sha: Option<Sha>,
    }
}

record! {
    /// Every required check of the head finished well.
    pub struct CiPassed {
        "headSha" => head_sha: Option<Sha>,
    }
}

record! {
    /// Required checks of the head are red.
    pub struct CiFailed {
        "headSha" => head_sha: Option<Sha>,
        "failedChecks" => failed_checks: Vec<String>,
        "logs" => logs: Option<String>,
    }
}

record! {
    /// A reviewer was asked for a verdict on one head.
    pub struct ReviewAssigned {
        "reviewer" => reviewer: AgentId,
        "headSha" => head_sha: Option<Sha>,
        "deadline" => deadline: Timestamp,
        "reason" => reason: Option<String>,
        /// By an entry in its stream, on which its time begins.
        "pushed" => pushed: bool,
    }
}

record! {
    /// The question reached the reviewer, whose time begins.
    pub struct ReviewDelivered {
        "reviewer" => reviewer: AgentId,
        "headSha" => head_sha: Option<Sha>,
        /// Until then.
        "deadline" => deadline: Timestamp,
    }
}

/// The payload that every kind of verdict has.
macro_rules! verdict {
    ($(#[$note:meta])* $name:ident) => {
        record! {
            $(#[$note])*
            pub struct $name {
                /// A login, or an agent's id in a rig without GitHub.
                "reviewer" => reviewer: Login,
                "headSha" => head_sha: Option<Sha>,
                "reviewId" => review_id: Option<u64>,
                "submittedAt" => submitted_at: Option<Timestamp>,
                "body" => body: Option<String>,
                "iteration" => iteration: Option<u32>,
                /// The roster's agent that the login belongs to.
                "agentId" => agent: Option<AgentId>,
                /// Whether the verdict of this reviewer counts (roster reviewers, people with `approve`, never a producer).
                "allowed" => allowed: bool,
            }
        }
    };
}
verdict! {
    /// A reviewer approved one head.
    ReviewPassed
}
verdict! {
    /// A reviewer asks for changes of one head.
    ReviewDisputed
}
verdict! {
    /// A reviewer commented on one head: no verdict.
    ReviewAbstained
}

record! {
    /// A verdict counts no more.
    pub struct ReviewDismissed {
        "reviewId" => review_id: u64,
    }
}

record! {
    /// What an agent says of its review, where GitHub decides: kept, counts for nothing.
    pub struct ReviewReported {
        "reviewer" => reviewer: String,
        "verdict" => verdict: String,
        "headSha" => head_sha: Option<Sha>,
        "body" => body: Option<String>,
    }
}

record! {
    /// A dispatch ended without a verdict.
    pub struct ReviewFailed {
        "reviewer" => reviewer: Option<AgentId>,
        "headSha" => head_sha: Option<Sha>,
        /// `timeout`, `quota`, `obsolete`, `undelivered`, or the reviewer's own words.
        "reason" => reason: String,
    }
}

record! {
    /// The next dispatch was asked for by one of the recovery paths.
    pub struct ReReviewRequested {
        "reason" => reason: String,
        "headSha" => head_sha: Option<Sha>,
    }
}

record! {
    /// Whoever produced the change approved it, and was refused.
    pub struct ApprovalRefused {
        "reviewer" => reviewer: Login,
        "headSha" => head_sha: Option<Sha>,
        "reviewId" => review_id: Option<u64>,
        "rule" => rule: String,
    }
}

record! {
    /// The daemon's own merge of the base kept the approval.
    pub struct ApprovalCarried {
        "fromSha" => from_sha: Sha,
        "toSha" => to_sha: Sha,
    }
}

record! {
    /// Too many rounds of review.
    pub struct ReviewLoopExceeded {
        "rounds" => rounds: u32,
    }
}

record! {
    /// A person must decide.
    pub struct HumanGateTriggered {
        "gateId" => gate_id: String,
        "gate" => gate: String,
        "headSha" => head_sha: Option<Sha>,
        "reason" => reason: String,
        "files" => files: Vec<String>,
    }
}

record! {
    /// A person was reminded.
    pub struct HumanGateReminder {
        "gateId" => gate_id: String,
        "waitMinutes" => wait_minutes: u32,
    }
}

record! {
    /// The on-call role was called.
    pub struct HumanGateEscalated {
        "gateId" => gate_id: String,
    }
}

record! {
    /// A person let it through.
    pub struct HumanGateApproved {
        "gateId" => gate_id: String,
        "by" => by: String,
        "via" => via: String,
        "sha" => sha: Option<Sha>,
    }
}

record! {
    /// A person sent it back.
    pub struct HumanGateRejected {
        "gateId" => gate_id: String,
        "by" => by: String,
        "via" => via: String,
        "sha" => sha: Option<Sha>,
        "reason" => reason: Option<String>,
    }
}

record! {
    /// What the merge waits for is this list now.
    pub struct MergeGateWaiting {
        "waitingFor" => waiting_for: Vec<String>,
    }
}

record! {
    /// Whoever can meet what the merge waits for was told, since that did not change for long.
    pub struct MergeGateReminder {
        "waitMinutes" => wait_minutes: u32,
        "waitingFor" => waiting_for: Vec<String>,
        /// The same in sentences, each with what would meet it.
        "needs" => needs: Vec<String>,
    }
}

record! {
    /// The head can't be merged into its base.
    pub struct MergeConflict {
        "headSha" => head_sha: Option<Sha>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// The daemon asks GitHub to merge.
    pub struct MergeRequested {
        "headSha" => head_sha: Sha,
        "by" => by: Option<String>,
    }
}

record! {
    /// Merged.
    pub struct Merged {
        "mergeSha" => merge_sha: Option<Sha>,
        "by" => by: Option<String>,
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

record! {
    /// On an environment.
    pub struct Deployed {
        "environment" => environment: Option<String>,
        "sha" => sha: Option<Sha>,
    }
}

record! {
    /// The smoke test passed.
    pub struct SmokePassed {
        "environment" => environment: Option<String>,
    }
}

record! {
    /// The smoke test failed.
    pub struct SmokeFailed {
        "cause" => cause: SmokeCause,
        "retryCount" => retry_count: u32,
        "details" => details: Option<String>,
    }
}

/// The payload that both ends of an end-to-end run have.
macro_rules! end_to_end {
    ($(#[$note:meta])* $name:ident) => {
        record! {
            $(#[$note])*
            pub struct $name {
                "passedCount" => passed_count: u32,
                "failedCount" => failed_count: u32,
                "totalCount" => total_count: u32,
                "durationMs" => duration_ms: Option<u64>,
                "firstFailure" => first_failure: Option<String>,
                "runUrl" => run_url: Option<String>,
                "browser" => browser: Option<String>,
            }
        }
    };
}
end_to_end! {
    /// The end-to-end tests passed.
    E2ePassed
}
end_to_end! {
    /// The end-to-end tests failed.
    E2eFailed
}

record! {
    /// On production.
    pub struct DeployedProduction {
        "environment" => environment: Option<String>,
        "sha" => sha: Option<Sha>,
    }
}

record! {
    /// Production does what it should.
    pub struct Verified {
        "by" => by: Option<String>,
    }
}

events! {
    /// What a pull request's stream says.
    #[allow(clippy::large_enum_variant, reason = "boxed where many are kept")]
    pub enum PullRequestEvent {
        Created(PrCreated) = "PR_CREATED",
        Updated(PrUpdated) = "PR_UPDATED",
        Reopened(PrReopened) = "PR_REOPENED",
        Closed(PrClosed) = "PR_CLOSED",
        Superseded(PrSuperseded) = "PR_SUPERSEDED",
        CheckRecorded(CheckRecorded) = "CHECK_RECORDED",
        CiPending(CiPending) = "CI_PENDING",
        CiPassed(CiPassed) = "CI_PASSED",
        CiFailed(CiFailed) = "CI_FAILED",
        ReviewAssigned(ReviewAssigned) = "REVIEW_ASSIGNED",
        ReviewDelivered(ReviewDelivered) = "REVIEW_DELIVERED",
        ReviewPassed(ReviewPassed) = "REVIEW_PASSED",
        ReviewDisputed(ReviewDisputed) = "REVIEW_DISPUTED",
        ReviewAbstained(ReviewAbstained) = "REVIEW_ABSTAINED",
        ReviewDismissed(ReviewDismissed) = "REVIEW_DISMISSED",
        ReviewReported(ReviewReported) = "REVIEW_REPORTED",
        ReviewFailed(ReviewFailed) = "REVIEW_FAILED",
        ReReviewRequested(ReReviewRequested) = "RE_REVIEW_REQUESTED",
        ApprovalRefused(ApprovalRefused) = "APPROVAL_REFUSED",
        ApprovalCarried(ApprovalCarried) = "APPROVAL_CARRIED",
        ReviewLoopExceeded(ReviewLoopExceeded) = "REVIEW_LOOP_EXCEEDED",
        Escalated(Escalated) = "ESCALATED",
        HumanGateTriggered(HumanGateTriggered) = "HUMAN_GATE_TRIGGERED",
        HumanGateReminder(HumanGateReminder) = "HUMAN_GATE_REMINDER",
        HumanGateEscalated(HumanGateEscalated) = "HUMAN_GATE_ESCALATED",
        HumanGateApproved(HumanGateApproved) = "HUMAN_GATE_APPROVED",
        HumanGateRejected(HumanGateRejected) = "HUMAN_GATE_REJECTED",
        MergeGateWaiting(MergeGateWaiting) = "MERGE_GATE_WAITING",
        MergeGateReminder(MergeGateReminder) = "MERGE_GATE_REMINDER",
        MergeConflict(MergeConflict) = "MERGE_CONFLICT",
        MergeRequested(MergeRequested) = "MERGE_REQUESTED",
        Merged(Merged) = "MERGED",
        DeployedStaging(Deployed) = "DEPLOYED_STAGING",
        SmokePassed(SmokePassed) = "SMOKE_PASSED",
        SmokeFailed(SmokeFailed) = "SMOKE_FAILED",
        E2ePassed(E2ePassed) = "E2E_PASSED",
        E2eFailed(E2eFailed) = "E2E_FAILED",
        DeployedProduction(DeployedProduction) = "DEPLOYED_PRODUCTION",
        Verified(Verified) = "VERIFIED",
        Override(OperatorOverride) = "OPERATOR_OVERRIDE",
    }
}

impl PrUpdated {
    /// An update that says nothing: the base of those that say one thing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            updated_at: None,
            head_sha: None,
            pushed_by: None,
            draft: None,
            labels: None,
            title: None,
            branch: None,
            linked_issues: None,
            reported_for: None,
            mergeable: None,
            unresolved_threads: None,
            thread: None,
            thread_unresolved: None,
            files: None,
            additions: None,
            deletions: None,
        }
    }
}
