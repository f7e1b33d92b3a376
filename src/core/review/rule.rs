//! The one rule that dispatches reviews.

use std::time::Duration;

use crate::claim::Obstacle;
use crate::claim::obstacle;
use crate::decider::{Given, StreamState};
use crate::identity::{IssueRef, StreamId};
use crate::issue::Issue;
use crate::pull_request::producer::{Reviewer as Producer, produced_by};
use crate::pull_request::{PullRequest, Try, TryEnd};
use crate::quota;
use crate::rig::Rig;
use crate::time::{Timestamp, hours};

use super::router::{is_fit, route};
use super::wanted::{awaits, tracked, wanted};
use super::{Alarm, Crew, Reviewer, Step, Wait};

/// Dispatches about one head before a person is called; those that ended by want of quota, or because nobody wanted the answer
/// any more, don't count.
const DISPATCHES: usize = 3;
/// However often was asked: this long after the first time a person is called.
const PATIENCE: Duration = hours(24);

/// The streams that [`next`] looks at beside the pull request's own.
#[must_use]
pub fn looks_at(pull: &PullRequest) -> Vec<StreamId> {
    // Whoever held a lease of a linked issue produced the change; taking the link away doesn't undo that.
    let issues: Vec<IssueRef> = pull.told.iter().cloned().collect();
    issues.into_iter().map(StreamId::Issue).chain([StreamId::Rig]).collect()
}

/// What is to be done about the review of this pull request's head now. `given` has the states of [`looks_at`].
#[must_use]
pub fn next(pull: &PullRequest, crew: &Crew, given: &Given<'_>) -> Step {
    let held = held(pull, given);
    if let Some(dispatch) = &pull.dispatch {
        return match held {
            // The clock of what is paused stands still; whoever was asked may answer.
            Some(held) => Step::Nothing(Wait::Held(held)),
            None if given.now >= dispatch.deadline => Step::GiveUp,
            None => Step::Nothing(Wait::Asked { reviewer: dispatch.reviewer.clone(), deadline: dispatch.deadline }),
        };
    }
    if let Err(why) = wanted(pull, given.neighbours, given.policy) {
        return Step::Nothing(Wait::NotWanted(why));
    }
    if let Some(held) = held {
        return Step::Nothing(Wait::Held(held));
    }
    let born = tracked(pull, given.neighbours).filter_map(|issue| issue.life_since).max();
    let head = pull.current_head();
    // A life may begin in the very millisecond in which a person was called, never the other way round.
    if head.is_some_and(|head| head.escalated_at.is_some() && head.escalated_at > born) {
        return Step::Nothing(Wait::PersonCalled);
    }
    let settled = pull.reviewable_since.max(born).unwrap_or(given.now).plus(given.policy.timers.review_after);
    if given.now < settled {
        return Step::Nothing(Wait::Young(settled));
    }
    let tries = head.map_or(&[] as &[Try], |head| &head.tries);
    let tries: Vec<&Try> = tries.iter().filter(|tried| Some(tried.at) > born).collect();
    whom(pull, &tries, crew, given)
}

/// Who is asked, after those.
fn whom(pull: &PullRequest, tries: &[&Try], crew: &Crew, given: &Given<'_>) -> Step {
    let now = given.now;
    let may_judge = |reviewer: &&Reviewer| {
        produced_by(pull, Producer::Agent(&reviewer.agent), given.policy, given.neighbours).is_none()
    };
    let allowed: Vec<&Reviewer> = crew.0.iter().filter(may_judge).collect();
    if allowed.is_empty() {
        return Step::Call(Alarm::NoReviewer);
    }
    let counted = tries.iter().filter(|tried| tried.counts()).count();
    let waited_too_long = tries.first().is_some_and(|first| now >= first.at.plus(PATIENCE));
    if counted >= DISPATCHES || waited_too_long {
        return Step::Call(Alarm::Unanswered);
    }
    let able: Vec<&Reviewer> = allowed.into_iter().filter(|reviewer| !reviewer.paused).collect();
    if able.is_empty() {
        return Step::Nothing(Wait::ReviewersHeld);
    }
    if let Some(until) = silence(&able, tries, given) {
        return Step::Nothing(Wait::Silence(until));
    }
    let last_try = |reviewer: &Reviewer| tries.iter().rev().find(|tried| tried.reviewer == reviewer.agent);
    let awake = able.iter().copied().filter(|reviewer| reviewer.rest(now).is_none());
    let (tried, untried): (Vec<&Reviewer>, Vec<&Reviewer>) = awake.partition(|reviewer| last_try(reviewer).is_some());
    if let Some(reviewer) = route(&untried, given.policy, now) {
        return ask(reviewer, counted, given);
    }
    let with_quota: Vec<&Reviewer> = tried.into_iter().filter(|reviewer| !reviewer.quota.is_exhausted()).collect();
    let fit: Vec<&Reviewer> =
        with_quota.iter().copied().filter(|reviewer| is_fit(reviewer, given.policy, now)).collect();
    let candidates = if fit.is_empty() { with_quota } else { fit };
    let Some(longest_ago) = candidates.into_iter().min_by_key(|reviewer| last_try(reviewer).map(|tried| tried.at))
    else {
        let dry = able.iter().map(|reviewer| (reviewer.agent.clone(), reviewer.rest(now)));
        return Step::Nothing(Wait::Dry(dry.collect()));
    };
    let apart = tries.last().map(|last| last.at.plus(given.policy.timers.review_apart));
    match apart.filter(|apart| now < *apart) {
        Some(apart) => Step::Nothing(Wait::Apart(apart)),
        None => ask(longest_ago, counted, given),
    }
}

fn ask(reviewer: &Reviewer, counted: usize, given: &Given<'_>) -> Step {
    let heard = match reviewer.heard {
        Some(heard) => format!("heard from {} s ago", given.now.since(heard).as_secs()),
        None => "not heard from".to_owned(),
    };
    let percent = |used: Option<f64>| used.map_or_else(|| "unknown".to_owned(), |used| format!("{used} %"));
    let (hours, week) = (percent(reviewer.quota.five_hour_pct), percent(reviewer.quota.weekly_pct));
    let facts = vec![
        format!("dispatch {} of {DISPATCHES} about this head", counted + 1),
        format!("{}: {heard}, used of five hours {hours}, of the week {week}", reviewer.agent),
    ];
    Step::Ask { reviewer: reviewer.agent.clone(), facts }
}

/// Until when nobody is asked again after somebody who was silent, since nobody is there. The first of all is asked though: it
/// may be scaled to zero, and wakes.
fn silence(able: &[&Reviewer], tries: &[&Try], given: &Given<'_>) -> Option<Timestamp> {
    let silent = tries.iter().rev().take_while(|tried| tried.end == Some(TryEnd::TimedOut));
    let last_end = tries.last().filter(|last| last.end == Some(TryEnd::TimedOut))?.ended_at?;
    if able.iter().any(|reviewer| reviewer.is_there(given.policy, given.now)) {
        return None;
    }
    let until = last_end.plus(quota::back_off(u32::try_from(silent.count()).unwrap_or(u32::MAX)));
    (given.now < until).then_some(until)
}

/// What an operator holds: the rig, the repository, or an issue that waits for the verdict.
fn held(pull: &PullRequest, given: &Given<'_>) -> Option<Obstacle> {
    let rig = given.neighbours.get(&StreamId::Rig).and_then(|rig| match rig {
        StreamState::Rig(rig) => Some(&**rig),
        StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_) => None,
    });
    let of_rig = rig.and_then(|rig: &Rig| obstacle::of_repo(&pull.reference.repo, rig));
    let paused = |issue: &Issue| issue.paused && awaits(issue, pull);
    of_rig.or_else(|| tracked(pull, given.neighbours).any(paused).then_some(Obstacle::IssuePaused))
}
