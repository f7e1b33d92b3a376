//! What the one rule of dispatch ([`review::next`]) makes of this pull request, on record.

use crate::decider::{Decision, Given};
use crate::event::{Escalated, PullRequestEvent, ReviewAssigned, ReviewDelivered, ReviewFailed};
use crate::review::{self, Crew, Step};
use crate::silence::AgentSilence;

use super::draft::Draft;
use super::tries::{TIMEOUT, UNDELIVERED, UNHEARD};
use super::{Dispatch, PullRequest};

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
                pushed: crew.streamed,
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

/// Ends that dispatch where its reviewer is silent; a newer one, or one who was heard from, is left alone.
pub(super) fn end(
    pull: &PullRequest,
    version: u64,
    silence: &AgentSilence,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    let asked = pull.dispatch.clone().filter(|dispatch| dispatch.version == version);
    if let Some(dispatch) = asked.filter(|_| review::is_unheard(pull, silence, given)) {
        let heard = silence.heard.map_or("never".to_owned(), |heard| heard.to_string());
        let facts = [format!("{} took it, and was last heard from: {heard}", dispatch.reviewer)];
        let (reviewer, head_sha) = (Some(dispatch.reviewer), dispatch.head);
        draft.rule("review_unheard", facts, ReviewFailed { reviewer, head_sha, reason: UNHEARD.to_owned() });
    }
    draft.accept_or_unchanged(pull.version)
}

/// Its reviewer has the question: from now on its time runs. A dispatch that is over, or runs already, is left alone.
pub(super) fn delivered(pull: &PullRequest, version: u64, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if let Some(Dispatch { reviewer, head, .. }) = on_its_way(pull, version) {
        let deadline = given.now.plus(given.policy.timers.review_deadline);
        draft.fact(ReviewDelivered { reviewer: reviewer.clone(), head_sha: head.clone(), deadline });
    }
    draft.accept_or_unchanged(pull.version)
}

/// Its reviewer can't be told: another one is asked, as after any failure.
pub(super) fn undelivered(pull: &PullRequest, version: u64, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if let Some(Dispatch { reviewer, head, .. }) = on_its_way(pull, version) {
        let facts = [format!("its entry could not be added to the stream of {reviewer}")];
        let (reviewer, head_sha) = (Some(reviewer.clone()), head.clone());
        draft.rule("review_delivery", facts, ReviewFailed { reviewer, head_sha, reason: UNDELIVERED.to_owned() });
    }
    draft.accept_or_unchanged(pull.version)
}

fn on_its_way(pull: &PullRequest, version: u64) -> Option<&Dispatch> {
    pull.dispatch.as_ref().filter(|dispatch| dispatch.version == version && dispatch.is_on_its_way())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull_request::tests::in_review;
    use crate::pull_request::{PullRequestCommand, TryEnd};
    use crate::time::{Timestamp, minutes};
    use crate::world::{World, rule_of};

    /// A reviewer was asked, at the moment that is given.
    fn asked() -> (World, Timestamp) {
        let mut world = in_review();
        world.wait(minutes(3));
        assert_eq!(rule_of(&world.see_to_review(57)), "accepted");
        let at = world.now;
        (world, at)
    }

    fn end(world: &mut World, version: u64, heard: Option<Timestamp>, listening: Timestamp) -> &'static str {
        let silence = AgentSilence { heard, listening };
        rule_of(&world.ask_pull(57, &PullRequestCommand::EndDispatch { version, silence }))
    }

    #[test]
    fn a_reviewer_that_took_its_dispatch_and_died_is_followed_by_another() {
        let (mut world, at) = asked();
        let dispatch = world.pull(57).dispatch.unwrap();
        world.wait(minutes(9));
        assert_eq!(end(&mut world, dispatch.version, None, at), "unchanged", "nine minutes");
        world.wait(minutes(1));
        assert_eq!(end(&mut world, dispatch.version, Some(at.plus(minutes(1))), at), "unchanged", "it was heard from");
        assert_eq!(end(&mut world, dispatch.version, None, at.plus(minutes(1))), "unchanged", "nobody listened");
        assert_eq!(end(&mut world, dispatch.version + 1, None, at), "unchanged", "another dispatch");
        assert_eq!(end(&mut world, dispatch.version, None, at), "accepted");
        let pull = world.pull(57);
        assert_eq!(pull.dispatch, None);
        assert_eq!(pull.current_head().unwrap().tries[0].end, Some(TryEnd::Unheard));
        assert_eq!(world.events(42).last(), Some(&"REVIEW_FAILED"), "its issue hears of it");
        assert_eq!(end(&mut world, dispatch.version, None, at), "unchanged", "once");
        let first = dispatch.reviewer;
        while world.pull(57).dispatch.is_none() {
            world.wait(minutes(1));
            world.see_to_review(57);
        }
        assert_ne!(world.pull(57).dispatch.unwrap().reviewer, first);
    }

    #[test]
    fn the_clock_of_a_paused_review_stands_still() {
        let (mut world, at) = asked();
        let version = world.pull(57).dispatch.unwrap().version;
        world.wait(minutes(5));
        world.pause(None, true);
        world.wait(minutes(60));
        assert_eq!(end(&mut world, version, None, at), "unchanged", "it is paused");
        world.pause(None, false);
        world.wait(minutes(4));
        assert_eq!(end(&mut world, version, None, at), "unchanged", "nine minutes");
        world.wait(minutes(1));
        assert_eq!(end(&mut world, version, None, at), "accepted");
    }
}
