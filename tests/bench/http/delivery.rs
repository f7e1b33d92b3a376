use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use conductor_e::story::{IssueDelivery, sign};
use conductor_test_support::ValkeyServer;
use futures_util::future::try_join_all;

use crate::fleet;
use crate::latency::{Latency, p50_p99};
use crate::options::Options;
use crate::table::Table;

use super::connection::Connection;
use super::daemon::{SECRET, serve_as};
use super::entries::Entries;
use super::stores::Kind;

/// Issues that are labelled one after the other, each when the last one's entry was read.
const AT_REST: u64 = 300;
/// Issues that are labelled in a burst.
const BURST: u64 = 1000;
/// Connections that GitHub delivers the burst by.
const CONNECTIONS: u64 = 32;

/// From the answer to a webhook (an issue was labelled) until its entry is read from the stream of the agent that got it.
pub(super) async fn measure(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let server = ValkeyServer::start().await;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let agents = fleet::size(usize::try_from(AT_REST + BURST)?, 1);
        let store = kind.empty(options, "bench_delivery").await?;
        let served = serve_as(store, agents, Some(&server.url()), |_| ()).await?;
        let mut entries = Entries::of(&server, agents);
        let rest = at_rest(served.serving.address, &mut entries).await?;
        let burst = in_a_burst(served.serving.address, &mut entries).await?;
        for (when, latency, expected) in [
            (format!("at rest, {AT_REST} times"), rest, "p99 below 20 ms"),
            (format!("in a burst of {BURST} on {CONNECTIONS} connections"), burst, "p99 below 50 ms"),
        ] {
            let what = format!("{kind}, webhook accepted until entry read, {when}");
            let none = String::new;
            table.add([what, none(), none(), none(), p50_p99(&latency), none(), expected.to_owned()]);
        }
        served.serving.stop().await?;
        server.flush().await;
    }
    Ok(())
}

async fn at_rest(address: SocketAddr, entries: &mut Entries<'_>) -> anyhow::Result<Latency> {
    let mut connection = Connection::open(address).await?;
    let mut accepted = HashMap::new();
    let mut read = HashMap::new();
    for issue in 1..=AT_REST {
        connection.ask_for(&webhook(issue), 202).await?;
        accepted.insert(issue, Instant::now());
        read.extend(entries.read(1).await);
    }
    between(&accepted, &read)
}

async fn in_a_burst(address: SocketAddr, entries: &mut Entries<'_>) -> anyhow::Result<Latency> {
    let deliver = async |nth: u64| {
        let mut connection = Connection::open(address).await?;
        let mut accepted = HashMap::new();
        for issue in (AT_REST + 1..=AT_REST + BURST).filter(|issue| issue % CONNECTIONS == nth) {
            connection.ask_for(&webhook(issue), 202).await?;
            accepted.insert(issue, Instant::now());
        }
        anyhow::Ok(accepted)
    };
    let (accepted, read) =
        tokio::join!(try_join_all((0..CONNECTIONS).map(deliver)), entries.read(usize::try_from(BURST)?));
    between(&accepted?.into_iter().flatten().collect(), &read)
}

/// Nothing, where the entry was there before the answer was.
fn between(accepted: &HashMap<u64, Instant>, read: &HashMap<u64, Instant>) -> anyhow::Result<Latency> {
    let took = accepted.iter().map(|(issue, accepted)| {
        let read = read.get(issue).with_context(|| format!("find the entry of issue {issue}"))?;
        let took: Duration = read.saturating_duration_since(*accepted);
        Ok(u64::try_from(took.as_micros())?)
    });
    Ok(Latency::of(took.collect::<anyhow::Result<_>>()?))
}

fn webhook(issue: u64) -> Vec<u8> {
    let labels = &["agent-ready"];
    let labelled =
        IssueDelivery { action: "labeled", number: issue, title: "An issue", body: "It is broken.", labels, second: 1 };
    let body = labelled.deliver().body.to_string();
    format!(
        "POST /api/webhook/github HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event: issues\r\nX-GitHub-Delivery: labelled-{issue}\r\n\
         X-Hub-Signature-256: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        sign(SECRET, body.as_bytes()),
        body.len()
    )
    .into_bytes()
}
