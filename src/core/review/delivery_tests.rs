//! Reviewers that are told by entries in their streams: their time begins when the question is there.

use crate::decider::Outcome;
use crate::identity::AgentId;
use crate::pull_request::{PullRequestCommand, TryEnd};
use crate::roster::GitHubMode;
use crate::time::minutes;
use crate::world::{World, opened};

use super::{Step, Wait};

/// review-e was asked about #57 of #42 by an entry that is on its way; gives the dispatch.
fn asked() -> (World, u64) {
    let mut world = World::new(GitHubMode::Webhook);
    world.streamed = true;
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, opened(42, "agent/issue-42-1", "aaaa", 10));
    world.wait(minutes(2));
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    let dispatch = world.pull(57).dispatch.unwrap();
    assert!(dispatch.is_on_its_way());
    (world, dispatch.version)
}

fn deliver(world: &mut World, dispatch: u64) -> Outcome {
    world.ask_pull(57, &PullRequestCommand::Delivered { dispatch })
}

#[test]
fn a_reviewers_time_begins_when_the_question_is_there() {
    let (mut world, dispatch) = asked();
    world.wait(minutes(300));
    assert_eq!(world.review_step(57), Step::Nothing(Wait::OnItsWay(AgentId::parse("review-e").unwrap())));
    assert_eq!(deliver(&mut world, dispatch), Outcome::Accepted);
    assert_eq!(world.pull(57).dispatch.unwrap().deadline, world.now.plus(minutes(30)));
    world.wait(minutes(10));
    assert!(matches!(deliver(&mut world, dispatch), Outcome::Unchanged { .. }), "a repeat gives no more time");
    world.wait(minutes(19));
    assert!(matches!(world.review_step(57), Step::Nothing(Wait::Asked { .. })));
    world.wait(minutes(1));
    assert_eq!(world.review_step(57), Step::GiveUp);
}

#[test]
fn without_streams_it_begins_with_the_question_whoever_was_meant_to_bring_it() {
    let (mut world, _) = asked();
    world.streamed = false;
    world.wait(minutes(29));
    assert!(matches!(world.review_step(57), Step::Nothing(Wait::Asked { .. })));
    world.wait(minutes(1));
    assert_eq!(world.review_step(57), Step::GiveUp);
}

#[test]
fn a_question_that_cant_be_brought_goes_to_another_and_in_the_end_to_a_person() {
    let (mut world, mut dispatch) = asked();
    for (nth, next) in [(1, "review-e-codex"), (2, "review-e")] {
        let undelivered = PullRequestCommand::Undelivered { dispatch };
        assert_eq!(world.ask_pull(57, &undelivered), Outcome::Accepted);
        let tries = world.pull(57).current_head().unwrap().tries.clone();
        assert_eq!((tries.len(), tries.last().unwrap().end), (nth, Some(TryEnd::Undelivered)));
        world.wait(minutes(30));
        assert_eq!(world.see_to_review(57), Outcome::Accepted);
        let asked = world.pull(57).dispatch.unwrap();
        assert_eq!(asked.reviewer.as_str(), next);
        dispatch = asked.version;
    }
    assert_eq!(world.ask_pull(57, &PullRequestCommand::Undelivered { dispatch }), Outcome::Accepted);
    assert!(matches!(world.review_step(57), Step::Call(_)), "three are enough");
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    assert_eq!(world.state(42), "escalated");
}

#[test]
fn what_reached_its_reviewer_or_is_over_is_not_taken_back() {
    let (mut world, dispatch) = asked();
    deliver(&mut world, dispatch);
    let undelivered = PullRequestCommand::Undelivered { dispatch };
    assert!(matches!(world.ask_pull(57, &undelivered), Outcome::Unchanged { .. }));
    let (mut world, dispatch) = asked();
    world.check(57, "aaaa", 1, "failure");
    assert_eq!(world.pull(57).dispatch, None);
    assert!(matches!(deliver(&mut world, dispatch), Outcome::Unchanged { .. }));
}
