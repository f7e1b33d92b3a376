use crate::event::{CheckRecorded, IssueEvent, PullRequestEvent};
use crate::identity::{AgentId, IssueRef, Login, Sha};
use crate::review::Crew;
use crate::silence::AgentSilence;
use crate::time::Timestamp;

/// What may be asked of a pull request.
#[derive(Debug, Clone, PartialEq)]
pub enum PullRequestCommand {
    /// What GitHub says it looks like, whatever action made it say so.
    Observe(Box<PrObservation>),
    /// One run of one check.
    RecordCheck(CheckRecorded),
    /// GitHub delivered a review.
    Review(Verdict),
    /// A review counts no more.
    Dismiss {
        /// Which one.
        review_id: u64,
    },
    /// A thread of comments was resolved, or opened again.
    Thread {
        /// GitHub's node id.
        id: String,
        /// Whether it waits for an answer.
        unresolved: bool,
    },
    /// See to it that the current head gets its verdict: ask a reviewer, give up on one, or call a person. What is to be done
    /// is decided here and now, by the one rule ([`crate::review::next`]); the crew may be a moment old.
    SeeToReview {
        /// Who could be asked.
        crew: Crew,
    },
    /// Give up on a reviewer that took its dispatch and is heard from no more: whether it still is so is decided here and now,
    /// as far as the silence goes by what was known a moment ago.
    EndDispatch {
        /// The version of its REVIEW_ASSIGNED.
        version: u64,
        /// For how long it has been silent.
        silence: AgentSilence,
    },
    /// The dispatch of that version of the stream reached its reviewer; its time begins, if it is still open.
    Delivered {
        /// Which one.
        dispatch: u64,
    },
    /// That one could not be brought to its reviewer, however often that was tried.
    Undelivered {
        /// Which one.
        dispatch: u64,
    },
    /// See to it that what its merge waits for is on record: decided here and now, by the one gate ([`crate::merge_gate`]).
    SeeToMerge,
    /// A reviewer reports through the API.
    ReviewReport {
        /// Who.
        reviewer: AgentId,
        /// What it says.
        what: ReviewReport,
        /// On which head, where it says.
        head_sha: Option<Sha>,
    },
    /// A monitor, coordinator or operator reports: DEPLOYED_*, SMOKE_*, E2E_*, VERIFIED; without GitHub also CI_*, MERGED,
    /// PR_CLOSED.
    Record(Box<PullRequestEvent>),
    /// One of its issues tells what happened there (internal lane).
    FollowIssue {
        /// Which issue.
        issue: IssueRef,
        /// What happened.
        event: Box<IssueEvent>,
    },
}

/// What a pull request looks like at GitHub, as one delivery or one read told it.
#[derive(Debug, Clone, PartialEq)]
pub struct PrObservation {
    /// Title.
    pub title: String,
    /// Where people read it.
    pub url: Option<String>,
    /// Its branch (head ref).
    pub branch: Option<String>,
    /// Who opened it.
    pub author: Option<Login>,
    /// `OWNER`, `MEMBER`, `COLLABORATOR`, `CONTRIBUTOR`, `NONE` …; upper case.
    pub author_association: Option<String>,
    /// Its head.
    pub head_sha: Option<Sha>,
    /// Not ready for review.
    pub draft: bool,
    /// All its labels; absent where the delivery didn't say.
    pub labels: Option<Vec<String>>,
    /// The issues that it closes, by keywords or branch name; absent where the delivery didn't say.
    pub linked_issues: Option<Vec<IssueRef>>,
    /// Open at GitHub.
    pub open: bool,
    /// Merged; GitHub calls a merged one closed too.
    pub merged: bool,
    /// The commit that the merge made.
    pub merge_sha: Option<Sha>,
    /// Whether it can be merged, where GitHub knows.
    pub mergeable: Option<bool>,
    /// Changed files.
    pub files: Option<u32>,
    /// Added lines.
    pub additions: Option<u32>,
    /// Removed lines.
    pub deletions: Option<u32>,
    /// GitHub's `updated_at`: an older observation never overrides a newer one.
    pub updated_at: Timestamp,
    /// Who pushed, where the delivery is about a push (`synchronize`).
    pub pushed_by: Option<Login>,
    /// Who did it.
    pub sender: Option<Login>,
}

/// A review as GitHub delivered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it says.
    pub kind: VerdictKind,
    /// Who.
    pub reviewer: Login,
    /// On which head.
    pub head_sha: Option<Sha>,
    /// GitHub's id.
    pub review_id: Option<u64>,
    /// When it was submitted.
    pub submitted_at: Option<Timestamp>,
    /// Its words.
    pub body: Option<String>,
}

crate::words! {
    /// What a review says.
    pub enum VerdictKind {
        /// Approved.
        Approved = "approved",
        /// Asks for changes.
        ChangesRequested = "changes_requested",
        /// Only a comment: an abstention, never a verdict.
        Commented = "commented",
    }
}

/// What a reviewer says of a dispatch of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewReport {
    /// A verdict or an abstention.
    Verdict {
        /// Which.
        kind: VerdictKind,
        /// Its words.
        body: Option<String>,
        /// How often it was reviewed, as the client counts.
        iteration: Option<u32>,
    },
    /// It could not review.
    Failed {
        /// Why.
        reason: String,
    },
}
