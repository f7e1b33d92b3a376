//! Webhook deliveries: stored before they are answered, worked on after.

use conductor_core::port::{Delivery, InboxDepth, PendingDelivery, Received, StoreFailure};
use conductor_core::time::Timestamp;

use super::connections::Connections;
use super::sql_types::{At, count, limit, without_nul};

/// Bytes of bodies that are handed out at once, beyond the first delivery: one may have 25 MiB.
const MOST_BYTES: i64 = 32 << 20;

pub(super) async fn receive(connections: &Connections, delivery: Delivery) -> Result<Received, StoreFailure> {
    let sql = "INSERT INTO inbox (id, event, ordering_key, body, received_at, state, outcome)
        VALUES ($1, $2, $3, $4, $5, CASE WHEN $6::text IS NULL THEN 'waiting' ELSE 'ignored' END, $6)
        ON CONFLICT (id) DO NOTHING";
    let ignored = delivery.ignored.as_deref().map(without_nul);
    let body = without_nul(&delivery.body);
    let received_at = At(delivery.received_at);
    let stored = connections
        .execute(sql, &[&delivery.id, &delivery.event, &delivery.ordering_key, &body, &received_at, &ignored])
        .await?;
    Ok(if stored == 1 { Received::Accepted } else { Received::Duplicate })
}

pub(super) async fn waiting(
    connections: &Connections,
    now: Timestamp,
    at_most: usize,
) -> Result<Vec<PendingDelivery>, StoreFailure> {
    let sql = "SELECT id, event, ordering_key, body, received_at, attempts FROM (
            SELECT i.*, sum(length(i.body)) OVER (ORDER BY i.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                AS before
            FROM (
                SELECT * FROM inbox i
                WHERE i.state = 'waiting' AND (i.retry_at IS NULL OR i.retry_at <= $1)
                    AND NOT EXISTS (
                        SELECT FROM inbox earlier
                        WHERE i.ordering_key <> '' AND earlier.ordering_key = i.ordering_key AND earlier.place < i.place
                            AND earlier.state = 'waiting' AND earlier.retry_at > $1
                    )
                ORDER BY i.place LIMIT $2
            ) i
        ) i
        WHERE coalesce(before, 0) < $3 ORDER BY place";
    connections
        .rows(sql, &[&At(now), &limit(at_most), &MOST_BYTES], |row| {
            let attempts: i32 = row.get(5);
            Ok(PendingDelivery {
                delivery: Delivery {
                    id: row.get(0),
                    event: row.get(1),
                    ordering_key: row.get(2),
                    body: row.get::<_, Option<String>>(3).unwrap_or_default(),
                    received_at: row.get::<_, At>(4).0,
                    ignored: None,
                },
                attempts: u32::try_from(attempts).unwrap_or(0),
            })
        })
        .await
}

pub(super) async fn worked(connections: &Connections, id: &str, outcome: &str) -> Result<(), StoreFailure> {
    let sql = "UPDATE inbox SET state = 'worked', outcome = $2, retry_at = NULL WHERE id = $1 AND state = 'waiting'";
    connections.execute(sql, &[&id, &without_nul(outcome)]).await.map(drop)
}

pub(super) async fn stuck(
    connections: &Connections,
    id: &str,
    error: &str,
    retry_at: Option<Timestamp>,
) -> Result<(), StoreFailure> {
    let sql = "UPDATE inbox SET attempts = attempts + 1, last_error = $2, retry_at = $3,
            state = CASE WHEN $3::timestamptz IS NULL THEN 'dead' ELSE 'waiting' END
        WHERE id = $1 AND state = 'waiting'";
    connections.execute(sql, &[&id, &without_nul(error), &retry_at.map(At)]).await.map(drop)
}

pub(super) async fn depth(connections: &Connections) -> Result<InboxDepth, StoreFailure> {
    let sql = "SELECT
        (SELECT count(*) FROM inbox WHERE state = 'waiting'),
        (SELECT count(*) FROM inbox WHERE state = 'dead'),
        (SELECT min(received_at) FROM inbox WHERE state = 'waiting')";
    let depth = connections
        .first(sql, &[], |row| {
            let oldest: Option<At> = row.get(2);
            Ok(InboxDepth { waiting: count(row.get(0)), dead: count(row.get(1)), oldest: oldest.map(|at| at.0) })
        })
        .await?;
    Ok(depth.unwrap_or_default())
}
