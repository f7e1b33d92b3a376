use crate::event::{CiState, GateState, PullRequestState, ReviewState, Standing};
use crate::identity::Login;

use super::head::{Head, VerdictFact};
use super::{PullRequest, VerdictKind};

/// What the reviews of the current head add up to.
pub(crate) struct Reviews<'a> {
    pub(crate) state: ReviewState,
    pub(crate) by: Option<&'a Login>,
    pub(crate) words: Option<&'a str>,
}

impl PullRequest {
    /// The verdicts that count on the current head: allowed, not dismissed, not of somebody who opened or pushed it.
    fn standing_verdicts(&self) -> impl Iterator<Item = (&Login, &VerdictFact)> {
        self.current_head().into_iter().flat_map(|head| &head.verdicts).filter(|(reviewer, verdict)| {
            verdict.allowed
                && self.author.as_ref() != Some(reviewer)
                && !self.pushers.contains(reviewer)
                && verdict.review_id.is_none_or(|id| !self.dismissed.contains(&id))
        })
    }

    pub(crate) fn reviews(&self) -> Reviews<'_> {
        let newest = |kind: VerdictKind| {
            self.standing_verdicts()
                .filter(|(_, verdict)| verdict.kind == kind)
                .max_by_key(|(_, verdict)| verdict.rank())
        };
        if let Some((by, verdict)) = newest(VerdictKind::ChangesRequested) {
            return Reviews { state: ReviewState::Disputed, by: Some(by), words: verdict.body.as_deref() };
        }
        if let Some((by, _)) = newest(VerdictKind::Approved) {
            return Reviews { state: ReviewState::Approved, by: Some(by), words: None };
        }
        let head = self.current_head();
        let state = if self.dispatch.is_some() {
            ReviewState::Requested
        } else if head.is_some_and(|head| !head.abstained.is_empty()) {
            ReviewState::Abstained
        } else if head.is_some_and(|head| head.review_failed) {
            ReviewState::Failed
        } else {
            ReviewState::None
        };
        Reviews { state, by: None, words: None }
    }

    /// What it amounts to now: all that its issues need of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let unknown = Head::unknown();
        let head = self.current_head().unwrap_or(&unknown);
        let reviews = self.reviews();
        let gate_words = head.gate_reason.as_deref().filter(|_| head.gate_rejected);
        let ci_words =
            (head.ci == CiState::Failed).then(|| format!("failed checks: {}", head.failed_checks.join(", ")));
        Standing {
            pr: self.reference.clone(),
            pr_version: self.version,
            url: self.url.clone(),
            title: self.title.clone(),
            branch: self.branch.clone(),
            author: self.author.clone(),
            trusted: self.author_may_write(),
            head_sha: self.head.clone(),
            state: self.shown_state(),
            draft: self.draft,
            labels: self.labels.clone(),
            linked_issues: self.issues(),
            ci: head.ci,
            failed_checks: head.failed_checks.clone(),
            review: reviews.state,
            reviewer: match (&self.dispatch, reviews.by) {
                (_, Some(by)) => Some(by.to_string()),
                (Some(dispatch), None) => Some(dispatch.reviewer.to_string()),
                (None, None) => None,
            },
            feedback: ci_words.or_else(|| reviews.words.or(gate_words).map(str::to_owned)),
            conflict: head.conflict,
            gate_rejected: head.gate_rejected,
            gates: self.open_gates(),
            dispatch_open: self.dispatch.is_some(),
            rounds: self.rounds(),
            heads: u32::try_from(self.head_order.len()).unwrap_or(u32::MAX),
            red_streak: self.red_streak(),
            merge_sha: self.merge_sha.clone(),
        }
    }

    /// Names of the gates that wait for a person.
    #[must_use]
    pub fn open_gates(&self) -> Vec<String> {
        self.gates.values().filter(|gate| gate.state == GateState::Open).map(|gate| gate.gate.clone()).collect()
    }

    /// Whether a dispatch would make sense now: in review, on this head.
    pub(crate) fn is_in_review(&self) -> bool {
        let unknown = Head::unknown();
        let head = self.current_head().unwrap_or(&unknown);
        let judged = matches!(self.reviews().state, ReviewState::Approved | ReviewState::Disputed);
        self.known
            && self.shown_state() == PullRequestState::Open
            && !self.draft
            && !judged
            && head.ci != CiState::Failed
            && !head.conflict
            && !head.gate_rejected
    }
}
