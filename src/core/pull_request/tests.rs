//! The pull request's rules as stories.

use crate::decider::Outcome;
use crate::event::{CiState, ReviewState};
use crate::identity::AgentId;
use crate::pull_request::{PrObservation, PullRequestCommand, ReviewReport, VerdictKind};
use crate::roster::{GitHubMode, Person};
use crate::world::{World, at, issue_ref, login, opened, rule_of, verdict};

pub(super) const REVIEWER: &str = "review-e-bot[bot]";
pub(super) const BRANCH: &str = "agent/issue-42-1";

/// #42 is in review with pull request #57, head `aaaa`.
pub(super) fn in_review() -> World {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    world
}

pub(super) fn head(head: &str, second: i64) -> PrObservation {
    opened(42, BRANCH, head, second)
}

pub(super) fn review_of(world: &World) -> ReviewState {
    world.pull(57).standing().review
}

#[test]
fn a_producer_never_approves_under_any_login_of_his() {
    let mut world = in_review();
    world.policy.roster.people.push(Person {
        name: "Alice".into(),
        logins: vec![login("alice"), login("alice-work")],
        approve: true,
        operate: true,
    });
    let by_alice =
        PrObservation { author: Some(login("alice")), author_association: Some("OWNER".into()), ..head("aaaa", 10) };
    world.see_pull(58, by_alice);
    for reviewer in ["alice", "ALICE", "alice-work"] {
        assert_eq!(
            rule_of(&world.review(58, VerdictKind::Approved, reviewer, "aaaa", 1)),
            "self_approval",
            "{reviewer}"
        );
    }
    let pushed = PrObservation { pushed_by: Some(login("review-e-dashecorp")), ..head("bbbb", 20) };
    world.see_pull(57, pushed);
    let refused = world.review(57, VerdictKind::Approved, REVIEWER, "bbbb", 2);
    assert_eq!(rule_of(&refused), "self_approval", "the same agent pushed under its other login");
    assert_eq!(review_of(&world), ReviewState::None);
}

#[test]
fn whoever_held_a_lease_of_a_linked_issue_never_approves() {
    let mut world = in_review();
    let developer = world.policy.roster.agents.iter_mut().find(|agent| agent.id.as_str() == "dev-e-node").unwrap();
    developer.logins = vec![login("node-bot[bot]")];
    let refused = world.review(57, VerdictKind::Approved, "node-bot[bot]", "aaaa", 1);
    assert_eq!(rule_of(&refused), "self_approval");
}

#[test]
fn an_approval_that_came_before_its_own_pull_request_is_refused_when_that_is_known() {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.review(57, VerdictKind::Approved, "dev-e-bot[bot]", "aaaa", 1);
    world.see_pull(57, head("aaaa", 10));
    assert_eq!(review_of(&world), ReviewState::None);
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn facts_that_come_early_count_when_their_pull_request_appears() {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.check(57, "aaaa", 1, "success");
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 2);
    assert!(!world.pull(57).known, "facts alone make no row");
    world.see_pull(57, head("aaaa", 10));
    let standing = world.pull(57).standing();
    assert_eq!((standing.ci, standing.review), (CiState::Passed, ReviewState::Approved));
    assert_eq!(world.state(42), "ready_to_merge");
}

#[test]
fn a_push_voids_approvals_and_checks() {
    let mut world = in_review();
    world.check(57, "aaaa", 1, "success");
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 1);
    assert_eq!(world.state(42), "ready_to_merge");
    world.see_pull(57, head("bbbb", 20));
    let standing = world.pull(57).standing();
    assert_eq!((standing.ci, standing.review, world.state(42)), (CiState::Unknown, ReviewState::None, "in_review"));
}

#[test]
fn a_comment_is_never_a_verdict() {
    let mut world = in_review();
    world.review(57, VerdictKind::Commented, REVIEWER, "aaaa", 1);
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::Abstained, "in_review"));
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 2);
    world.review(57, VerdictKind::Commented, REVIEWER, "aaaa", 3);
    assert_eq!(review_of(&world), ReviewState::Approved);
}

#[test]
fn any_standing_dispute_blocks_and_the_newest_word_of_a_reviewer_counts() {
    let mut world = in_review();
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 5);
    world.review(57, VerdictKind::Approved, "review-e-codex-bot[bot]", "aaaa", 6);
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::Disputed, "changes_requested"));
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 4);
    assert_eq!(review_of(&world), ReviewState::Disputed, "an older word that comes late");
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 7);
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::Approved, "ready_to_merge"));
}

#[test]
fn a_dismissed_dispute_counts_no_more_and_the_rework_for_it_ends() {
    let mut world = in_review();
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 5);
    world.claim(42, "dev-e-node");
    world.ask_pull(57, &PullRequestCommand::Dismiss { review_id: 5 });
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::None, "in_review"));
    assert_eq!(world.issue(42).lease, None, "its cause is gone on the same head");
}

#[test]
fn verdicts_of_others_are_recorded_and_count_for_nothing() {
    let mut world = in_review();
    for (id, reviewer) in [(1, "some-passer-by"), (2, "some-other[bot]")] {
        assert_eq!(world.review(57, VerdictKind::Approved, reviewer, "aaaa", id), Outcome::Accepted);
        assert_eq!((review_of(&world), world.state(42)), (ReviewState::None, "in_review"), "{reviewer}");
    }
}

#[test]
fn the_same_delivery_twice_is_one_fact() {
    let mut world = in_review();
    world.check(57, "aaaa", 1, "failure");
    world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 1);
    let before = world.log.len();
    assert_eq!(rule_of(&world.check(57, "aaaa", 1, "failure")), "unchanged");
    assert_eq!(rule_of(&world.review(57, VerdictKind::ChangesRequested, REVIEWER, "aaaa", 1)), "unchanged");
    assert_eq!(rule_of(&world.see_pull(57, head("aaaa", 10))), "unchanged");
    assert_eq!(world.log.len(), before);
}

#[test]
fn red_green_red_on_one_head_is_three_facts() {
    let mut world = in_review();
    for (run, conclusion, state) in
        [(1, "failure", CiState::Failed), (2, "success", CiState::Passed), (3, "failure", CiState::Failed)]
    {
        world.check(57, "aaaa", run, conclusion);
        assert_eq!(world.pull(57).standing().ci, state);
    }
    let said = world.events(42).into_iter().filter(|name| name.starts_with("CI_")).collect::<Vec<_>>();
    assert_eq!(said, ["CI_FAILED", "CI_PASSED", "CI_FAILED"]);
}

#[test]
fn a_conflict_is_a_fact_of_its_head() {
    let mut world = in_review();
    world.see_pull(57, PrObservation { mergeable: Some(false), ..head("aaaa", 20) });
    assert_eq!(world.state(42), "changes_requested");
    world.see_pull(57, PrObservation { mergeable: Some(true), ..head("aaaa", 30) });
    assert_eq!(world.state(42), "in_review", "the base moved and it fits again");
}

#[test]
fn where_github_decides_an_agents_word_counts_for_nothing() {
    let mut world = in_review();
    let report = PullRequestCommand::ReviewReport {
        reviewer: AgentId::parse("review-e").unwrap(),
        what: ReviewReport::Verdict { kind: VerdictKind::Approved, body: None, iteration: None },
        head_sha: None,
    };
    world.ask_pull(57, &report);
    assert_eq!((review_of(&world), world.state(42)), (ReviewState::None, "in_review"));
    assert!(world.log.iter().any(|(_, name)| *name == "REVIEW_REPORTED"));
}

#[test]
fn a_merge_is_believed_even_when_it_is_told_late() {
    let mut world = in_review();
    world.see_pull(57, head("bbbb", 50));
    world.see_pull(57, PrObservation { open: false, merged: true, ..head("aaaa", 40) });
    assert_eq!(world.state(42), "done");
}

#[test]
fn one_pull_request_may_close_several_issues() {
    let mut world = in_review();
    world.label(43);
    let both = PrObservation {
        linked_issues: Some(vec![issue_ref(42), issue_ref(43)]),
        author: Some(login("alice")),
        author_association: Some("MEMBER".into()),
        labels: Some(vec!["needs-review".into()]),
        ..opened(42, "alice/fix", "dddd", 20)
    };
    world.see_pull(58, both.clone());
    assert_eq!((world.state(42), world.state(43)), ("in_review", "in_review"));
    world.see_pull(58, PrObservation { open: false, merged: true, updated_at: at(30), ..both });
    assert_eq!((world.state(42), world.state(43)), ("done", "done"));
}

#[test]
fn an_issue_without_a_lease_does_not_take_another_issues_work_out_of_the_play() {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.label(43);
    world.claim(42, "dev-e-node");
    world.see_pull(57, PrObservation { linked_issues: Some(vec![issue_ref(42), issue_ref(43)]), ..head("aaaa", 10) });
    assert_eq!((world.state(42), world.state(43)), ("in_review", "queued"));
    assert_eq!(world.pull(57).shown_state().as_str(), "open");
}

#[test]
fn a_verdict_on_another_head_changes_nothing_now() {
    let mut world = in_review();
    world.see_pull(57, head("bbbb", 20));
    let late = verdict(VerdictKind::ChangesRequested, REVIEWER, "aaaa", 3);
    world.ask_pull(57, &PullRequestCommand::Review(late));
    assert_eq!(world.state(42), "in_review");
    assert_eq!(world.pull(57).rounds(), 1, "but that head was a round");
}
