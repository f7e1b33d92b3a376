//! A merge that waits for the same all the time: who is told when, and when a person is called.

use std::time::Duration;

use crate::decider::Outcome;
use crate::event::IssueState;
use crate::issue::IssueOverride;
use crate::pull_request::{PrObservation, PullRequestCommand, VerdictKind};
use crate::roster::GitHubMode;
use crate::time::{hours, minutes};
use crate::world::{World, opened};

const MINUTE: Duration = minutes(1);

fn look(world: &mut World) {
    let outcome = world.ask_pull(57, &PullRequestCommand::SeeToMerge);
    assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}

/// The types of #57's events since then, and when they were said, in minutes, with a look each minute.
fn said_within(world: &mut World, span: Duration) -> Vec<(u64, &'static str)> {
    let mut said = Vec::new();
    for minute in 1..=span.as_secs() / 60 {
        world.wait(MINUTE);
        let before = world.log.len();
        look(world);
        let of_pull = world.log[before..].iter().filter(|(stream, _)| stream.to_string().ends_with("#57"));
        said.extend(
            of_pull
                .map(|(_, kind)| (minute, *kind))
                .filter(|(_, kind)| kind.starts_with("MERGE_GATE") || *kind == "ESCALATED"),
        );
    }
    said
}

/// #57 for #42, in review: nothing was seen of its checks, and no verdict.
fn waiting() -> World {
    let mut world = World::in_state(IssueState::InReview);
    look(&mut world);
    assert_eq!(world.pull(57).waiting_for, ["review", "ci:none"]);
    world
}

#[test]
fn who_can_meet_it_is_told_once_after_two_hours_and_a_person_called_after_a_day() {
    let mut world = waiting();
    assert_eq!(said_within(&mut world, hours(30)), [(120, "MERGE_GATE_REMINDER"), (1440, "ESCALATED")]);
    assert_eq!(world.state(42), "escalated");
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("merge_blocked"));
}

#[test]
fn another_list_and_another_head_begin_the_clock_anew() {
    let mut world = waiting();
    assert_eq!(said_within(&mut world, minutes(110)), []);
    world.check(57, "aaaa", 1, "success");
    look(&mut world);
    assert_eq!(world.pull(57).waiting_for, ["review"]);
    assert_eq!(said_within(&mut world, minutes(110)), []);
    let second = PrObservation { updated_at: world.now, ..opened(42, "agent/issue-42-1", "bbbb", 10) };
    world.see_pull(57, second);
    look(&mut world);
    assert_eq!(said_within(&mut world, minutes(119)), []);
    assert_eq!(said_within(&mut world, MINUTE), [(1, "MERGE_GATE_REMINDER")]);
}

#[test]
fn a_pause_makes_its_clock_stand_still_and_is_no_block() {
    let mut world = waiting();
    assert_eq!(said_within(&mut world, minutes(100)), []);
    world.overrule(42, IssueOverride::Pause);
    // That it is paused is on the list, and the list on record.
    assert_eq!(said_within(&mut world, hours(48)), [(1, "MERGE_GATE_WAITING")]);
    world.overrule(42, IssueOverride::Resume);
    assert_eq!(said_within(&mut world, hours(3)), [(1, "MERGE_GATE_WAITING"), (121, "MERGE_GATE_REMINDER")]);
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn a_new_life_sets_the_clock_to_nothing_and_what_a_person_took_over_is_open_again() {
    let mut world = waiting();
    said_within(&mut world, hours(25));
    assert_eq!(world.state(42), "escalated");
    assert_eq!(said_within(&mut world, hours(48)), [], "it is with a person");
    world.wait(MINUTE);
    world.overrule(42, IssueOverride::Requeue);
    assert_eq!(world.state(42), "in_review");
    let said = said_within(&mut world, hours(25));
    assert_eq!(said.iter().filter(|(_, kind)| *kind == "MERGE_GATE_REMINDER").count(), 1, "{said:?}");
    assert_eq!(said.last().map(|(_, kind)| *kind), Some("ESCALATED"));
    assert!(said.last().unwrap().0 >= 1440, "{said:?}");
}

#[test]
fn what_stands_open_waits_for_a_person_where_nobody_else_can_merge() {
    for (github, said) in [
        (GitHubMode::Webhook, vec![(120, "MERGE_GATE_REMINDER"), (1440, "ESCALATED")]),
        (GitHubMode::Connected, vec![]),
    ] {
        let mut world = waiting();
        world.policy.github = github;
        world.check(57, "aaaa", 1, "success");
        world.review(57, VerdictKind::Approved, "review-e-bot[bot]", "aaaa", 1);
        look(&mut world);
        assert_eq!((world.state(42), world.pull(57).waiting_for), ("ready_to_merge", vec![]));
        assert_eq!(said_within(&mut world, hours(25)), said, "{github:?}");
    }
}

#[test]
fn in_work_again_it_waits_for_no_gate() {
    let mut world = waiting();
    world.review(57, VerdictKind::ChangesRequested, "review-e-bot[bot]", "aaaa", 1);
    assert_eq!(world.state(42), "changes_requested");
    assert_eq!(said_within(&mut world, hours(30)), []);
}
