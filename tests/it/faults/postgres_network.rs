//! A bad network between the daemon and PostgreSQL.

use std::time::Duration;

use conductor_test_support::{Direction, Fault, FaultProxy, PostgresServer};
use serde_json::json;

use super::{is_away, is_back};
use crate::rig::{Load, Rig, Setup, Unanswered};

async fn behind_a_proxy(name: &str) -> (PostgresServer, FaultProxy, Rig) {
    let server = PostgresServer::start().await;
    let proxy = FaultProxy::before(server.port()).await;
    let url = server.fresh_database(name).await;
    let url = url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let rig = Setup::database(url).with_github().start().await;
    (server, proxy, rig)
}

/// Connections are cut in the middle of statements and in the middle of answers, when nobody can know whether the append has
/// happened. Callers repeat under their keys, and each report has one effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_postgres_connections_cut_mid_append_leave_nothing_half_written() {
    let (_server, proxy, rig) = behind_a_proxy("cut").await;
    let load = Load::start(&rig, 1, Unanswered::Repeats);
    for round in 0..12_u64 {
        let before = load.count();
        load.answered(before + 20).await;
        match round % 3 {
            0 => cut(&proxy).await,
            1 => cut_after(&proxy, &load, Direction::ToClient, 37 * round).await,
            _ => cut_after(&proxy, &load, Direction::ToServer, 211 * round).await,
        }
    }
    let share = load.stop().await;
    is_back(&rig).await;
    for issue in &share.delivered {
        rig.reaches(*issue, "in_review").await;
    }
    let audit = rig.end().await;
    share.is_in(&audit);
    audit.holds();
}

/// Every connection there is; those that come meanwhile are refused, or it would never be done under load.
async fn cut(proxy: &FaultProxy) {
    proxy.set(Fault::Refuse).await;
    proxy.cut().await;
    proxy.set(Fault::Pass).await;
}

/// Some bytes more pass, then the connection that has the next one is cut; once there are new ones, they pass again.
async fn cut_after(proxy: &FaultProxy, load: &Load, direction: Direction, bytes: u64) {
    let before = proxy.accepted();
    proxy.set(Fault::CutAfter(direction, bytes)).await;
    let reconnects = || std::future::ready((proxy.accepted() > before).then_some(()));
    conductor_test_support::wait_for("the daemon to connect anew", crate::rig::PATIENCE, reconnects).await;
    proxy.set(Fault::Pass).await;
    let count = load.count();
    load.answered(count + 1).await;
}

/// A network that swallows everything: the daemon answers 503 by its own deadlines, and goes on once bytes pass again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_postgres_behind_a_dead_router_is_503_and_comes_back() {
    let (_server, proxy, rig) = behind_a_proxy("stalled").await;
    rig.approve(2, json!({})).await;
    for fault in [Fault::Stall, Fault::Refuse] {
        proxy.set(fault).await;
        if fault == Fault::Refuse {
            proxy.cut().await;
        }
        is_away(&rig).await;
        proxy.set(Fault::Pass).await;
        is_back(&rig).await;
        rig.eventually("/api/issues/acme/web/2", "the issue", |row| row["state"] == "queued").await;
    }
    proxy.set(Fault::Delay(Duration::from_millis(50))).await;
    rig.approve(3, json!({})).await;
    proxy.set(Fault::Pass).await;
    rig.end().await.holds();
}
