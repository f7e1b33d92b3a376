//! Leases whose time is up: given what the leader found, what the issue makes of it.

use crate::identity::IssueRef;
use crate::issue::{IssueCommand, LeaseEnd};
use crate::port::Guard;
use crate::time::minutes;
use crate::world::{World, rule_of};

use super::tests::{NODE, PYTHON, in_progress, webhook};

fn end(world: &mut World, epoch: u32, why: LeaseEnd) -> &'static str {
    rule_of(&world.ask(42, &IssueCommand::EndLease { epoch, why }))
}

fn silent(world: &World) -> LeaseEnd {
    LeaseEnd::Silent { last_sign: world.now }
}

#[test]
fn silence_ends_a_lease_without_a_strike_and_the_same_agent_may_have_it_again() {
    let mut world = in_progress();
    let why = silent(&world);
    assert_eq!(end(&mut world, 1, why), "accepted");
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
    assert_eq!(world.events(42).last(), Some(&"LEASE_EXPIRED"));
    assert_eq!(rule_of(&world.claim(42, NODE)), "accepted");
}

#[test]
fn a_judgement_on_an_older_lease_leaves_the_newer_one_alone() {
    let mut world = in_progress();
    let why = silent(&world);
    end(&mut world, 1, why);
    world.claim(42, PYTHON);
    assert_eq!(end(&mut world, 1, why), "unchanged");
    assert_eq!(world.issue(42).lease.unwrap().epoch, 2);
}

#[test]
fn a_sign_of_life_between_the_judgement_and_the_append_keeps_the_lease() {
    let mut world = in_progress();
    let why = silent(&world);
    world.renew(42, 1, world.now.plus(minutes(1)));
    assert_eq!(end(&mut world, 1, why), "lost_race");
    assert_eq!(world.state(42), "in_progress");
    let silent_since = Guard::LeaseSilentSince {
        issue: IssueRef::parse("acme/web#42").unwrap(),
        epoch: 1,
        since: world.now.plus(minutes(1)),
    };
    assert!(world.holds(&silent_since));
}

#[test]
fn whoever_took_its_entry_and_died_loses_the_lease_and_who_asked_for_it_does_not() {
    let mut world = webhook();
    world.label(42);
    world.push(42, NODE);
    let last_sign = world.now;
    world.renew(42, 1, last_sign.plus(minutes(1)));
    assert_eq!(end(&mut world, 1, LeaseEnd::Unheard { last_sign }), "lost_race", "a heartbeat came before the append");
    let last_sign = last_sign.plus(minutes(1));
    assert_eq!(end(&mut world, 1, LeaseEnd::Unheard { last_sign }), "accepted");
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
    world.claim(42, PYTHON);
    let last_sign = world.now;
    assert_eq!(end(&mut world, 2, LeaseEnd::Unheard { last_sign }), "unchanged", "it has no entry");
}

#[test]
fn a_lease_whose_entry_never_came_ends_and_speaks_against_nobody() {
    let mut world = webhook();
    world.label(42);
    world.push(42, NODE);
    assert_eq!(end(&mut world, 1, LeaseEnd::Undelivered), "accepted");
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.strikes, issue.leases_without_progress), ("queued", 0, 0));
    world.push(42, NODE);
    world.start(42, NODE);
    assert_eq!(end(&mut world, 2, LeaseEnd::Undelivered), "unchanged", "whoever works knows of it");
}

#[test]
fn what_is_no_longer_so_at_the_append_ends_nothing() {
    let mut world = in_progress();
    let last_sign = world.now;
    assert_eq!(end(&mut world, 1, LeaseEnd::NotStarted { last_sign }), "unchanged", "it has started meanwhile");
    let began = world.issue(42).lease.unwrap().started_at.unwrap();
    assert_eq!(end(&mut world, 1, LeaseEnd::Restarted { at: began }), "unchanged", "it began after the start");
    assert_eq!(end(&mut world, 1, LeaseEnd::HookOver), "unchanged", "no person's hook");
    assert_eq!(end(&mut world, 1, LeaseEnd::Restarted { at: began.plus(minutes(1)) }), "accepted");
    assert_eq!(world.issue(42).leases_without_progress, 0, "a restart speaks against nobody");
}

#[test]
fn four_hours_without_progress_are_a_strike() {
    let mut world = in_progress();
    assert_eq!(end(&mut world, 1, LeaseEnd::NoProgress), "accepted");
    assert_eq!(world.events(42).last(), Some(&"AGENT_STUCK"));
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 1));
    assert_eq!(rule_of(&world.claim(42, NODE)), "excluded");
}

#[test]
fn three_leases_that_never_started_bring_a_person() {
    let mut world = webhook();
    world.label(42);
    for (epoch, agent) in [(1, NODE), (2, PYTHON), (3, NODE)] {
        world.claim(42, agent);
        let last_sign = world.now;
        assert_eq!(end(&mut world, epoch, LeaseEnd::NotStarted { last_sign }), "accepted");
    }
    assert_eq!((world.state(42), world.issue(42).strikes), ("escalated", 0));
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("no_progress"));
}
