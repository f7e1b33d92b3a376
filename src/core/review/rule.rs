//! The one rule that dispatches reviews.

use std::time::Duration;

use crate::claim::Obstacle;
use crate::claim::obstacle;
use crate::decider::{Given, StreamState};
use crate::hold::{Hold, running};
use crate::identity::{IssueRef, StreamId};
use crate::issue::Issue;
use crate::pull_request::producer::{Reviewer as Producer, produced_by};
use crate::pull_request::{Dispatch, PullRequest, Try, TryEnd};
use crate::quota;
use crate::rig::Rig;
use crate::silence::AgentSilence;
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
        // The clock of what is paused stands still; whoever was asked may answer.
        return match held {
            Some(held) => Step::Nothing(Wait::Held(held)),
            None => open(pull, dispatch, crew, given),
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
    let wanted = |tried: &&Try| Some(tried.at) > born && tried.end != Some(TryEnd::Obsolete);
    let tries: Vec<&Try> = tries.iter().filter(wanted).collect();
    whom(pull, &tries, crew, given)
}

/// Whether who is asked has had its time: not counted while nobody listened, or while it was held.
fn open(pull: &PullRequest, dispatch: &Dispatch, crew: &Crew, given: &Given<'_>) -> Step {
    if crew.streamed && dispatch.is_on_its_way() {
        return Step::Nothing(Wait::OnItsWay(dispatch.reviewer.clone()));
    }
    let asked_at = asked_at(pull, given);
    let had = running(asked_at.max(crew.listening.unwrap_or(asked_at)), given.now, holds(pull, given));
    match dispatch.deadline.since(asked_at).checked_sub(had).filter(|left| !left.is_zero()) {
        None => Step::GiveUp,
        Some(left) => {
            let (reviewer, deadline) = (dispatch.reviewer.clone(), given.now.plus(left));
            Step::Nothing(Wait::Asked { reviewer, deadline })
        }
    }
}

/// Whether who is asked has been silent for as long as makes an agent gone: since it was asked or last heard from, not counted
/// while nobody listened, or while it was held.
#[must_use]
pub fn is_unheard(pull: &PullRequest, silence: &AgentSilence, given: &Given<'_>) -> bool {
    let from = asked_at(pull, given).max(silence.since());
    held(pull, given).is_none() && running(from, given.now, holds(pull, given)) >= given.policy.timers.offline_after
}

/// When the question reached the one who is asked now, or was asked, where nobody said that it did.
fn asked_at(pull: &PullRequest, given: &Given<'_>) -> Timestamp {
    let open = pull.heads.values().flat_map(|head| &head.tries).find(|tried| tried.end.is_none());
    let delivered = pull.dispatch.as_ref().and_then(|dispatch| dispatch.delivered_at);
    delivered.or(open.map(|tried| tried.at)).unwrap_or(given.now)
}

/// Who is asked, after those.
fn whom(pull: &PullRequest, tries: &[&Try], crew: &Crew, given: &Given<'_>) -> Step {
    let now = given.now;
    let may_judge = |reviewer: &&Reviewer| {
        produced_by(pull, Producer::Agent(&reviewer.agent), given.policy, given.neighbours).is_none()
    };
    let allowed: Vec<&Reviewer> = crew.reviewers.iter().filter(may_judge).collect();
    if allowed.is_empty() {
        return Step::Call(Alarm::NoReviewer);
    }
    let counted = tries.iter().filter(|tried| tried.counts()).count();
    let waited_too_long = tries.first().is_some_and(|first| running(first.at, now, holds(pull, given)) >= PATIENCE);
    if counted >= DISPATCHES || waited_too_long {
        return Step::Call(Alarm::Unanswered);
    }
    let able: Vec<&Reviewer> = allowed.into_iter().filter(|reviewer| !reviewer.paused).collect();
    if able.is_empty() {
        return Step::Nothing(Wait::ReviewersHeld);
    }
    if let Some(until) = silence(&able, crew.listening, tries, given) {
        return Step::Nothing(Wait::Silence(until));
    }
    let last_try = |reviewer: &Reviewer| tries.iter().rev().find(|tried| tried.reviewer == reviewer.agent);
    let awake = able.iter().copied().filter(|reviewer| reviewer.rest(now).is_none());
    let (tried, untried): (Vec<&Reviewer>, Vec<&Reviewer>) = awake.partition(|reviewer| last_try(reviewer).is_some());
    if let Some(reviewer) = route(&untried, crew.listening, given.policy, now) {
        return ask(reviewer, counted, given);
    }
    let with_quota: Vec<&Reviewer> = tried.into_iter().filter(|reviewer| !reviewer.quota.is_exhausted()).collect();
    let fit: Vec<&Reviewer> =
        with_quota.iter().copied().filter(|reviewer| is_fit(reviewer, crew.listening, given.policy, now)).collect();
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
fn silence(able: &[&Reviewer], listening: Option<Timestamp>, tries: &[&Try], given: &Given<'_>) -> Option<Timestamp> {
    let was_silent = |tried: &&&Try| tried.end.is_some_and(TryEnd::is_silence);
    let silent = tries.iter().rev().take_while(was_silent);
    let last_end = tries.last().filter(was_silent)?.ended_at?;
    if able.iter().any(|reviewer| reviewer.is_there(listening, given.policy, given.now)) {
        return None;
    }
    let until = last_end.plus(quota::back_off(u32::try_from(silent.count()).unwrap_or(u32::MAX)));
    (given.now < until).then_some(until)
}

/// What an operator holds: the rig, the repository, or an issue that waits for the verdict.
fn held(pull: &PullRequest, given: &Given<'_>) -> Option<Obstacle> {
    let of_rig = rig(given).and_then(|rig| obstacle::of_repo(&pull.reference.repo, rig));
    let paused = |issue: &Issue| issue.paused && awaits(issue, pull);
    of_rig.or_else(|| tracked(pull, given.neighbours).any(paused).then_some(Obstacle::IssuePaused))
}

/// When the same were held.
fn holds<'a>(pull: &'a PullRequest, given: &'a Given<'_>) -> impl Iterator<Item = &'a Hold> {
    let of_rig = rig(given).into_iter().flat_map(|rig| rig.holds_of(&pull.reference.repo));
    let of_issues = tracked(pull, given.neighbours).filter(|issue| awaits(issue, pull));
    of_rig.chain(of_issues.filter_map(|issue| issue.held.as_ref()))
}

fn rig<'a>(given: &'a Given<'_>) -> Option<&'a Rig> {
    match given.neighbours.get(&StreamId::Rig) {
        Some(StreamState::Rig(rig)) => Some(rig),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => None,
    }
}
