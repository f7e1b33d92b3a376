//! Verdicts: who may judge, whose word counts, and the producer that never approves.

use crate::decider::{Decision, Given, Refusal};
use crate::event::{
    ApprovalRefused, PullRequestEvent, PullRequestState, ReviewAbstained, ReviewAssigned, ReviewDismissed,
    ReviewDisputed, ReviewFailed, ReviewPassed, ReviewReported,
};
use crate::identity::{AgentId, Login, Sha};
use crate::roster::{GitHubMode, Role};
use crate::time::Timestamp;

use super::draft::Draft;
use super::producer::{Reviewer, may_judge, produced_by};
use super::{PullRequest, ReviewReport, Verdict, VerdictKind};

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
    if let (Some(dispatch), false) = (&pull.dispatch, dispatched) {
        let why = format!("{} is asked for a verdict on {}, not {reviewer}", dispatch.reviewer, pull.reference);
        return Decision::refuse(Refusal::LostRace { why });
    }
    match (given.policy.github, report) {
        (GitHubMode::None, ReviewReport::Verdict { kind, body, iteration }) => {
            let Some(login) = Login::parse(reviewer.as_str()) else {
                return Decision::refuse(Refusal::Malformed { why: format!("{reviewer} is no reviewer") });
            };
            let verdict = Verdict {
                kind: *kind,
                reviewer: login,
                head_sha: head_sha.cloned(),
                review_id: None,
                submitted_at: Some(given.now),
                body: body.clone(),
            };
            if !dispatched && said_before(pull, &verdict) {
                return Decision::unchanged(pull.state_version.max(version_of(pull, &verdict)));
            }
            judge(pull, &verdict, Some(reviewer.clone()), Reviewer::Agent(reviewer), *iteration, given)
        }
        (_, ReviewReport::Failed { reason }) if dispatched => {
            let mut draft = Draft::of(pull, given);
            let head_sha = head_sha.cloned().or_else(|| pull.head.clone());
            draft.fact(ReviewFailed { reviewer: Some(reviewer.clone()), head_sha, reason: reason.clone() });
            draft.accept_or_unchanged(pull.version)
        }
        (GitHubMode::None | GitHubMode::Webhook | GitHubMode::Connected, report) => {
            let (verdict, body) = match report {
                ReviewReport::Verdict { kind, body, .. } => (kind.as_str().to_owned(), body.clone()),
                ReviewReport::Failed { reason } => ("failed".to_owned(), Some(reason.clone())),
            };
            let mut draft = Draft::of(pull, given);
            draft.fact(ReviewReported { reviewer: reviewer.to_string(), verdict, head_sha: head_sha.cloned(), body });
            draft.accept_or_unchanged(pull.version)
        }
    }
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
        return draft.refuse(Refusal::Rule { rule, why });
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
    let sha = review.head_sha.as_ref().or(pull.head.as_ref());
    let Some(head) = sha.and_then(|sha| pull.heads.get(sha)) else { return false };
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
    let sha = review.head_sha.as_ref().or(pull.head.as_ref());
    let head = sha.and_then(|sha| pull.heads.get(sha));
    head.and_then(|head| head.verdicts.get(&review.reviewer)).map_or(pull.version, |verdict| verdict.version)
}

pub(super) fn dismiss(pull: &PullRequest, review_id: u64, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if !pull.dismissed.contains(&review_id) {
        draft.fact(ReviewDismissed { review_id });
    }
    draft.accept_or_unchanged(pull.version)
}

/// Asks a reviewer for a verdict on the current head.
pub(super) fn assign(
    pull: &PullRequest,
    reviewer: &AgentId,
    deadline: Timestamp,
    reason: Option<&String>,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let refuse = |rule, why| Decision::refuse(Refusal::Rule { rule, why });
    if let Some(dispatch) = &pull.dispatch {
        let why = format!("{} is asked already", dispatch.reviewer);
        return Decision::refuse(Refusal::LostRace { why });
    }
    if !pull.is_in_review() || pull.shown_state() != PullRequestState::Open {
        return refuse("not_in_review", format!("{} is not in review", pull.reference));
    }
    if given.policy.roster.agent(reviewer).is_none_or(|profile| profile.role != Role::Reviewer) {
        return refuse("not_a_reviewer", format!("{reviewer} is no reviewer of the roster"));
    }
    if let Some(why) = produced_by(pull, Reviewer::Agent(reviewer), given.policy, given.neighbours) {
        return refuse("self_approval", format!("{reviewer} can't review {}: {why}", pull.reference));
    }
    let mut draft = Draft::of(pull, given);
    if !draft.somebody_awaits_review() {
        return refuse("not_in_review", format!("no issue of {} is in review", pull.reference));
    }
    draft.fact(ReviewAssigned {
        reviewer: reviewer.clone(),
        head_sha: pull.head.clone(),
        deadline,
        reason: reason.cloned(),
    });
    draft.accept_or_unchanged(pull.version)
}
