//! Stories of deliveries about the issue itself that are late, lost or swapped.

use super::tests::{closed_as, in_review, merged, seen, webhook};
use crate::issue::{IssueAction, IssueCommand, IssueObservation};
use crate::world::{issue_ref, labelled};

fn unlabelled(second: i64) -> IssueObservation {
    IssueObservation { labels: Vec::new(), ..seen(IssueAction::Unlabeled("agent-ready".into()), second) }
}

#[test]
fn reopening_told_after_a_later_edit_still_reopens() {
    let mut world = in_review();
    world.see_pull(57, merged(20));
    world.ask(42, &IssueCommand::Observe(closed_as("completed", 8_000)));
    let edited = IssueObservation { title: "Again".into(), ..seen(IssueAction::Other, 9_001) };
    world.ask(42, &IssueCommand::Observe(edited));
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 9_000)));
    assert_eq!((world.state(42), world.issue(42).title.as_str()), ("queued", "Again"));
    world.ask(42, &IssueCommand::Observe(closed_as("completed", 9_500)));
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 9_000)));
    assert_eq!(world.state(42), "done", "a reopening of before the closing is no news");
}

#[test]
fn the_label_of_before_does_not_approve_what_was_unlabelled_or_deleted_since() {
    let gone = seen(IssueAction::Gone { how: "deleted" }, 20);
    for since in [unlabelled(20), gone] {
        let mut world = webhook();
        world.ask(42, &IssueCommand::Observe(since.clone()));
        world.ask(42, &IssueCommand::Observe(labelled(10)));
        assert_eq!(world.state(42), "unapproved", "{:?}", since.action);
        world.ask(42, &IssueCommand::Observe(labelled(30)));
        assert_eq!(world.state(42), "queued", "{:?}", since.action);
    }
}

#[test]
fn a_dependency_that_nobody_approved_and_that_is_reopened_keeps_the_gate_shut_again() {
    let mut world = webhook();
    let plain = |seen: IssueObservation| IssueObservation { labels: Vec::new(), ..seen };
    world.ask(7, &IssueCommand::Observe(plain(closed_as("completed", 5))));
    assert!(world.issue(7).frees_dependants());
    world.ask(7, &IssueCommand::Observe(plain(seen(IssueAction::Reopened, 6))));
    assert!(!world.issue(7).frees_dependants());
    assert_eq!(world.state(7), "unapproved");
    let before = world.events(7).len();
    world.ask(7, &IssueCommand::Observe(plain(seen(IssueAction::Other, 7))));
    assert_eq!(world.events(7).len(), before, "and is nobody's business any more");
}

#[test]
fn dependencies_that_come_with_the_label_set_anew_are_followed() {
    let mut world = super::tests::in_progress();
    world.ask(42, &IssueCommand::Observe(unlabelled(10)));
    let body = Some("Depends on: #7".to_owned());
    world.ask(42, &IssueCommand::Observe(IssueObservation { body, ..labelled(20) }));
    let issue = world.issue(42);
    assert_eq!((issue.withdrawn, issue.depends_on), (false, vec![issue_ref(7)]));
}
