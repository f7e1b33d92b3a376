//! Redis or Valkey away, emptied, hanging, not there yet. The database is the truth: whatever happens to the broker, every
//! issue has one lease, and a lease one entry at most.

use std::collections::BTreeMap;

use conductor_test_support::{ValkeyServer, wait_for};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};

use crate::rig::{PATIENCE, REPO, Rig, Setup, about};
use crate::valkey::{count, push};

/// Work of one burst.
const BURST: u64 = 1000;
/// Callers at once.
const AT_ONCE: usize = 16;

async fn valkey_is(rig: &Rig, status: &str) {
    let wanted = |deep: &Value| {
        let found = deep["dependencies"].as_array().unwrap().iter().find(|one| one["name"] == "valkey");
        found.is_some_and(|one| one["status"] == status && one["critical"] == true)
    };
    wait_for(&format!("valkey to be {status}"), PATIENCE, || async {
        let deep = rig.get("/healthz/deep").await;
        let holds = wanted(&deep.json());
        assert!(!holds || deep.status == if status == "Unreachable" { 503 } else { 200 }, "{deep:?}");
        holds.then_some(())
    })
    .await;
}

/// Each issue to an agent of its own, which nobody knows: a developer like any other.
fn worker(number: u64) -> String {
    format!("worker-{number}")
}

/// Approves and hands out so many issues, from `first` on.
async fn hand_out(rig: &Rig, first: u64, many: u64) {
    let all = stream::iter(first..first + many).map(|number| async move {
        // Nobody in the roster serves this stack; a worker that isn't there serves any.
        rig.approve(number, json!({"stack": "cobol"})).await;
        rig.report(&about("ISSUE_ASSIGNED", number, json!({"agentId": worker(number)}))).await;
    });
    all.buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// The events of the entries that the workers would find, by issue. Panics where a stream holds more than one, or a signal is
/// missing or too many.
async fn entries(server: &ValkeyServer) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    for number in 1..=BURST {
        let entry = server.ask(&["XRANGE", &format!("assignments:{}", worker(number)), "-", "+"]).await.texts();
        let signals = server.ask(&["LRANGE", &format!("signal:{}", worker(number)), "0", "-1"]).await.texts();
        assert!(entry.iter().filter(|text| *text == "eventId").count() <= 1, "#{number} has two entries: {entry:?}");
        assert_eq!(signals, entry.last().cloned().into_iter().collect::<Vec<_>>(), "the signals of #{number}");
        found.extend(entry.last().map(|event| (number, event.clone())));
    }
    found
}

/// Hands a burst out, with a fault in the middle of it, and waits until all is delivered; gives how many entries are there in
/// the end. Each is of its issue's one live lease.
async fn burst(fault: impl AsyncFnOnce(&Rig, &mut ValkeyServer)) -> usize {
    let mut server = ValkeyServer::start().await;
    let rig = Setup::sqlite().env("VALKEY_URL", server.url()).start().await;
    hand_out(&rig, 1, BURST / 2).await;
    tokio::join!(hand_out(&rig, BURST / 2 + 1, BURST / 2), fault(&rig, &mut server));
    valkey_is(&rig, "Ok").await;
    // After all the others, and to an agent that isn't one of theirs.
    rig.approve(BURST + 1, json!({"stack": "node"})).await;
    let last = push(&rig, BURST + 1, "dev-e-node").await;
    wait_for("the last entry", PATIENCE * 2, || async {
        (count(&server, "EXISTS", &format!("dispatched:{last}")).await == 1).then_some(())
    })
    .await;
    let rows = rig.read("/api/issues?state=assigned").await;
    let holders: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["agentId"]).collect();
    let expected: Vec<String> = (1..=BURST).map(worker).chain(["dev-e-node".to_owned()]).collect();
    assert_eq!(holders, expected.iter().collect::<Vec<_>>(), "each issue has its one lease");
    let audit = rig.end().await;
    audit.holds();
    let assigned: BTreeMap<String, String> = audit
        .log
        .iter()
        .filter(|event| event.event.type_name() == "ISSUE_ASSIGNED")
        .map(|event| (event.stream.to_string(), event.id.to_string()))
        .collect();
    assert_eq!(assigned.len() as u64, BURST + 1, "one lease each, ever");
    let found = entries(&server).await;
    for (number, event) in &found {
        assert_eq!(assigned[&format!("{REPO}#{number}")], *event, "#{number}'s entry is of its lease");
    }
    found.len()
}

/// What was asked while it hung is delivered when it goes on, and nothing of it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_a_burst_into_a_server_that_hangs_comes_out_once_per_lease() {
    let found = burst(async |rig: &Rig, server: &mut ValkeyServer| {
        server.pause();
        valkey_is(rig, "Unreachable").await;
        server.go_on();
    })
    .await;
    assert_eq!(found as u64, BURST, "all of it");
}

/// What it held is gone with it (their leases run out, and the work goes to the next); what comes after is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_a_burst_into_a_server_that_is_killed_and_back_later_is_delivered_on() {
    let found = burst(async |rig: &Rig, server: &mut ValkeyServer| {
        server.kill9();
        valkey_is(rig, "Unreachable").await;
        server.restart().await;
    })
    .await;
    assert!((1..BURST).contains(&(found as u64)), "{found} entries");
}

/// Down for a moment only, with all that it held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_a_burst_into_a_server_that_restarts_is_delivered_on() {
    let found = burst(async |_: &Rig, server: &mut ValkeyServer| {
        server.kill9();
        server.restart().await;
    })
    .await;
    assert!((1..BURST).contains(&(found as u64)), "{found} entries");
}

/// The same without any connection broken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_a_burst_into_a_server_that_is_emptied_is_delivered_on() {
    let found = burst(async |_: &Rig, server: &mut ValkeyServer| server.flush().await).await;
    assert!((1..BURST).contains(&(found as u64)), "{found} entries");
}

/// Elsewhere such a daemon fell back to a null publisher, for eight hours, and its health stayed green.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_a_daemon_started_before_valkey_waits_reconnects_and_its_health_is_red() {
    let mut server = ValkeyServer::down();
    let rig = Setup::sqlite().env("VALKEY_URL", server.url()).start().await;
    valkey_is(&rig, "Unreachable").await;
    rig.approve(1, json!({"stack": "node"})).await;
    let event = push(&rig, 1, "dev-e-node").await;
    rig.read("/healthz/ready").await;
    server.restart().await;
    wait_for("the entry", PATIENCE, || async {
        let signals = server.ask(&["LRANGE", "signal:dev-e-node", "0", "-1"]).await.texts();
        (signals == [event.as_str()]).then_some(())
    })
    .await;
    valkey_is(&rig, "Ok").await;
    assert!(rig.daemon.log().contains("failed to reach the broker"), "{}", rig.daemon.log());
    rig.end().await.holds();
}

/// A rig whose agents pull their work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_valkey_all_else_is_the_same() {
    let rig = Setup::sqlite().start().await;
    rig.approve(1, json!({})).await;
    push(&rig, 1, "dev-e-node").await;
    rig.claims("dev-e-node", 1).await;
    let deep = rig.read("/healthz/deep").await;
    assert!(deep["dependencies"].as_array().unwrap().iter().all(|one| one["name"] != "valkey"), "{deep}");
    rig.close().await;
}
