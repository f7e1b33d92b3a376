//! Effects that wait for their delivery. They are written by the append itself.

use std::borrow::Cow;

use conductor_core::identity::EventId;
use conductor_core::port::{DueEffect, ObsoleteEffect, OutboxDepth, PendingEffect, StoreFailure, UnreadableEffect};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use uuid::Uuid;

use super::connections::Connections;
use super::sql_types::{At, JsonText, count, limit, without_nul};
use crate::codec::{CodecError, decode_effect};

pub(super) async fn due(
    connections: &Connections,
    destination: Destination,
    now: Timestamp,
    at_most: usize,
) -> Result<Vec<DueEffect>, StoreFailure> {
    let sql = "SELECT o.id, o.event_id, o.effect, o.attempts, o.since, o.key FROM outbox o
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
            let (id, attempts) = (EventId(row.get::<_, Uuid>(0).as_u128()), row.get::<_, i32>(3));
            let attempts = u32::try_from(attempts).unwrap_or(0);
            Ok(match decode_effect(destination, row.get::<_, JsonText<'_>>(2).0) {
                Ok(effect) => {
                    let event_id = EventId(row.get::<_, Uuid>(1).as_u128());
                    Ok(PendingEffect { id, event_id, effect, attempts, since: row.get::<_, At>(4).0 })
                }
                Err(error) => Err(UnreadableEffect { id, key: row.get(5), attempts, why: error.to_string() }),
            })
        })
        .await
}

pub(super) async fn delivered(connections: &Connections, effects: &[EventId]) -> Result<(), StoreFailure> {
    let ids: Vec<Uuid> = effects.iter().map(|id| Uuid::from_u128(id.0)).collect();
    let sql = "UPDATE outbox SET delivered_at = now(), retry_at = NULL WHERE id = ANY($1) AND delivered_at IS NULL";
    connections.execute(sql, &[&ids]).await.map(drop)
}

pub(super) async fn obsolete(connections: &Connections, effects: &[ObsoleteEffect]) -> Result<(), StoreFailure> {
    let ids: Vec<Uuid> = effects.iter().map(|effect| Uuid::from_u128(effect.id.0)).collect();
    let reasons: Vec<Cow<'_, str>> = effects.iter().map(|effect| without_nul(&effect.reason)).collect();
    let sql = "UPDATE outbox o SET delivered_at = now(), retry_at = NULL, obsolete = closed.reason
        FROM unnest($1::uuid[], $2::text[]) AS closed (id, reason) WHERE o.id = closed.id AND o.delivered_at IS NULL";
    connections.execute(sql, &[&ids, &reasons]).await.map(drop)
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

pub(super) async fn depth(connections: &Connections) -> Result<Vec<OutboxDepth>, StoreFailure> {
    // In two halves, each of which has an index: what was delivered within the last days is far more than both.
    let sql = "SELECT destination, sum(pending)::bigint, sum(dead)::bigint, min(oldest) FROM (
            SELECT destination, count(*) AS pending, 0 AS dead, min(since) AS oldest FROM outbox
            WHERE delivered_at IS NULL AND NOT dead GROUP BY destination
            UNION ALL
            SELECT destination, 0, count(*), NULL FROM outbox WHERE dead GROUP BY destination
        ) halves GROUP BY destination ORDER BY destination";
    connections
        .rows(sql, &[], |row| {
            let (name, oldest): (&str, Option<At>) = (row.get(0), row.get(3));
            let unknown = || CodecError::Destination(name.to_owned());
            let destination = Destination::from_word(name).ok_or_else(unknown)?;
            let (pending, dead) = (count(row.get(1)), count(row.get(2)));
            Ok(OutboxDepth { destination, pending, dead, oldest: oldest.map(|at| at.0) })
        })
        .await
}
