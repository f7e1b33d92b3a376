//! The whole daemon over HTTP, beside the ceiling: the store's own statement behind a handler that does nothing else, on the
//! same machine, in the same rounds, with the load generator on the same cores.
//!
//! Callers are connections that are kept alive and ask again as soon as they are answered. The daemon is the one that is
//! served: identity `token` with a token per connection, its default limits, every pass.

mod ceiling;
mod claims;
mod connection;
mod daemon;
mod delivery;
mod delivery_cost;
mod entries;
mod load;
mod reports;
mod serving;
mod stores;

use std::sync::Arc;

use conductor_core::port::Store;

use crate::options::Options;
use crate::rounds::Rounds;
use crate::table::Table;

use connection::Connection;
pub(crate) use serving::Serving;
use stores::Kind;

/// The connections of the rows, as far as `--callers` names them.
const CONNECTIONS: [usize; 3] = [32, 64, 256];

/// Both endpoints on both stores.
pub(crate) async fn measure(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        reports::measure(kind, options, table).await?;
        claims::measure(kind, options, table).await?;
    }
    Ok(())
}

/// A daemon on that store that has said that it is ready.
pub(crate) async fn ready(store: Arc<dyn Store>) -> anyhow::Result<Serving> {
    let serving = daemon::serve(store, 1).await?.serving;
    let mut connection = Connection::open(serving.address).await?;
    let ready = b"GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // It listens only when it serves; one that isn't ready then would fail here.
    connection.ask(ready).await?;
    Ok(serving)
}

/// What it takes until agents are told, and what that takes from the rest.
pub(crate) async fn measure_deliveries(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    delivery::measure(options, table).await?;
    delivery_cost::measure(options, table).await
}

/// A comparison at each number of connections.
fn comparisons(options: &Options) -> Vec<(usize, Rounds)> {
    let wanted = CONNECTIONS.into_iter().filter(|connections| options.callers.contains(connections));
    wanted.map(|connections| (connections, Rounds::default())).collect()
}

/// What is wanted at that number of connections.
fn expected(connections: usize) -> &'static str {
    match connections {
        64 => "at least 0.6 x rate, p99 below 25 ms",
        _ => "at least 0.6 x rate",
    }
}
