//! Upkeep of the operational tables.

use conductor_core::port::{Pruned, StoreFailure};
use conductor_core::time::Timestamp;

use super::connections::Connections;
use super::sql_types::At;
use crate::retention::Horizon;

/// Rows per statement: each holds its locks for milliseconds, however much there is to drop.
const AT_ONCE: u64 = 5_000;

pub(super) async fn prune(connections: &Connections, now: Timestamp) -> Result<Pruned, StoreFailure> {
    let horizon = Horizon::at(now);
    // Whatever still waits stays, however old: it was not done.
    let done = "state <> 'waiting'";
    Ok(Pruned {
        deliveries: drop_rows(connections, "inbox", &format!("received_at < $1 AND {done}"), horizon.deliveries)
            .await?,
        bodies: drop_bodies(connections, &format!("received_at < $1 AND body IS NOT NULL AND {done}"), horizon.bodies)
            .await?,
        answers: drop_rows(connections, "answers", "kept_at < $1", horizon.answers).await?,
        effects: drop_rows(connections, "outbox", "since < $1 AND delivered_at IS NOT NULL", horizon.effects).await?,
        checks: drop_rows(connections, "early_checks", "kept_at < $1", horizon.checks).await?,
        signs: drop_rows(
            connections,
            "lease_renewals",
            "greatest(renewed_at, delivered_at, worked_at) < $1",
            horizon.signs,
        )
        .await?,
    })
}

async fn drop_rows(
    connections: &Connections,
    table: &str,
    which: &str,
    before: Timestamp,
) -> Result<u64, StoreFailure> {
    let sql =
        format!("DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {which} LIMIT {AT_ONCE}))");
    in_pieces(connections, &sql, before).await
}

async fn drop_bodies(connections: &Connections, which: &str, before: Timestamp) -> Result<u64, StoreFailure> {
    let sql = format!(
        "UPDATE inbox SET body = NULL WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE {which} LIMIT {AT_ONCE}))"
    );
    in_pieces(connections, &sql, before).await
}

async fn in_pieces(connections: &Connections, sql: &str, before: Timestamp) -> Result<u64, StoreFailure> {
    let mut dropped = 0;
    loop {
        let piece = connections.execute(sql, &[&At(before)]).await?;
        dropped += piece;
        if piece < AT_ONCE {
            return Ok(dropped);
        }
    }
}
