use std::collections::BTreeMap;

use crate::event::CiState;
use crate::identity::{AgentId, Login};
use crate::record;
use crate::time::Timestamp;

use super::{Try, VerdictKind};

record! {
    /// The newest known run of one check on one head.
    pub struct CheckFact {
        /// The highest wins.
        "runId" => run_id: u64,
        /// The highest of one run wins.
        "attempt" => attempt: u32,
        /// Tells apart what repeats its run id.
        "at" => at: Option<Timestamp>,
        /// GitHub's word; absent while it runs.
        "conclusion" => conclusion: Option<String>,
        /// Version of its event.
        "version" => version: u64,
    }
}

record! {
    /// The newest verdict of one reviewer on one head.
    pub struct VerdictFact {
        /// Approved, or asks for changes; a comment is no verdict.
        "kind" => kind: VerdictKind,
        /// GitHub's id.
        "reviewId" => review_id: Option<u64>,
        /// Newer ones win …
        "submittedAt" => submitted_at: Option<Timestamp>,
        /// Its words.
        "body" => body: Option<String>,
        /// The roster's agent behind the login.
        "agentId" => agent: Option<AgentId>,
        /// Whether it counts.
        "allowed" => allowed: bool,
        /// Version of its event.
        "version" => version: u64,
    }
}

impl VerdictFact {
    /// … by GitHub's time, then by id.
    #[must_use]
    pub fn rank(&self) -> (Option<Timestamp>, Option<u64>) {
        (self.submitted_at, self.review_id)
    }
}

record! {
    /// A word that counts for nothing.
    pub struct ReportedWord {
        "verdict" => verdict: String,
        "body" => body: Option<String>,
        /// Version of its event.
        "version" => version: u64,
    }
}

record! {
    /// All that is known of one head.
    pub struct Head {
        /// Checks by name.
        "checks" => checks: BTreeMap<String, CheckFact>,
        /// Verdicts by reviewer.
        "verdicts" => verdicts: BTreeMap<Login, VerdictFact>,
        /// Who only commented, with GitHub's id of the newest comment.
        "abstained" => abstained: BTreeMap<Login, u64>,
        /// What agents said of it that counts for nothing, by reviewer: a repeat is no second fact.
        "reported" => reported: BTreeMap<String, ReportedWord>,
        /// What the checks add up to, as last said.
        "ci" => ci: CiState,
        /// Version of the event that said so.
        "ciVersion" => ci_version: u64,
        /// The red ones.
        "failedChecks" => failed_checks: Vec<String>,
        /// It can't be merged into its base.
        "conflict" => conflict: bool,
        /// GitHub's time of the newest word on whether it can be merged.
        "mergeableAt" => mergeable_at: Option<Timestamp>,
        /// A person's gate sent it back.
        "gateRejected" => gate_rejected: bool,
        /// What that person said.
        "gateReason" => gate_reason: Option<String>,
        /// It ever had a dispute, red required checks, a conflict or a rejected gate: one round.
        "troubled" => troubled: bool,
        /// Its required checks were ever red, and were not green since.
        "red" => red: bool,
        /// Its last dispatch ended without an answer.
        "reviewFailed" => review_failed: bool,
        /// Who was asked about it, oldest first.
        "tries" => tries: Vec<Try>,
        /// When a person was called for want of a verdict.
        "escalatedAt" => escalated_at: Option<Timestamp>,
    }
}

impl Head {
    /// A head of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            checks: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            abstained: BTreeMap::new(),
            reported: BTreeMap::new(),
            ci: CiState::Unknown,
            ci_version: 0,
            failed_checks: Vec::new(),
            conflict: false,
            mergeable_at: None,
            gate_rejected: false,
            gate_reason: None,
            troubled: false,
            red: false,
            review_failed: false,
            tries: Vec::new(),
            escalated_at: None,
        }
    }
}
