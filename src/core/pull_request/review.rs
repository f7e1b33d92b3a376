//! Verdicts: who may judge, whose word counts, and the producer that never approves.

use crate::decider::{Decision, Given, Refusal};
use crate::event::{
    ApprovalRefused, PullRequestEvent, ReviewAbstained, ReviewDismissed, ReviewDisputed, ReviewFailed, ReviewPassed,
    ReviewReported,
};
use crate::identity::{AgentId, Login, Sha};
use crate::issue::digest;
use crate::roster::GitHubMode;

use super::draft::Draft;
use super::producer::{Reviewer, may_judge, produced_by};
use super::{PullRequest, ReviewReport, TryEnd, Verdict, VerdictKind};

/// A review that GitHub delivered.
pub(super) fn from_github(pull: &PullRequest, review: &Verdict, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let agent = given.policy.roster.agents_of(&review.reviewer).next().map(|profile| profile.id.clone());
    judge(pull, review, agent, Reviewer::Login(&review.reviewer), None, given)
}

/// What a reviewer says through the API.
pub(super) fn from_agent(
    pull: &PullRequest,
    reviewer: &AgentId,
    report: &ReviewReport,
    head_sha: Option<&Sha>,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let dispatched = pull.dispatch.as_ref().is_some_and(|dispatch| dispatch.reviewer == *reviewer);
    match (given.policy.github, report) {
        (GitHubMode::None, ReviewReport::Verdict { kind, body, iteration }) => {
            let Some(login) = Login::parse(reviewer.as_str()) else {
                return Decision::refuse(Refusal::Malformed { why: format!("{reviewer} is no reviewer") });
            };
            let verdict = Verdict {
                kind: *kind,
                reviewer: login,
                // Of a pull request that was reported without a head, every word is about what there is.
                head_sha: head_sha.filter(|_| pull.head.is_some()).cloned(),
                review_id: None,
                submitted_at: Some(given.now),
                body: body.clone(),
            };
            if !dispatched && said_before(pull, &verdict) {
                return Decision::unchanged(pull.state_version.max(version_of(pull, &verdict)));
            }
            let producer = Reviewer::Agent(reviewer);
            let approves_its_own =
                *kind == VerdictKind::Approved && produced_by(pull, producer, given.policy, given.neighbours).is_some();
            if !dispatched && !approves_its_own {
                return not_asked(pull, reviewer, report, head_sha, given);
            }
            judge(pull, &verdict, Some(reviewer.clone()), producer, *iteration, given)
        }
        (GitHubMode::None, ReviewReport::Failed { .. }) if !dispatched => {
            let last = pull.facts_of(head_sha).and_then(|head| head.tries.last());
            match last.filter(|last| last.reviewer == *reviewer && last.end.is_some_and(TryEnd::is_refusal)) {
                Some(_) => Decision::unchanged(pull.version),
                None => not_asked(pull, reviewer, report, head_sha, given),
            }
        }
        (_, ReviewReport::Failed { reason }) if dispatched => {
            let mut draft = Draft::of(pull, given);
            let head_sha = head_sha.cloned().or_else(|| pull.head.clone());
            draft.fact(ReviewFailed { reviewer: Some(reviewer.clone()), head_sha, reason: reason.clone() });
            draft.accept_or_unchanged(pull.version)
        }
        (GitHubMode::None | GitHubMode::Webhook | GitHubMode::Connected, report) => {
            let word = word_of(reviewer, report, head_sha);
            let known = pull.facts_of(head_sha).and_then(|head| head.reported.get(reviewer.as_str()));
            let body = word.body.as_deref().map(digest);
            if let Some(known) = known.filter(|known| known.verdict == word.verdict && known.body == body) {
                return Decision::unchanged(known.version);
            }
            let mut draft = Draft::of(pull, given);
            draft.fact(word);
            draft.accept_or_unchanged(pull.version)
        }
    }
}

/// A word that counts for nothing, as it is kept.
fn word_of(reviewer: &AgentId, report: &ReviewReport, head_sha: Option<&Sha>) -> ReviewReported {
    let (verdict, body) = match report {
        ReviewReport::Verdict { kind, body, .. } => (kind.as_str().to_owned(), body.clone()),
        ReviewReport::Failed { reason } => ("failed".to_owned(), Some(reason.clone())),
    };
    ReviewReported { reviewer: reviewer.to_string(), verdict, head_sha: head_sha.cloned(), body }
}

/// A reviewer answers only what it was asked; what it says unasked, or too late, is refused on record.
fn not_asked(
    pull: &PullRequest,
    reviewer: &AgentId,
    report: &ReviewReport,
    head_sha: Option<&Sha>,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let asked = match &pull.dispatch {
        Some(dispatch) => format!("{} is", dispatch.reviewer),
        None => "nobody is".to_owned(),
    };
    let why = format!(
        "{reviewer} is not asked for a verdict on {} now, {asked}: GET /api/reviews/next says what it is asked",
        pull.reference
    );
    let mut draft = Draft::of(pull, given);
    draft.rule("review_not_asked", [format!("{asked} asked")], word_of(reviewer, report, head_sha));
    draft.refuse(Refusal::LostRace { why })
}

fn judge(
    pull: &PullRequest,
    review: &Verdict,
    agent: Option<AgentId>,
    reviewer: Reviewer<'_>,
    iteration: Option<u32>,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let produced = produced_by(pull, reviewer, given.policy, given.neighbours);
    let mut draft = Draft::of(pull, given);
    if let (VerdictKind::Approved, Some(why)) = (review.kind, &produced) {
        let rule = "self_approval";
        let event = ApprovalRefused {
            reviewer: review.reviewer.clone(),
            head_sha: review.head_sha.clone(),
            review_id: review.review_id,
            rule: rule.to_owned(),
        };
        draft.rule(rule, [why.clone()], event);
        let why = format!("{} can't approve {}: {why}", review.reviewer, pull.reference);
        return draft.refuse(Refusal::Rule { rule: rule.into(), why });
    }
    let allowed = produced.is_none() && may_judge(reviewer, given.policy);
    if review.review_id.is_some() && said_before(pull, review) && !is_late_round(pull, review, allowed) {
        return Decision::unchanged(version_of(pull, review));
    }
    let Verdict { reviewer, head_sha, review_id, submitted_at, body, .. } = review.clone();
    match review.kind {
        VerdictKind::Approved => {
            draft.fact(ReviewPassed { reviewer, head_sha, review_id, submitted_at, body, iteration, agent, allowed });
        }
        VerdictKind::ChangesRequested => {
            draft.fact(ReviewDisputed { reviewer, head_sha, review_id, submitted_at, body, iteration, agent, allowed });
        }
        VerdictKind::Commented => {
            draft.fact(ReviewAbstained {
                reviewer,
                head_sha,
                review_id,
                submitted_at,
                body,
                iteration,
                agent,
                allowed,
            });
        }
    }
    draft.accept_or_unchanged(pull.version)
}

/// Whether this very verdict, or a newer one of the reviewer on that head, is known.
fn said_before(pull: &PullRequest, review: &Verdict) -> bool {
    let Some(head) = pull.facts_of(review.head_sha.as_ref()) else { return false };
    match review.kind {
        VerdictKind::Commented => {
            head.abstained.get(&review.reviewer).is_some_and(|known| review.review_id.unwrap_or_default() <= *known)
        }
        VerdictKind::Approved | VerdictKind::ChangesRequested => {
            head.verdicts.get(&review.reviewer).is_some_and(|known| {
                let older = review.review_id.is_some() && (review.submitted_at, review.review_id) <= known.rank();
                older || (review.review_id.is_none() && known.kind == review.kind)
            })
        }
    }
}

/// Whether an older dispute makes its head one that was trouble, which nobody knew: late facts count for the rounds.
fn is_late_round(pull: &PullRequest, review: &Verdict, allowed: bool) -> bool {
    let head = review.head_sha.as_ref().and_then(|sha| pull.heads.get(sha));
    allowed && review.kind == VerdictKind::ChangesRequested && head.is_some_and(|head| !head.troubled)
}

fn version_of(pull: &PullRequest, review: &Verdict) -> u64 {
    let head = pull.facts_of(review.head_sha.as_ref());
    head.and_then(|head| head.verdicts.get(&review.reviewer)).map_or(pull.version, |verdict| verdict.version)
}

pub(super) fn dismiss(pull: &PullRequest, review_id: u64, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if !pull.dismissed.contains(&review_id) {
        draft.fact(ReviewDismissed { review_id });
    }
    draft.accept_or_unchanged(pull.version)
}
