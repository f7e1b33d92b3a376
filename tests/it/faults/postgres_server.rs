//! PostgreSQL stopped, killed and started again.

use std::time::{Duration, Instant};

use conductor_test_support::{Daemon, FaultProxy, PostgresServer, Stop, wait_for};

use serde_json::json;

use super::{is_away, is_back};
use crate::rig::{Load, PATIENCE, REPO, Setup, Unanswered, about};

/// Stopped in order, at once, and killed, each in the middle of a load: callers get 503 with `Retry-After`, keep asking under
/// their keys, and in the end everything has happened once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_postgres_stopped_in_the_middle_delays_work_and_loses_none() {
    let mut server = PostgresServer::start().await;
    let rig = Setup::database(server.fresh_database("stopped").await).with_github().start().await;
    let mut shares = Vec::new();
    for (round, how) in [Some(Stop::Fast), Some(Stop::Immediate), None].into_iter().enumerate() {
        let load = Load::start(&rig, round as u64, Unanswered::Repeats);
        load.answered(100).await;
        match how {
            Some(how) => server.stop(how).await,
            None => server.kill9(),
        }
        is_away(&rig).await;
        server.restart().await;
        is_back(&rig).await;
        let before = load.count();
        load.answered(before + 100).await;
        shares.push(load.stop().await);
    }
    for issue in shares.iter().flat_map(|share| &share.delivered) {
        rig.reaches(*issue, "in_review").await;
    }
    let audit = rig.end().await;
    shares.iter().for_each(|share| share.is_in(&audit));
    audit.holds();
}

/// A daemon that was started before its store fell back to a null one elsewhere, for eight hours. Here it waits, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_museum_a_daemon_started_before_postgres_waits_and_says_so() {
    let mut server = PostgresServer::start().await;
    let url = server.fresh_database("late").await;
    let proxy = FaultProxy::before(server.port()).await;
    let setup = Setup::database(url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port())));
    server.stop(Stop::Fast).await;
    let tried_then_started = async {
        let tried = || std::future::ready((proxy.accepted() >= 2).then_some(()));
        wait_for("the daemon to have tried twice", PATIENCE, tried).await;
        server.restart().await;
    };
    let (daemon, ()): (Daemon, ()) = tokio::join!(setup.command().start(), tried_then_started);
    let log = daemon.log();
    assert!(log.contains("failed to reach PostgreSQL, trying again"), "{log}");
    let rig = setup.around(daemon);
    rig.approve(1, serde_json::json!({})).await;
    rig.close().await;
}

/// An outage was taken for everybody's silence elsewhere, and all work was given away when it was over. Here whoever could not be
/// heard has a whole lease's length from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_museum_postgres_away_for_long_ends_no_lease() {
    /// Longer than the gap that is a break in listening, and than many leases of this rig.
    const AWAY: Duration = Duration::from_secs(35);
    let mut server = PostgresServer::start().await;
    let rig = Setup::database(server.fresh_database("long").await).with_short_leases().start().await;
    rig.in_progress(1, "dev-e-node").await;
    rig.approve(2, json!({})).await;
    rig.claims("dev-e-python", 2).await;
    server.stop(Stop::Fast).await;
    let began = Instant::now();
    wait_for("the outage to have been long", 2 * AWAY, || async {
        // The check before a push fails closed: whether the lease still holds can't be known.
        let asks = about("BRANCH_CREATED", 1, json!({"agentId": "dev-e-node", "branch": "b"}));
        assert_eq!(rig.post(&asks).await.status, 503);
        (began.elapsed() >= AWAY).then_some(())
    })
    .await;
    let merge = rig.post_to("/api/merge", &json!({"repo": REPO, "prNumber": 57})).await;
    merge.refused(503, "store_unavailable");
    server.restart().await;
    let back = Instant::now();
    let path = format!("/api/issues/{REPO}/2");
    wait_for("the silent one to lose its work", PATIENCE, || async {
        let reports = about("BRANCH_CREATED", 1, json!({"agentId": "dev-e-node", "branch": "b"}));
        assert!(matches!(rig.post(&reports).await.status, 200 | 503), "it holds its lease all the time");
        let reply = rig.get(&path).await;
        (reply.status == 200 && reply.json()["state"] == "queued").then_some(())
    })
    .await;
    assert!(back.elapsed() >= Duration::from_secs(4), "whoever is silent has a whole length from then on");
    assert_eq!(rig.row(1).await["state"], "in_progress");
    is_back(&rig).await;
    rig.end().await.holds();
}

/// Told to stop while it still waits for its store: it ends, in order.
#[tokio::test]
async fn a_daemon_that_waits_for_postgres_can_be_stopped() {
    let nowhere = format!("postgres://postgres@127.0.0.1:{}/none", conductor_test_support::free_port());
    let setup = Setup::database(nowhere);
    // It never listens, so it can't be waited for by way of its first line: `migrate` waits as `serve` does, and a time limit
    // ends it as an operator would.
    let limit = Duration::from_secs(3).as_secs().to_string();
    let command = ["--preserve-status", "--signal=TERM", &limit, env!("CARGO_BIN_EXE_conductor-e"), "serve"];
    let (status, log) = setup.command_by("timeout").arguments(&command).refused().await;
    assert!(log.contains("failed to reach PostgreSQL") && log.contains("SIGTERM"), "{log}");
    assert!(status.success(), "{status}: {log}");
}
