//! Leases from the claim to their end, with lengths of seconds: who is heard from keeps what it holds.

use conductor_test_support::wait_for;
use serde_json::{Value, json};

use crate::rig::{PATIENCE, REPO, Rig, about};

/// Waits until an issue's row holds, while `agent` says something all the time.
async fn while_saying(rig: &Rig, said: &Value, what: &str, number: u64, holds: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, PATIENCE, || async {
        rig.report(said).await;
        Some(rig.row(number).await).filter(&holds)
    })
    .await
}

fn beat(agent: &str) -> Value {
    json!({"type": "HEARTBEAT", "agentId": agent, "status": "idle"})
}

/// The data of an issue's last event of that type.
async fn last(rig: &Rig, number: u64, kind: &str) -> Value {
    let found = rig.stream(number).await.into_iter().rev().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("#{number} has no {kind}"))["data"].clone()
}

/// Elsewhere a busy agent's heartbeat starved under load, and it lost live work. Here anything that the holder says renews.
async fn museum_any_event_of_its_holder_keeps_a_lease_and_silence_ends_it(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.in_progress(2, "dev-e-python").await;
    let usage = json!({
        "type": "TOKEN_USAGE", "agentId": "dev-e-python", "model": "m", "inputTokens": 1, "outputTokens": 1, "costUsd": 0.1,
    });
    while_saying(rig, &usage, "the silent one to lose its work", 1, |row| row["state"] == "queued").await;
    assert_eq!(rig.row(2).await["state"], "in_progress", "it never beat, and said something");
    let ended = last(rig, 1, "LeaseExpired").await;
    assert_eq!((&ended["reason"], &ended["epoch"]), (&json!("silent"), &json!(1)));
    assert_eq!(rig.row(1).await["strikes"], 0, "silence is no failure");

    let late = rig.post(&about("PR_CREATED", 1, crate::rig::created("dev-e-node", 57, "c0ffee"))).await;
    late.refused(409, "stale_lease");
    assert_eq!(rig.types(1).await.last().map(String::as_str), Some("StaleLeaseRefused"));
    rig.claims("dev-e-dotnet", 1).await;
}

async fn a_lease_is_renewed_and_its_rows_say_so(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    let handed = rig.claims("dev-e-node", 1).await;
    let given = handed["lease"]["expiresAt"].as_str().unwrap().to_owned();
    rig.report(&beat("dev-e-node/ab12c")).await;
    let again = rig.claims("dev-e-node", 1).await;
    assert_eq!(again["lease"]["token"], handed["lease"]["token"]);
    let renewed = again["lease"]["expiresAt"].as_str().unwrap().to_owned();
    assert!(renewed > given, "{renewed} is later than {given}");
    let agent = rig.read("/api/agents/dev-e-node").await;
    assert_eq!(agent["assignments"][0]["expiresAt"], json!(renewed));
    let explained = rig.read(&format!("/api/explain?id={}%231", REPO.replace('/', "%2F"))).await;
    assert!(explained.to_string().contains(&format!("until {renewed}")), "{explained}");
    rig.report(&beat("dev-e-python")).await;
    let other = rig.claims("dev-e-node", 1).await;
    assert_eq!(other["lease"]["expiresAt"], json!(renewed), "nobody else renews it");
}

/// Heartbeats of an agent that never begins hold nothing.
async fn what_is_not_begun_in_time_goes_to_somebody_else(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.claims("dev-e-node", 1).await;
    while_saying(rig, &beat("dev-e-node"), "the work to come back", 1, |row| row["state"] == "queued").await;
    assert_eq!(last(rig, 1, "LeaseExpired").await["reason"], "not_started");
    rig.claims("dev-e-python", 1).await;
}

/// Ten runs in forty minutes ended well elsewhere, and changed nothing. Here lively is not enough: without progress it is a
/// strike, and somebody else's turn.
async fn museum_a_lively_holder_without_progress_is_struck(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    while_saying(rig, &beat("dev-e-node"), "a strike", 1, |row| row["strikes"] == 1).await;
    assert_eq!(last(rig, 1, "AgentStuck").await["reason"], "no_progress");
    assert_eq!(rig.next("dev-e-node").await, None, "it had its turn");
    let handed = rig.claims("dev-e-python", 1).await;
    assert_eq!(handed["branchHint"], "agent/issue-1-2", "a fresh branch");
}

/// Whoever starts anew has forgotten what it had begun; what it hasn't begun, it is told again.
async fn an_agent_that_starts_anew_gives_up_what_it_had_begun(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node/a").await;
    rig.approve(2, json!({})).await;
    rig.claims("dev-e-python/a", 2).await;
    let starting = |agent: &str| json!({"type": "HEARTBEAT", "agentId": agent, "startup": true});
    rig.report(&starting("dev-e-python/a")).await;
    rig.report(&starting("dev-e-node/a")).await;
    let both = || async {
        rig.report(&beat("dev-e-node/a")).await;
        rig.report(&beat("dev-e-python/a")).await;
        Some(rig.row(1).await).filter(|row| row["state"] == "queued")
    };
    wait_for("the work of before to come back", PATIENCE, both).await;
    assert_eq!(last(rig, 1, "LeaseExpired").await["reason"], "restart");
    rig.claims("dev-e-python/a", 2).await;
}

/// A paused target's clocks stand still, and who works goes on.
async fn a_pause_ends_no_lease(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.in_progress(2, "dev-e-python").await;
    let pause = |kind: &str| json!({"kind": kind, "target": format!("{REPO}#1"), "reason": "release day"});
    rig.overrule(&pause("pause")).await.expect(200);
    rig.reaches(2, "queued").await;
    assert_eq!(rig.row(1).await["state"], "in_progress");
    rig.overrule(&pause("resume")).await.expect(200);
    rig.reaches(1, "queued").await;
}

/// An outage was taken for everybody's silence elsewhere. Here time runs only while somebody listens.
async fn museum_a_restart_of_the_daemon_begins_every_clock_anew(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.daemon.kill9();
    rig.daemon.restart().await;
    let began = std::time::Instant::now();
    rig.reaches(1, "queued").await;
    assert!(began.elapsed() >= std::time::Duration::from_secs(3), "a whole length from the restart on");
}

on_both_stores! {
    with_short_leases {
        museum_any_event_of_its_holder_keeps_a_lease_and_silence_ends_it,
        a_lease_is_renewed_and_its_rows_say_so,
        what_is_not_begun_in_time_goes_to_somebody_else,
        museum_a_lively_holder_without_progress_is_struck,
        an_agent_that_starts_anew_gives_up_what_it_had_begun,
        a_pause_ends_no_lease,
        museum_a_restart_of_the_daemon_begins_every_clock_anew,
    }
}
