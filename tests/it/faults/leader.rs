//! One leader among the daemons of one PostgreSQL, whatever becomes of it.

use futures_util::future::join;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::rig::{PATIENCE, Rig, Setup};

/// The passes that only a leader runs.
const PASSES: [&str; 2] = ["dependency-cycles", "upkeep"];

/// Two daemons: the leader, and the one that stands by.
async fn leader_and_standby(name: &str) -> (Rig, Rig) {
    let setup = Setup::postgres(name).await;
    let (one, other) = join(setup.clone().start(), setup.start()).await;
    one.eventually("/healthz/actors", "an election", |board| ["running", "standby"].contains(&state(board, "leader")))
        .await;
    let (leader, standby) = if leads(&one).await { (one, other) } else { (other, one) };
    is_leading(&leader).await;
    stands_by(&standby).await;
    (leader, standby)
}

fn actor<'b>(board: &'b Value, name: &str) -> &'b Value {
    let mut actors = board["actors"].as_array().unwrap().iter();
    actors.find(|actor| actor["name"] == name).unwrap_or_else(|| panic!("no {name} in {board}"))
}

fn state<'b>(board: &'b Value, name: &str) -> &'b str {
    actor(board, name)["state"].as_str().unwrap()
}

async fn leads(rig: &Rig) -> bool {
    let board = rig.read("/healthz/actors").await;
    actor(&board, "leader")["detail"].as_str().is_some_and(|detail| detail.starts_with("leads term"))
}

/// Waits until it leads, and its passes run.
async fn is_leading(rig: &Rig) {
    let leading = |board: &Value| {
        state(board, "leader") == "running" && PASSES.iter().all(|pass| state(board, pass) == "running")
    };
    rig.eventually("/healthz/actors", "it to lead", leading).await;
}

/// Waits until neither it nor any of its passes does anything.
async fn stands_by(rig: &Rig) {
    let standing_by = |board: &Value| ["leader"].iter().chain(&PASSES).all(|name| state(board, name) == "standby");
    let board = rig.eventually("/healthz/actors", "it to stand by", standing_by).await;
    assert_eq!(board["healthy"], true, "{board}");
}

/// How many cycles its pass has told.
async fn cycles_told(rig: &Rig) -> u64 {
    actor(&rig.read("/healthz/actors").await, "dependency-cycles")["totals"]["cycles"].as_u64().unwrap_or(0)
}

/// Two issues that wait for each other, made known to that daemon.
async fn cycle(rig: &Rig, first: u64) {
    for (number, other) in [(first, first + 1), (first + 1, first)] {
        rig.approve(number, json!({"dependsOn": [format!("acme/web#{other}")]})).await;
    }
}

/// Waits until both issues know of their cycle, and each has been told once.
async fn is_told_once(rig: &Rig, first: u64) {
    for number in [first, first + 1] {
        let told = |events: &Value| events.as_array().unwrap().iter().any(|event| event["type"] == "DependencyCycle");
        let path = format!("/api/events/stream?id=acme%2Fweb%23{number}");
        rig.eventually(&path, "the cycle to be told", told).await;
        let times = rig.types(number).await.iter().filter(|kind| *kind == "DependencyCycle").count();
        assert_eq!(times, 1, "#{number}");
    }
}

/// Whoever was asked; and when the leader stops in order, the other takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_of_two_daemons_on_one_postgres_runs_the_passes() {
    let (mut leader, standby) = leader_and_standby("lead").await;
    cycle(&standby, 1).await;
    is_told_once(&leader, 1).await;
    assert!(cycles_told(&leader).await > 0);
    assert_eq!(cycles_told(&standby).await, 0);
    assert!(leader.daemon.sigterm(PATIENCE).await.success());
    assert!(leader.daemon.log().contains("gave term 1 back"), "so that nobody waits for its end");
    is_leading(&standby).await;
    cycle(&standby, 11).await;
    is_told_once(&standby, 11).await;
    leader.daemon.restart().await;
    stands_by(&leader).await;
    leader.close().await;
    standby.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_on_postgres_that_is_killed_is_followed_by_the_other() {
    let (mut leader, standby) = leader_and_standby("killed").await;
    leader.daemon.kill9();
    is_leading(&standby).await;
    cycle(&standby, 1).await;
    is_told_once(&standby, 1).await;
    leader.daemon.restart().await;
    stands_by(&leader).await;
    leader.close().await;
    standby.close().await;
}

/// Frozen in the middle of its work, and longer than its term: it goes on, and does nothing with what it believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_a_leader_on_postgres_that_was_frozen_does_nothing_with_its_old_proof() {
    let (leader, standby) = leader_and_standby("frozen").await;
    // Work for its pass, of which it may have begun some.
    cycle(&leader, 1).await;
    kill_process(leader.daemon.pid(), Signal::STOP).unwrap();
    is_leading(&standby).await;
    cycle(&standby, 11).await;
    is_told_once(&standby, 11).await;
    is_told_once(&standby, 1).await;
    kill_process(leader.daemon.pid(), Signal::CONT).unwrap();
    stands_by(&leader).await;
    assert!(leads(&standby).await);
    // Known to both; told by the one that leads.
    cycle(&leader, 21).await;
    is_told_once(&standby, 21).await;
    is_told_once(&leader, 1).await;
    assert!(leader.daemon.log().contains("has ended without having been renewed"), "it learnt it when it asked");
    standby.end().await.holds();
    leader.end().await.holds();
}
