//! PostgreSQL stopped, killed and started again.

use std::time::Duration;

use conductor_test_support::{Daemon, FaultProxy, PostgresServer, Stop, wait_for};

use super::{is_away, is_back};
use crate::rig::{Load, PATIENCE, Setup, Unanswered};

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
