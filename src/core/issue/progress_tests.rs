//! Whoever makes no progress, and whose provider runs dry: given what happened, what becomes of issue and agent.

use crate::agent::AgentCommand;
use crate::decider::Outcome;
use crate::event::AgentQuotaReported;
use crate::issue::{IssueCommand, IssueOverride, LeaseEnd, Reported};
use crate::time::minutes;
use crate::world::{World, claimant, opened, rule_of};

use super::tests::{BRANCH, NODE, PYTHON, in_progress, pushed, webhook};

fn completes(world: &mut World, who: &str, runs: u32) -> &'static str {
    let (by, token) = (claimant(who), None);
    rule_of(&world.ask(42, &IssueCommand::RunCompleted { by, token, runs }))
}

#[test]
fn the_third_run_without_progress_is_a_strike() {
    let mut world = in_progress();
    assert_eq!(completes(&mut world, NODE, 1), "unchanged");
    assert_eq!(completes(&mut world, NODE, 2), "unchanged");
    assert_eq!(completes(&mut world, PYTHON, 3), "unchanged", "it holds nothing");
    let before = world.issue(42).runs_since;
    world.now = world.now.plus(minutes(1));
    assert_eq!(completes(&mut world, NODE, 3), "accepted");
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 1));
    assert_eq!(world.events(42).last(), Some(&"AGENT_STUCK"));
    assert!(world.issue(42).runs_since > before, "the next one's runs count from here");
}

#[test]
fn runs_count_from_the_last_progress_on() {
    let mut world = in_progress();
    let since = |world: &mut World, what: &dyn Fn(&mut World)| {
        world.now = world.now.plus(minutes(1));
        what(world);
        world.issue(42).runs_since == Some(world.now)
    };
    assert!(since(&mut world, &|world| drop(world.see_pull(57, opened(42, BRANCH, "aaaa", 10)))), "it counts");
    assert!(!since(&mut world, &|world| drop(world.check(57, "aaaa", 1, "failure"))), "a fact, and no progress");
    assert!(since(&mut world, &|world| drop(world.see_pull(57, pushed("bbbb", 20)))), "a new head");
    assert!(since(&mut world, &|world| drop(world.overrule(42, IssueOverride::Requeue))), "a new life");
}

fn runs_dry(world: &mut World, number: u64) {
    let reason = "429: usage_limit_reached".to_owned();
    assert_eq!(world.report(number, NODE, Reported::Stuck { reason }), Outcome::Accepted);
}

#[test]
fn an_agent_whose_provider_ran_dry_gets_nothing_for_half_an_hour_and_then_an_hour() {
    let mut world = in_progress();
    runs_dry(&mut world, 42);
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
    world.now = world.now.plus(minutes(28));
    assert_eq!(rule_of(&world.claim(42, NODE)), "provider_quota");
    assert_eq!(rule_of(&world.claim(42, NODE)), "accepted");
    world.start(42, NODE);
    runs_dry(&mut world, 42);
    world.now = world.now.plus(minutes(58));
    assert_eq!(rule_of(&world.claim(42, NODE)), "provider_quota");
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "accepted", "somebody else may have it meanwhile");
    assert_eq!(world.issue(42).leases_without_progress, 0);
}

#[test]
fn a_reported_quota_says_when_the_rest_ends() {
    let mut world = webhook();
    let report = |used| {
        let quota = AgentQuotaReported { five_hour_pct: Some(used), weekly_pct: Some(10.0) };
        AgentCommand::Report(Box::new(quota.into()))
    };
    world.label(42);
    world.claim(42, NODE);
    runs_dry(&mut world, 42);
    world.tell_agent(NODE, &report(85.0));
    world.now = world.now.plus(minutes(300));
    assert_eq!(rule_of(&world.claim(42, NODE)), "provider_quota");
    world.tell_agent(NODE, &report(20.0));
    assert_eq!(rule_of(&world.claim(42, NODE)), "accepted");
}

#[test]
fn what_an_operator_gives_as_a_reason_sends_no_agent_to_rest() {
    let mut world = in_progress();
    let reason = "rate_limit of our own CI".to_owned();
    world.ask(42, &IssueCommand::Unassign { agent: None, reason });
    assert_eq!(world.agent(NODE).and_then(|agent| agent.dry_at), None);
}

/// Whoever had it and did nothing with it has had its half hour.
#[test]
fn rework_that_its_author_let_lie_is_for_anybody() {
    let mut world = in_progress();
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    world.check(57, "aaaa", 1, "failure");
    let asked_first = |world: &World| {
        let issue = world.issue(42);
        let wanted = crate::claim::Wanted::of(&issue);
        crate::claim::obstacle::author_first(&wanted, &claimant(PYTHON).agent, world.now).is_some()
    };
    world.claim(42, NODE);
    world.now = world.now.plus(minutes(30));
    let why = LeaseEnd::Silent { last_sign: world.now };
    world.ask(42, &IssueCommand::EndLease { epoch: 2, why });
    assert_eq!(world.state(42), "changes_requested");
    assert!(!asked_first(&world), "its author let it lie for half an hour");
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "accepted");
    world.see_pull(57, pushed("bbbb", 20));
    world.check(57, "bbbb", 2, "failure");
    assert!(asked_first(&world), "another head, another half hour");
}

#[test]
fn the_eleventh_head_of_a_pull_request_is_a_strike() {
    let mut world = super::tests::in_review();
    for head in 2..=10_i64 {
        world.see_pull(57, super::tests::pushed(&format!("{head:04x}"), 10 + head));
        assert_eq!((world.state(42), world.issue(42).strikes), ("in_review", 0), "head {head}");
    }
    world.see_pull(57, super::tests::pushed("000b", 30));
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.strikes, issue.current), ("queued", 1, None));
}
