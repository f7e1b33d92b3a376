//! Stories of a pull request's facts that come late or twice.

use super::tests::{REVIEWER, head, in_review, review_of};
use crate::decider::Outcome;
use crate::event::ReviewState;
use crate::event::{Merged, PrClosed};
use crate::identity::AgentId;
use crate::pull_request::{PrObservation, PullRequestCommand, VerdictKind};
use crate::roster::GitHubMode;
use crate::world::{World, login, opened};

#[test]
fn an_approval_is_refused_when_its_reviewer_turns_out_to_have_pushed() {
    let mut world = in_review();
    world.review(57, VerdictKind::Approved, REVIEWER, "bbbb", 5);
    world.see_pull(57, PrObservation { pushed_by: Some(login("review-e-dashecorp")), ..head("bbbb", 20) });
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::None, "in_review"));
    assert!(world.log.iter().any(|(_, name)| *name == "APPROVAL_REFUSED"));
}

#[test]
fn a_holder_does_not_become_an_approver_by_taking_the_link_away() {
    let mut world = in_review();
    let developer = world.policy.roster.agents.iter_mut().find(|agent| agent.id.as_str() == "dev-e-node").unwrap();
    developer.logins = vec![login("node-bot[bot]")];
    world.see_pull(57, PrObservation { linked_issues: Some(Vec::new()), ..head("aaaa", 20) });
    let outcome = world.review(57, VerdictKind::Approved, "node-bot[bot]", "aaaa", 1);
    assert_eq!(crate::world::rule_of(&outcome), "self_approval");
}

#[test]
fn a_second_comment_answers_the_second_dispatch() {
    let mut world = in_review();
    world.policy.roster.agents.retain(|agent| agent.id.as_str() != "review-e-codex");
    let ask = |world: &mut World| {
        world.wait(crate::time::minutes(31));
        world.heard.insert(AgentId::parse("review-e").unwrap(), world.now);
        assert_eq!(world.see_to_review(57), Outcome::Accepted);
        assert_eq!(review_of(world), ReviewState::Requested);
    };
    for id in [1, 2] {
        ask(&mut world);
        world.review(57, VerdictKind::Commented, REVIEWER, "aaaa", id);
        assert_eq!((review_of(&world), world.pull(57).dispatch), (ReviewState::Abstained, None), "comment {id}");
    }
    ask(&mut world);
    world.review(57, VerdictKind::Commented, REVIEWER, "aaaa", 2);
    assert_eq!(review_of(&world), ReviewState::Requested, "the same comment again answers nothing");
}

#[test]
fn a_dispute_told_after_the_approval_that_settled_it_is_a_round_all_the_same() {
    let mut world = in_review();
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 7);
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 5);
    assert_eq!((review_of(&world), world.pull(57).rounds()), (ReviewState::Approved, 1));
    let before = world.log.len();
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 5);
    assert_eq!(world.log.len(), before);
}

#[test]
fn a_merged_one_can_not_be_reported_as_closed() {
    let mut world = World::new(GitHubMode::None);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, opened(42, "agent/issue-42-1", "aaaa", 10));
    world.ask_pull(
        57,
        &PullRequestCommand::Record(Box::new(Merged { merge_sha: None, by: None, updated_at: None }.into())),
    );
    world.ask_pull(57, &PullRequestCommand::Record(Box::new(PrClosed { by: None, updated_at: None }.into())));
    assert_eq!((world.pull(57).shown_state().as_str(), world.state(42)), ("merged", "done"));
}
