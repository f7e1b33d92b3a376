//! Stories of what a life counts, and of what begins a new one.

use super::tests::{BRANCH, NODE, PYTHON, REVIEWER, by_person, closed_as, in_progress, in_review, seen, webhook};
use crate::issue::{IssueAction, IssueCommand, IssueObservation, Reported};
use crate::pull_request::{PrObservation, VerdictKind};
use crate::roster::{GitHubMode, UnknownAgents};
use crate::world::{World, issue_ref, labelled, login, opened, rule_of};

fn with_hooks() -> World {
    let mut world = webhook();
    world.policy.unknown_agents = UnknownAgents::Hook;
    world.label(42);
    world
}

#[test]
fn a_persons_hook_earns_no_strike() {
    let mut world = with_hooks();
    world.start(42, "laptop");
    assert_eq!(rule_of(&world.stuck(42, "laptop")), "accepted");
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.strikes, issue.lease), ("queued", 0, None));
}

#[test]
fn leases_of_hooks_count_for_nothing() {
    let mut world = with_hooks();
    for epoch in 1..=3 {
        assert_eq!(rule_of(&world.start(42, "laptop")), "accepted");
        world.ask(42, &IssueCommand::ExpireLease { epoch, reason: "expired".into() });
    }
    assert_eq!(world.state(42), "queued");
}

#[test]
fn only_a_person_brings_an_escalated_issue_back_by_the_label() {
    let mut world = in_progress();
    world.stuck(42, NODE);
    world.claim(42, PYTHON);
    world.stuck(42, PYTHON);
    let by = |who: &str, second| IssueObservation { sender: Some(login(who)), ..labelled(second) };
    world.ask(42, &IssueCommand::Observe(by("dev-e-bot[bot]", 5_000)));
    assert_eq!(world.state(42), "escalated", "an agent would give itself a third attempt");
    world.ask(42, &IssueCommand::Observe(by("alice", 5_001)));
    assert_eq!(world.state(42), "queued");
}

#[test]
fn without_github_the_holder_tells_of_a_new_head_and_a_report_without_one_hides_no_fact() {
    let mut world = World::new(GitHubMode::None);
    let reported = |head: Option<&str>| Reported::PullRequest {
        repo: crate::identity::RepoName::parse(crate::world::REPO).unwrap(),
        number: 57,
        url: None,
        branch: None,
        head_sha: head.map(crate::world::sha),
    };
    world.label(42);
    world.claim(42, NODE);
    world.report(42, NODE, reported(Some("aaaa")));
    world.check(57, "aaaa", 1, "failure");
    world.claim(42, NODE);
    assert_eq!(rule_of(&world.report(42, NODE, reported(None))), "unchanged");
    assert_eq!(rule_of(&world.report(42, NODE, reported(Some("aaaa")))), "unchanged");
    assert_eq!((world.state(42), world.issue(42).lease.is_some()), ("changes_requested", true));
    assert_eq!(rule_of(&world.report(42, NODE, reported(Some("bbbb")))), "accepted");
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.lease, issue.leases_without_progress), ("in_review", None, 0));
    assert_eq!(issue.pulls[&issue_ref(57)].heads(), 2);
    assert_eq!(rule_of(&world.report(42, NODE, reported(Some("bbbb")))), "unchanged");
    // Whoever takes the rework over says the same, and with no head nothing new.
    world.check(57, "bbbb", 2, "failure");
    world.claim(42, PYTHON);
    assert_eq!(rule_of(&world.report(42, PYTHON, reported(None))), "accepted");
    assert_eq!((world.state(42), world.issue(42).lease.is_some()), ("changes_requested", true));
}

#[test]
fn rounds_carry_over_to_a_pull_request_that_replaces_another() {
    let mut world = in_review();
    for round in 0..4_u64 {
        let head = format!("a{round:03}");
        world.see_pull(57, super::tests::pushed(&head, 20 + i64::try_from(round).unwrap()));
        world.review(57, VerdictKind::ChangesRequested, REVIEWER, &head, 100 + round);
    }
    assert_eq!(world.issue(42).current_pull().unwrap().rounds(), 4);
    world.claim(42, NODE);
    let what = Reported::PullRequest {
        repo: crate::identity::RepoName::parse(crate::world::REPO).unwrap(),
        number: 58,
        url: None,
        branch: Some("again".into()),
        head_sha: None,
    };
    world.report(42, NODE, what);
    world.see_pull(58, opened(42, "again", "b000", 50));
    assert_eq!((world.issue(42).current, world.issue(42).strikes), (Some(issue_ref(58)), 0));
    world.review(58, VerdictKind::ChangesRequested, REVIEWER, "b000", 200);
    assert_eq!(world.issue(42).strikes, 1, "the fifth round, whichever number the pull request has");
    world.claim(42, PYTHON);
    let branch = world.issue(42).lease.unwrap().branch_hint;
    world.see_pull(59, opened(42, &branch, "c000", 60));
    assert_eq!(world.issue(42).current_pull().unwrap().rounds(), 0, "a strike begins anew");
}

#[test]
fn a_persons_pull_request_opened_while_the_issue_was_cancelled_counts_when_it_is_back() {
    let mut world = webhook();
    world.label(42);
    world.ask(42, &IssueCommand::Observe(closed_as("not_planned", 5)));
    world.see_pull(57, by_person("OWNER", &["needs-review"], 10));
    assert_eq!(world.state(42), "cancelled");
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 9_000)));
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn of_two_pull_requests_opened_before_the_approval_one_counts_and_the_other_is_superseded() {
    let mut world = webhook();
    world.see_pull(57, by_person("OWNER", &["needs-review"], 10));
    let second = PrObservation { branch: Some("alice/other".into()), ..by_person("OWNER", &["needs-review"], 11) };
    world.see_pull(58, second);
    world.label(42);
    assert_eq!(world.issue(42).current, Some(issue_ref(58)));
    assert_eq!(world.pull(57).shown_state().as_str(), "superseded");
}

#[test]
fn a_withdrawal_does_not_outlive_a_person_who_reopens() {
    let mut world = in_progress();
    let without = IssueObservation { labels: Vec::new(), ..seen(IssueAction::Unlabeled("agent-ready".into()), 10) };
    world.ask(42, &IssueCommand::Observe(without));
    world.ask(42, &IssueCommand::Unassign { agent: None, reason: "released".into() });
    assert_eq!(world.state(42), "cancelled");
    world.ask(42, &IssueCommand::Reopen);
    assert_eq!(world.state(42), "queued");
}

#[test]
fn a_done_issue_is_not_escalated_by_its_old_pull_request() {
    let mut world = in_review();
    world.ask(42, &IssueCommand::Observe(closed_as("completed", 20)));
    let asked = crate::event::Escalated { reason: "review_unanswered".into(), attempts: 3 };
    let record = crate::pull_request::PullRequestCommand::Record(Box::new(asked.into()));
    world.ask_pull(57, &record);
    assert_eq!(world.state(42), "done");
}

#[test]
fn rework_waits_for_its_author_from_the_moment_that_it_is_wanted() {
    let mut world = in_review();
    world.check(57, "aaaa", 1, "failure");
    let wanted = world.issue(42).waiting_since;
    assert_eq!(wanted, Some(world.now));
    world.now = world.now.plus(crate::time::minutes(20));
    world.see_pull(57, PrObservation { title: "Another title, fixes #42".into(), ..opened(42, BRANCH, "aaaa", 30) });
    assert_eq!(world.issue(42).waiting_since, wanted, "other news do not begin the time anew");
    world.claim(42, NODE);
    assert_eq!(world.issue(42).waiting_since, None);
}
