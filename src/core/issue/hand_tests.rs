//! Stories of who may take an issue out of a person's hands.

use super::tests::{NODE, PYTHON, closed_as, in_progress};
use crate::event::{IssueApproved, Priority};
use crate::issue::{Hand, IssueCommand, IssueObservation};
use crate::world::{World, approval, login, rule_of};

/// Escalated by two strikes.
fn escalated() -> World {
    let mut world = in_progress();
    world.stuck(42, NODE);
    world.claim(42, PYTHON);
    world.stuck(42, PYTHON);
    assert_eq!(world.state(42), "escalated");
    world
}

fn approve(world: &World, hand: Hand) -> IssueCommand {
    let approval =
        IssueApproved { title: "Told anew".into(), priority: Priority::Critical, ..approval(&world.issue(42)) };
    IssueCommand::Approve { approval: Box::new(approval), hand }
}

fn cancel(hand: Hand) -> IssueCommand {
    IssueCommand::Cancel { reason: "enough".into(), hand }
}

fn finish(hand: Hand) -> IssueCommand {
    IssueCommand::Finish { by: "monitor-e".into(), hand }
}

#[test]
fn no_agent_takes_an_issue_out_of_a_persons_hands() {
    for order in [cancel(Hand::Machine), finish(Hand::Machine), IssueCommand::Reopen] {
        let mut world = escalated();
        assert_eq!(rule_of(&world.ask(42, &order)), "escalated", "{order:?}");
        assert_eq!((world.state(42), world.issue(42).strikes), ("escalated", 2));
    }
}

#[test]
fn a_person_does() {
    for (order, state) in [(cancel(Hand::Person), "cancelled"), (finish(Hand::Person), "done")] {
        let mut world = escalated();
        assert_eq!(rule_of(&world.ask(42, &order)), "accepted", "{order:?}");
        assert_eq!(world.state(42), state);
    }
}

#[test]
fn an_approval_of_an_escalated_issue_changes_its_title_and_priority_and_nothing_else() {
    for hand in [Hand::Machine, Hand::Person] {
        let mut world = escalated();
        let told = approve(&world, hand);
        assert_eq!(rule_of(&world.ask(42, &told)), "accepted");
        let issue = world.issue(42);
        assert_eq!((issue.title.as_str(), issue.priority), ("Told anew", Priority::Critical));
        assert_eq!((world.state(42), issue.strikes), ("escalated", 2));
    }
}

#[test]
fn only_a_person_gives_a_cancelled_issue_a_new_life() {
    let mut world = escalated();
    world.ask(42, &cancel(Hand::Person));
    let by_an_agent = approve(&world, Hand::Machine);
    assert_eq!(rule_of(&world.ask(42, &by_an_agent)), "final_state");
    let mut reopened = world.clone();
    reopened.ask(42, &IssueCommand::Reopen);
    assert_eq!((reopened.state(42), reopened.issue(42).strikes), ("escalated", 2), "its strikes are kept");
    let by_a_person = approve(&world, Hand::Person);
    assert_eq!(rule_of(&world.ask(42, &by_a_person)), "accepted");
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
}

#[test]
fn an_agent_that_closes_an_escalated_issue_at_github_moves_nothing() {
    for reason in ["completed", "not_planned"] {
        let by = |who: &str, second| IssueObservation { sender: Some(login(who)), ..closed_as(reason, second) };
        let mut world = escalated();
        world.ask(42, &IssueCommand::Observe(by("dev-e-bot[bot]", 5_000)));
        assert_eq!(world.state(42), "escalated", "{reason}");
        world.ask(42, &IssueCommand::Observe(by("alice", 5_001)));
        assert_ne!(world.state(42), "escalated", "{reason}");
    }
}
