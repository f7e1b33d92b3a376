//! Two daemons on one PostgreSQL and one broker, as during a rolling update.

use std::collections::BTreeMap;

use conductor_test_support::{ValkeyServer, wait_for};
use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream;
use serde_json::json;

use crate::rig::{PATIENCE, REPO, Rig, Setup, about};
use crate::valkey::count;

/// Issues, each for a worker of its own.
const ISSUES: u64 = 200;
/// Callers at once.
const AT_ONCE: usize = 8;

fn worker(number: u64) -> String {
    format!("worker-{number}")
}

async fn leads(rig: &Rig) -> bool {
    let board = rig.read("/healthz/actors").await;
    let leader = board["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == "leader").cloned();
    leader.unwrap()["detail"].as_str().is_some_and(|detail| detail.starts_with("leads term"))
}

/// Approves and hands those issues out, by that daemon.
async fn hand_out(rig: &Rig, numbers: std::ops::RangeInclusive<u64>) {
    let all = stream::iter(numbers).map(|number| async move {
        // Nobody in the roster serves this stack; a worker that isn't there serves any.
        rig.approve(number, json!({"stack": "cobol"})).await;
        rig.report(&about("ISSUE_ASSIGNED", number, json!({"agentId": worker(number)}))).await;
    });
    all.buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Whoever leads is killed in the middle of it. Each issue has one lease, one entry and one signal, never two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_on_one_valkey_and_postgres_never_offer_twice() {
    let server = ValkeyServer::start().await;
    let setup = Setup::postgres("valkey_together").await.env("VALKEY_URL", server.url());
    let (one, other) = join(setup.clone().start(), setup.start()).await;
    wait_for("one of them to lead", PATIENCE, || async { (leads(&one).await || leads(&other).await).then_some(()) })
        .await;
    let (mut leader, standby) = if leads(&one).await { (one, other) } else { (other, one) };
    join(hand_out(&leader, 1..=ISSUES / 4), hand_out(&standby, ISSUES / 4 + 1..=ISSUES / 2)).await;
    leader.daemon.kill9();
    hand_out(&standby, ISSUES / 2 + 1..=ISSUES).await;
    wait_for("every entry", PATIENCE * 2, || async {
        // The last ones are told by whoever leads now; one after the other, so a missing one is the next that is asked for.
        for number in (1..=ISSUES).rev() {
            if count(&server, "XLEN", &format!("assignments:{}", worker(number))).await == 0 {
                return None;
            }
        }
        Some(())
    })
    .await;
    let rows = standby.read("/api/issues?state=assigned").await;
    assert_eq!(rows.as_array().unwrap().len() as u64, ISSUES, "each has its lease");
    let audit = standby.end().await;
    audit.holds();
    let assigned: BTreeMap<String, String> = audit
        .log
        .iter()
        .filter(|event| event.event.type_name() == "ISSUE_ASSIGNED")
        .map(|event| (event.stream.to_string(), event.id.to_string()))
        .collect();
    for number in 1..=ISSUES {
        let (stream, signal) = (format!("assignments:{}", worker(number)), format!("signal:{}", worker(number)));
        assert_eq!(count(&server, "XLEN", &stream).await, 1, "entries of #{number}");
        let signals = server.ask(&["LRANGE", &signal, "0", "-1"]).await.texts();
        assert_eq!(signals, [assigned[&format!("{REPO}#{number}")].as_str()], "signals of #{number}");
    }
}
