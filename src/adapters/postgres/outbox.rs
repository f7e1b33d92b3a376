//! Effects that wait for their delivery. They are written by the append itself.

use conductor_core::identity::EventId;
use conductor_core::port::{OutboxDepth, PendingEffect, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use uuid::Uuid;

use super::connections::Connections;
use super::sql_types::{At, JsonText, count, limit, without_nul};
use crate::codec::decode_effect;

pub(super) async fn due(
    connections: &Connections,
    destination: Destination,
    now: Timestamp,
    at_most: usize,
) -> Result<Vec<PendingEffect>, StoreFailure> {
    let sql = "SELECT o.id, o.event_id, o.effect, o.attempts, o.since FROM outbox o
        WHERE o.destination = $1 AND o.delivered_at IS NULL AND NOT o.dead
            AND (o.retry_at IS NULL OR o.retry_at <= $2)
            AND NOT EXISTS (
                SELECT FROM outbox earlier
                WHERE earlier.destination = o.destination AND earlier.key = o.key AND earlier.place < o.place
                    AND earlier.delivered_at IS NULL AND NOT earlier.dead AND earlier.retry_at > $2
            )
        ORDER BY o.place LIMIT $3";
    connections
        .rows(sql, &[&destination.as_str(), &At(now), &limit(at_most)], |row| {
            let attempts: i32 = row.get(3);
            Ok(PendingEffect {
                id: EventId(row.get::<_, Uuid>(0).as_u128()),
                event_id: EventId(row.get::<_, Uuid>(1).as_u128()),
                effect: decode_effect(destination, row.get::<_, JsonText<'_>>(2).0)?,
                attempts: u32::try_from(attempts).unwrap_or(0),
                since: row.get::<_, At>(4).0,
            })
        })
        .await
}

pub(super) async fn delivered(connections: &Connections, effects: &[EventId]) -> Result<(), StoreFailure> {
    let ids: Vec<Uuid> = effects.iter().map(|id| Uuid::from_u128(id.0)).collect();
    let sql = "UPDATE outbox SET delivered_at = now(), retry_at = NULL WHERE id = ANY($1) AND delivered_at IS NULL";
    connections.execute(sql, &[&ids]).await.map(drop)
}

pub(super) async fn failed(
    connections: &Connections,
    effect: EventId,
    error: &str,
    retry_at: Option<Timestamp>,
) -> Result<(), StoreFailure> {
    let sql =
        "UPDATE outbox SET attempts = attempts + 1, last_error = $2, retry_at = $3, dead = $3::timestamptz IS NULL
        WHERE id = $1 AND delivered_at IS NULL";
    let id = Uuid::from_u128(effect.0);
    connections.execute(sql, &[&id, &without_nul(error), &retry_at.map(At)]).await.map(drop)
}

pub(super) async fn depth(connections: &Connections) -> Result<OutboxDepth, StoreFailure> {
    let sql = "SELECT
        (SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND NOT dead),
        (SELECT count(*) FROM outbox WHERE dead),
        (SELECT min(since) FROM outbox WHERE delivered_at IS NULL AND NOT dead)";
    let depth = connections
        .first(sql, &[], |row| {
            let oldest: Option<At> = row.get(2);
            Ok(OutboxDepth { pending: count(row.get(0)), dead: count(row.get(1)), oldest: oldest.map(|at| at.0) })
        })
        .await?;
    Ok(depth.unwrap_or_default())
}
