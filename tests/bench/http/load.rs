use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::latency::Latency;

use super::connection::Connection;

/// What one connection asks, request by request; `None` ends it.
pub(super) type Script = Box<dyn FnMut() -> Option<Vec<u8>> + Send>;

/// What a load took: each call, and all of them.
pub(super) type Taken = (Latency, Duration);

/// One connection per script, each asking again as soon as it is answered, until its script or the time is up. On a thread of its
/// own, as another program would be.
pub(super) async fn closed_loop(address: SocketAddr, scripts: Vec<Script>, span: Duration) -> anyhow::Result<Taken> {
    let load = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(ask_all(address, scripts, span))
    };
    tokio::task::spawn_blocking(load).await?
}

async fn ask_all(address: SocketAddr, scripts: Vec<Script>, span: Duration) -> anyhow::Result<Taken> {
    let mut connected = Vec::with_capacity(scripts.len());
    for script in scripts {
        connected.push((Connection::open(address).await?, script));
    }
    let (began, mut asking) = (Instant::now(), JoinSet::new());
    for (connection, script) in connected {
        asking.spawn(ask_on(connection, script, began + span));
    }
    let mut micros = Vec::new();
    while let Some(asked) = asking.join_next().await {
        micros.extend(asked??);
    }
    Ok((Latency::of(micros), began.elapsed()))
}

async fn ask_on(mut connection: Connection, mut script: Script, until: Instant) -> anyhow::Result<Vec<u64>> {
    let mut micros = Vec::new();
    while Instant::now() < until
        && let Some(request) = script()
    {
        let asked = Instant::now();
        connection.ask(&request).await?;
        micros.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(micros)
}
