//! What the one rule of dispatch ([`review::next`]) makes of this pull request, on record.

use crate::decider::{Decision, Given};
use crate::event::{Escalated, PullRequestEvent, ReviewAssigned, ReviewFailed};
use crate::review::{self, Crew, Step};

use super::PullRequest;
use super::draft::Draft;
use super::tries::TIMEOUT;

/// The rule's name in the log.
const RULE: &str = "review_dispatch";

pub(super) fn decide(pull: &PullRequest, crew: &Crew, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let step = review::next(pull, crew, given);
    let mut draft = Draft::of(pull, given);
    match step {
        Step::Ask { reviewer, facts } => {
            let asked = ReviewAssigned {
                reviewer,
                head_sha: pull.head.clone(),
                deadline: given.now.plus(given.policy.timers.review_deadline),
                reason: before(pull),
            };
            draft.rule(RULE, facts, asked);
        }
        Step::GiveUp => {
            if let Some(dispatch) = pull.dispatch.clone() {
                let facts = [format!("the deadline was {}", dispatch.deadline)];
                let (reviewer, head_sha) = (Some(dispatch.reviewer), dispatch.head);
                draft.rule("review_deadline", facts, ReviewFailed { reviewer, head_sha, reason: TIMEOUT.to_owned() });
            }
        }
        Step::Call(alarm) => {
            let reason = alarm.as_str().to_owned();
            draft.rule(RULE, asked_so_far(pull), Escalated { reason, attempts: count(pull) });
        }
        Step::Nothing(_) => {}
    }
    draft.accept_or_unchanged(pull.version)
}

/// Why somebody is asked again: how the last one ended.
fn before(pull: &PullRequest) -> Option<String> {
    let last = pull.current_head()?.tries.last()?;
    last.end.map(|end| format!("{}: {end}", last.reviewer))
}

fn asked_so_far(pull: &PullRequest) -> Vec<String> {
    let tries = pull.current_head().into_iter().flat_map(|head| &head.tries);
    let told = |end: Option<super::TryEnd>| end.map_or("open", super::TryEnd::as_str);
    tries.map(|tried| format!("{} was asked at {}: {}", tried.reviewer, tried.at, told(tried.end))).collect()
}

fn count(pull: &PullRequest) -> u32 {
    let tries = pull.current_head().into_iter().flat_map(|head| &head.tries);
    u32::try_from(tries.filter(|tried| tried.counts()).count()).unwrap_or(u32::MAX)
}
