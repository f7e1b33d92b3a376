//! Each condition, alone: it shuts the gate, and what meets it opens it.

use std::collections::BTreeMap;

use super::{looks_at, names, waits_for};
use crate::decider::Outcome;
use crate::identity::Login;
use crate::issue::IssueOverride;
use crate::pull_request::{PrObservation, PullRequestCommand, VerdictKind};
use crate::roster::GitHubMode;
use crate::world::{World, opened};

const REVIEWER: &str = "review-e-bot[bot]";

fn seen(head: &str, second: i64) -> PrObservation {
    opened(42, "agent/issue-42-1", head, second)
}

/// #57 for #42, approved and green.
fn mergeable() -> World {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, seen("aaaa", 10));
    world.check(57, "aaaa", 1, "success");
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 1);
    world
}

fn gate(world: &World) -> Vec<String> {
    let pull = world.pull(57);
    let neighbours: BTreeMap<_, _> = looks_at(&pull).iter().filter_map(|stream| world.stream(stream)).collect();
    names(&waits_for(&pull, &neighbours, &world.policy))
}

#[test]
fn an_approved_green_change_that_an_issue_follows_waits_for_nothing() {
    assert_eq!(gate(&mergeable()), [""; 0]);
}

#[test]
fn without_a_verdict_or_checks_the_gate_is_shut() {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    assert_eq!(gate(&world), ["not_open"], "nothing is known of it");
    world.see_pull(57, seen("aaaa", 10));
    assert_eq!(gate(&world), ["review", "ci:none"]);
    world.policy.repo_defaults.ci_optional = true;
    assert_eq!(gate(&world), ["review"]);
}

#[test]
fn a_push_a_dispute_and_red_checks_shut_it_again() {
    let mut world = mergeable();
    world.see_pull(57, seen("bbbb", 20));
    assert_eq!(gate(&world), ["review", "ci:none"], "approval and checks are of the old head");
    world.check(57, "bbbb", 2, "failure");
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "bbbb", 2);
    assert_eq!(gate(&world), ["review:disputed", "ci:build"]);
}

#[test]
fn an_approval_of_its_producer_opens_nothing() {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, seen("aaaa", 10));
    world.check(57, "aaaa", 1, "success");
    let refused = world.review(57, VerdictKind::Approved, "dev-e-bot[bot]", "aaaa", 1);
    assert!(matches!(refused, Outcome::Refused(_)));
    assert_eq!(gate(&world), ["review"]);
}

#[test]
fn labels_drafts_size_and_conflicts_shut_it() {
    let labels = |labels: &[&str]| Some(labels.iter().map(|label| (*label).to_owned()).collect());
    for (observation, expected) in [
        (PrObservation { labels: labels(&["Manual-Merge"]), ..seen("aaaa", 20) }, vec!["blocking_label:manual-merge"]),
        (PrObservation { labels: labels(&["needs-human"]), ..seen("aaaa", 20) }, vec!["blocking_label:needs-human"]),
        (PrObservation { draft: true, ..seen("aaaa", 20) }, vec!["draft"]),
        (PrObservation { files: Some(21), ..seen("aaaa", 20) }, vec!["size"]),
        (PrObservation { additions: Some(300), deletions: Some(201), ..seen("aaaa", 20) }, vec!["size"]),
        (PrObservation { files: Some(20), additions: Some(500), ..seen("aaaa", 20) }, vec![]),
        (PrObservation { files: Some(21), labels: labels(&["large-pr-ok"]), ..seen("aaaa", 20) }, vec![]),
        (PrObservation { mergeable: Some(false), ..seen("aaaa", 20) }, vec!["merge_conflict"]),
        (PrObservation { mergeable: Some(true), ..seen("aaaa", 20) }, vec![]),
    ] {
        let mut world = mergeable();
        world.see_pull(57, observation.clone());
        assert_eq!(gate(&world), expected, "{observation:?}");
    }
}

#[test]
fn a_thread_that_waits_for_an_answer_shuts_it() {
    let mut world = mergeable();
    let thread = |unresolved| PullRequestCommand::Thread { id: "T_1".to_owned(), unresolved };
    world.ask_pull(57, &thread(true));
    assert_eq!(gate(&world), ["unresolved_threads"]);
    world.ask_pull(57, &thread(false));
    assert_eq!(gate(&world), [""; 0]);
}

#[test]
fn a_pause_of_the_rig_its_repository_or_its_issue_shuts_it() {
    let mut world = mergeable();
    for repo in [None, Some("acme/web")] {
        world.pause(repo, true);
        assert_eq!(gate(&world), ["paused"], "{repo:?}");
        world.pause(repo, false);
    }
    world.pause(Some("acme/other"), true);
    assert_eq!(gate(&world), [""; 0]);
    world.overrule(42, IssueOverride::Pause);
    assert_eq!(gate(&world), ["paused"]);
}

#[test]
fn what_no_issue_follows_is_never_merged() {
    let mut world = mergeable();
    let unlinked = PrObservation { linked_issues: Some(Vec::new()), ..seen("aaaa", 20) };
    let by_a_stranger = PrObservation { author: Login::parse("stranger"), author_association: None, ..unlinked };
    world.see_pull(58, by_a_stranger);
    let pull = world.pull(58);
    assert_eq!(names(&waits_for(&pull, &BTreeMap::new(), &world.policy))[0], "linked_issue");
    world.see_pull(57, PrObservation { open: false, ..seen("aaaa", 30) });
    assert_eq!(gate(&world), ["not_open"]);
}

#[test]
fn what_is_with_a_person_is_not_merged() {
    let mut world = mergeable();
    let escalate = crate::issue::IssueCommand::Escalate { reason: "odd".to_owned() };
    world.ask(42, &escalate);
    assert!(gate(&world).contains(&"escalated".to_owned()), "{:?}", gate(&world));
}

/// Any text with "approve" triggered a merge elsewhere: here the gate's list decides, and is on record when it changes.
#[test]
fn what_it_waits_for_is_on_record_when_it_changes() {
    let mut world = mergeable();
    /// How many events were said, and what is waited for since.
    fn see(world: &mut World) -> (u64, Vec<String>) {
        let before = world.pull(57).version;
        world.ask_pull(57, &PullRequestCommand::SeeToMerge);
        (world.pull(57).version - before, world.pull(57).waiting_for)
    }
    assert_eq!(see(&mut world), (0, vec![]), "nothing was waited for, and nothing is");
    let labelled = |labels: &[&str], second| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        PrObservation { labels: Some(labels), ..seen("aaaa", second) }
    };
    world.see_pull(57, labelled(&["manual-merge"], 20));
    let waits = vec!["blocking_label:manual-merge".to_owned()];
    assert_eq!([see(&mut world), see(&mut world)], [(1, waits.clone()), (0, waits)]);
    world.see_pull(57, labelled(&[], 30));
    assert_eq!(see(&mut world), (1, vec![]));
    // In work again, it waits for its author and for no gate.
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 5);
    assert_eq!(world.state(42), "changes_requested");
    assert_eq!(see(&mut world), (0, vec![]));
}
