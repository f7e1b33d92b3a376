//! Stories of those who may not move an issue: zombies, strangers, other issues' agents.

use super::tests::{BRANCH, NODE, PYTHON, in_progress, webhook};
use crate::identity::RepoName;
use crate::issue::{Claim, ClaimVia, IssueCommand, Reported};
use crate::pull_request::PrObservation;
use crate::roster::UnknownAgents;
use crate::world::{REPO, World, claimant, issue_ref, labelled, login, opened, rule_of};

fn reports(world: &mut World, agent: &str, number: u64) {
    let repo = RepoName::parse(REPO).unwrap();
    let what = Reported::PullRequest { repo, number, url: None, branch: None, head_sha: None };
    assert_eq!(rule_of(&world.report(42, agent, what)), "accepted");
}

#[test]
fn a_holder_that_reports_a_strangers_pull_request_does_not_make_it_current() {
    for branch in ["patch-1", BRANCH] {
        let mut world = in_progress();
        reports(&mut world, NODE, 57);
        let strangers = PrObservation { author: Some(login("mallory")), ..opened(42, branch, "aaaa", 10) };
        world.see_pull(57, strangers);
        assert_eq!((world.state(42), world.issue(42).current), ("in_progress", None), "{branch}");
    }
}

#[test]
fn an_agent_without_known_logins_is_taken_at_its_report() {
    let mut world = webhook();
    world.policy.unknown_agents = UnknownAgents::Allow;
    world.label(42);
    world.claim(42, "somebody");
    reports(&mut world, "somebody", 57);
    world.see_pull(57, PrObservation { author: Some(login("somebodys-bot")), ..opened(42, "patch-1", "aaaa", 10) });
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn another_issues_work_that_names_this_one_too_does_not_end_its_lease() {
    let mut world = in_progress();
    world.label(43);
    world.claim(43, PYTHON);
    let both = Some(vec![issue_ref(42), issue_ref(43)]);
    world.see_pull(57, PrObservation { linked_issues: both, ..opened(43, "agent/issue-43-1", "aaaa", 10) });
    assert_eq!((world.state(42), world.state(43)), ("in_progress", "in_review"));
    assert_eq!(world.pull(57).shown_state().as_str(), "open");
}

#[test]
fn a_branch_of_an_earlier_life_is_never_given_again() {
    let mut world = in_progress();
    world.ask(42, &IssueCommand::Escalate { reason: "a person asked".into() });
    world.ask(42, &IssueCommand::Observe(labelled(5_000)));
    assert_eq!(world.state(42), "queued");
    world.claim(42, PYTHON);
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    assert_eq!((world.state(42), world.pull(57).shown_state().as_str()), ("assigned", "superseded"));
}

#[test]
fn another_instance_of_the_same_agent_is_another_claimant_with_a_branch_of_its_own() {
    let mut world = webhook();
    world.label(42);
    world.claim(42, "dev-e-node/a");
    world.ask(42, &IssueCommand::ExpireLease { epoch: 1, reason: "expired".into() });
    world.claim(42, "dev-e-node/b");
    let lease = world.issue(42).lease.unwrap();
    assert_eq!((world.issue(42).attempt, lease.branch_hint.as_str()), (2, "agent/issue-42-2"));
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    assert_eq!(world.state(42), "assigned", "the first pod was only paused, and its pull request is a zombie's");
}

#[test]
fn a_persons_pull_request_is_no_rework_for_agents() {
    let mut world = webhook();
    world.label(42);
    world.see_pull(57, super::tests::by_person("OWNER", &["needs-review"], 10));
    world.check(57, "dddd", 1, "failure");
    assert_eq!(world.state(42), "changes_requested");
    let claim = Claim { claimant: claimant(NODE), via: ClaimVia::Push };
    assert_eq!(rule_of(&world.ask(42, &IssueCommand::Claim(claim))), "lost_race");
}

#[test]
fn the_last_verdict_on_a_paused_agent_is_its_own_stream() {
    let mut world = webhook();
    world.label(42);
    world.pause_agent(NODE);
    let claim = Claim { claimant: claimant(NODE), via: ClaimVia::Push };
    assert_eq!(rule_of(&world.ask(42, &IssueCommand::Claim(claim))), "paused");
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "accepted");
}
