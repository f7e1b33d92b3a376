use std::sync::Arc;
use std::time::Duration;

use crate::fleet;
use crate::foreign_load::ForeignLoad;
use crate::options::Options;
use crate::table::Table;

use super::daemon::{Served, serve};
use super::load::{Script, Taken, closed_loop};
use super::reports::approve_all;
use super::stores::{Kind, folder};
use super::{ceiling, comparisons, expected};
use crate::database;

/// Claims that take longer than this have failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Connections on which agents make themselves known.
const GREETERS: usize = 16;

/// `GET /api/assignments/next`: each request by an instance of its own, so that each is handed fresh work, until all is.
pub(super) async fn measure(kind: Kind, options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let mut all = comparisons(options);
    for _ in 0..options.rounds {
        for (connections, rounds) in &mut all {
            let watch = ForeignLoad::watch(options.postmaster)?;
            let ours = ours(kind, options, *connections).await?;
            let theirs = theirs(kind, options, *connections).await?;
            rounds.add_timed(ours, theirs, watch.share()?);
        }
    }
    let reference = match kind {
        Kind::Sqlite => "an UPDATE",
        Kind::Postgres => "SKIP LOCKED",
    };
    for (connections, rounds) in all {
        let what =
            format!("{kind}, GET /api/assignments/next, {connections} connections / {reference} behind a bare handler");
        table.add(rounds.row(what, expected(connections)));
    }
    Ok(())
}

async fn ours(kind: Kind, options: &Options, connections: usize) -> anyhow::Result<Taken> {
    let served = {
        let agents = fleet::size(options.issues, connections);
        serve(kind.empty(options, "bench_http_claims").await?, agents).await?
    };
    approve_all(&served, options.issues).await?;
    greet_all(&served).await?;
    let scripts = (0..connections).map(|nth| claims_of(nth, connections, &served.agents, options.issues)).collect();
    let taken = closed_loop(served.serving.address, scripts, PATIENCE).await?;
    served.serving.stop().await?;
    Ok(taken)
}

/// Each agent's token is checked once before anything counts: agents keep theirs for weeks, and a token that the daemon has not
/// seen for a while costs a read of the store.
async fn greet_all(served: &Served) -> anyhow::Result<()> {
    let greeting = |token: &String| {
        let request = format!(
            "GET /api/issues?repo=acme/nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        request.into_bytes()
    };
    let share = served.agents.len().div_ceil(GREETERS);
    let scripts = served.agents.chunks(share).map(|agents| {
        let mut greetings = agents.iter().map(greeting).collect::<Vec<_>>().into_iter();
        Box::new(move || greetings.next()) as Script
    });
    closed_loop(served.serving.address, scripts.collect(), PATIENCE).await.map(drop)
}

/// The connection's agents in turn, each time as another instance, until the connection has had its share of the issues.
fn claims_of(nth: usize, connections: usize, agents: &[String], issues: usize) -> Script {
    let own = agents.iter().enumerate().skip(nth).step_by(connections);
    let own: Vec<(usize, String)> = own.map(|(worker, token)| (worker, token.clone())).collect();
    let mut turns = (0..issues / connections).map(move |run| (run, own[run % own.len()].clone()));
    Box::new(move || {
        turns.next().map(|(run, (worker, token))| request(&format!("?agentId=worker-{worker}/run{run}"), &token))
    })
}

async fn theirs(kind: Kind, options: &Options, connections: usize) -> anyhow::Result<Taken> {
    let ceiling = match kind {
        Kind::Sqlite => ceiling::claims_in_sqlite(folder(options, "bench_http_update")?, options.issues).await?,
        Kind::Postgres => {
            let url = database::create(options, "bench_http_skip_locked").await?;
            ceiling::claims_in_postgres(url, options.issues).await?
        }
    };
    let each = options.issues / connections;
    let script = |_| {
        let (mut left, request) = (0..each, Arc::new(request("", "")));
        Box::new(move || left.next().map(|_| request.to_vec())) as Script
    };
    let taken = closed_loop(ceiling.address, (0..connections).map(script).collect(), PATIENCE).await?;
    ceiling.stop().await?;
    Ok(taken)
}

fn request(query: &str, token: &str) -> Vec<u8> {
    format!("GET /api/assignments/next{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}
