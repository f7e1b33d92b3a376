//! Stories of what comes after the merge.

use super::tests::{BRANCH, NODE, closed_as, in_review, merged, seen};
use crate::event::{PullRequestEvent, SmokeCause, SmokeFailed, SmokePassed, Verified};
use crate::issue::{IssueAction, IssueCommand, IssueObservation};
use crate::pull_request::{PrObservation, PullRequestCommand};
use crate::world::{World, login, opened};

fn deploying() -> World {
    let mut world = in_review();
    world.policy.repo_defaults.deploys = true;
    world.see_pull(57, merged(20));
    assert_eq!(world.state(42), "deploying");
    world
}

fn record(world: &mut World, pull: u64, event: impl Into<PullRequestEvent>) {
    world.ask_pull(pull, &PullRequestCommand::Record(Box::new(event.into())));
}

fn smoke_failed(cause: SmokeCause, retry_count: u32) -> SmokeFailed {
    SmokeFailed { cause, retry_count, details: Some("500 on /login".into()) }
}

#[test]
fn what_was_never_merged_can_not_be_verified() {
    let mut world = in_review();
    world.ask(42, &IssueCommand::Escalate { reason: "a person asked".into() });
    record(&mut world, 57, Verified { by: None });
    assert_eq!(world.state(42), "escalated");
}

#[test]
fn a_verification_that_comes_before_the_merge_counts_at_the_merge() {
    let mut world = in_review();
    world.policy.repo_defaults.deploys = true;
    record(&mut world, 57, Verified { by: None });
    assert_eq!(world.state(42), "in_review");
    world.see_pull(57, merged(20));
    assert_eq!(world.state(42), "done");
}

#[test]
fn a_failure_of_another_pull_request_is_not_this_deployments() {
    let mut world = deploying();
    let other = PrObservation {
        author: Some(login("alice")),
        author_association: Some("MEMBER".into()),
        ..opened(42, "alice/docs", "dddd", 30)
    };
    world.see_pull(58, other);
    record(&mut world, 58, smoke_failed(SmokeCause::Code, 0));
    assert_eq!(world.state(42), "deploying");
    for retry in 0..3 {
        record(&mut world, 58, smoke_failed(SmokeCause::ExternalDependency, retry));
    }
    assert_eq!(world.state(42), "deploying");
}

#[test]
fn an_old_pull_request_does_not_verify_a_new_life() {
    let mut world = deploying();
    record(&mut world, 57, Verified { by: Some("first".into()) });
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 9_000)));
    world.ask(42, &IssueCommand::Escalate { reason: "a person asked".into() });
    record(&mut world, 57, Verified { by: Some("second".into()) });
    assert_eq!(world.state(42), "escalated");
}

#[test]
fn a_fix_forward_is_not_ended_by_the_closing_that_came_with_the_merge() {
    let mut world = deploying();
    record(&mut world, 57, smoke_failed(SmokeCause::Code, 0));
    assert_eq!(world.state(42), "queued");
    world.ask(42, &IssueCommand::Observe(closed_as("completed", 21)));
    assert_eq!(world.state(42), "queued", "the merge's own closing, told late");
    let renamed =
        IssueObservation { title: "Another".into(), action: IssueAction::Other, ..closed_as("completed", 22) };
    world.ask(42, &IssueCommand::Observe(renamed));
    assert_eq!(world.state(42), "queued", "still closed, as since the merge");
    world.ask(42, &IssueCommand::Observe(closed_as("completed", 9_000)));
    assert_eq!(world.state(42), "done", "a person closed it");
}

#[test]
fn a_fix_forward_begins_on_a_fresh_branch() {
    let mut world = deploying();
    record(&mut world, 57, smoke_failed(SmokeCause::Code, 0));
    world.claim(42, NODE);
    assert_ne!(world.issue(42).lease.unwrap().branch_hint, BRANCH, "that one is merged");
}

#[test]
fn who_broke_the_deployment_is_asked_first_to_mend_it() {
    let mut world = deploying();
    record(&mut world, 57, smoke_failed(SmokeCause::Code, 0));
    let issue = world.issue(42);
    assert_eq!(world.state(42), "queued");
    assert_eq!(issue.author_of_failure().map(|agent| agent.as_str()), Some(NODE));
    assert_eq!(crate::claim::obstacle::author_of_rework(&issue).map(|agent| agent.as_str()), Some(NODE));
    assert!(issue.rework_since.is_some(), "for half an hour; then anybody");
}

#[test]
fn three_failures_of_something_outside_bring_a_person_and_a_success_between_them_begins_the_count_anew() {
    let outside = |world: &mut World, retry| record(world, 57, smoke_failed(SmokeCause::ExternalDependency, retry));
    let mut world = deploying();
    (0..2).for_each(|retry| outside(&mut world, retry));
    record(&mut world, 57, SmokePassed { environment: None });
    (2..4).for_each(|retry| outside(&mut world, retry));
    assert_eq!(world.state(42), "deploying");
    outside(&mut world, 4);
    assert_eq!(world.state(42), "escalated");
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("external_dependency"));
}

#[test]
fn the_fourth_failed_deployment_is_a_persons() {
    let mut world = deploying();
    for (change, second) in (58..=60_u64).zip([100_i64, 200, 300]) {
        record(&mut world, change - 1, smoke_failed(SmokeCause::Code, 0));
        assert_eq!(world.state(42), "queued", "before change {change}");
        world.claim(42, NODE);
        world.start(42, NODE);
        let branch = world.issue(42).lease.unwrap().branch_hint;
        let head = format!("{change:04x}");
        world.see_pull(change, opened(42, &branch, &head, second));
        let merged = PrObservation { open: false, merged: true, ..opened(42, &branch, &head, second + 1) };
        world.see_pull(change, merged);
        assert_eq!(world.state(42), "deploying", "after change {change}");
    }
    record(&mut world, 60, smoke_failed(SmokeCause::Code, 0));
    assert_eq!(world.state(42), "escalated");
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("deployment_failed"));
}
