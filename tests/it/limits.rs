//! Many at once: nobody takes what others need.

use std::sync::Arc;

use conductor_e::story::{IssueDelivery, sign};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{LiveReader, Reply, Rig, SECRET, SIGNATURE, Setup};

/// Deliveries of a burst, and how many are on their way at once.
const BURST: u64 = 1_000;
const AT_ONCE: usize = 250;

/// GitHub delivers one label after the other; tells the answers' statuses.
async fn burst(http: reqwest::Client, url: String) -> Vec<u16> {
    let deliveries = futures_util::stream::iter(1..=BURST).map(|number| {
        let labels = &["agent-ready"];
        let delivery = IssueDelivery { action: "labeled", number, title: "x", body: "", labels, second: 1 }.deliver();
        let text = delivery.body.to_string();
        let request = http.post(&url).header("X-GitHub-Event", "issues");
        let request = request.header("X-GitHub-Delivery", format!("burst-{number}"));
        let request = request.header(SIGNATURE, sign(SECRET, text.as_bytes())).body(text);
        async move { Reply::of(request).await.status }
    });
    deliveries.buffer_unordered(AT_ONCE).collect().await
}

/// Each heartbeat says something new, so that each has to reach its stream and the log, beside a burst that has to be stored
/// and worked off.
async fn a_webhook_burst_never_starves_heartbeats(rig: &mut Rig) {
    let delivering = tokio::spawn(burst(rig.http.clone(), rig.url("/api/webhook/github")));
    let mut beats = 0_u64;
    while !delivering.is_finished() {
        for agent in ["dev-e-node", "dev-e-python"] {
            beats += 1;
            let beat = json!({"type": "HEARTBEAT", "agentId": agent, "status": format!("busy with {beats}")});
            rig.report(&beat).await;
        }
    }
    assert!(beats >= 2);
    assert!(delivering.await.unwrap().iter().all(|status| *status == 202), "none of the burst is lost either");
    rig.eventually("/api/issues", "the burst to be worked off", |rows| {
        rows.as_array().is_some_and(|rows| rows.len() as u64 == BURST)
    })
    .await;
    let agents: Value = rig.read("/api/agents").await;
    assert!(agents.as_array().unwrap().iter().filter(|agent| agent["isOnline"] == true).count() >= 2, "{agents}");
}

on_both_stores! {
    with_github {
        a_webhook_burst_never_starves_heartbeats,
    }
}

/// One place, one reader: the next one is told to come later, and whoever only asks is served as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_the_live_feed_are_as_many_as_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conductor.toml");
    std::fs::write(&file, "live_readers = 1\n").unwrap();
    let rig = Setup::sqlite().env("CONDUCTOR_CONFIG", file.to_str().unwrap()).start().await;
    let mut reader = LiveReader::new("");
    assert!(reader.connect(&rig.daemon.url()).await);
    let problem = rig.get("/api/events/live").await.refused(503, "too_many_readers");
    assert!(problem.contains("GET /api/events"), "{problem}");
    rig.approve(1, json!({})).await;
    reader.events(1).await;
    rig.close().await;
}

/// The system gives the daemon 128 files, and strangers open twice as many connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_never_take_the_files_that_the_store_needs() {
    let setup = Setup::sqlite();
    let command = setup.command_by("/bin/sh").env("PROGRAM", env!("CARGO_BIN_EXE_conductor-e"));
    let daemon = command.arguments(&["-c", "ulimit -n 128 && exec \"$PROGRAM\" serve"]).start().await;
    let rig = setup.around(daemon);
    assert!(rig.daemon.log().contains("64 connections are taken at once"), "{}", rig.daemon.log());
    let address: Arc<str> = rig.daemon.url().trim_start_matches("http://").into();
    let mut strangers = Vec::new();
    for _ in 0..256 {
        let mut stranger = TcpStream::connect(&*address).await.unwrap();
        stranger.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        strangers.push(stranger);
    }
    // Some are in, and are served while the others wait.
    let mut answer = [0; 12];
    strangers[0].read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(strangers);
    rig.approve(1, json!({})).await;
    rig.claims("dev-e-node", 1).await;
    assert!(!rig.daemon.log().contains("Too many open files"), "{}", rig.daemon.log());
    rig.close().await;
}
