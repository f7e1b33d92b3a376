use conductor_core::identity::EventId;
use conductor_core::port::{
    DueEffect, ObsoleteEffect, Outbox, OutboxDepth, PendingEffect, PortFuture, StoreFailure, UnreadableEffect,
};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::append::bytes;
use super::failure::{Fault, limit, unsigned};
use crate::codec::{CodecError, decode_effect};

fn due(
    connection: &Connection,
    destination: Destination,
    now: Timestamp,
    most: usize,
) -> Result<Vec<DueEffect>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.event_id, o.data, o.attempts, o.since, o.key FROM outbox o
         WHERE o.destination = ?1 AND o.progress = 'waiting' AND (o.retry_at IS NULL OR o.retry_at <= ?2)
           AND NOT EXISTS (SELECT 1 FROM outbox earlier
                           WHERE earlier.destination = o.destination AND earlier.key = o.key
                             AND earlier.number < o.number AND earlier.progress = 'waiting'
                             AND earlier.retry_at IS NOT NULL AND earlier.retry_at > ?2)
         ORDER BY o.number LIMIT ?3",
    )?;
    let mut rows = statement.query(params![destination.as_str(), now.as_millis(), limit(most)])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let data = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let (id, attempts) = (EventId(u128::from_be_bytes(row.get(0)?)), row.get(3)?);
        due.push(match decode_effect(destination, data) {
            Ok(effect) => Ok(PendingEffect {
                id,
                event_id: EventId(u128::from_be_bytes(row.get(1)?)),
                effect,
                attempts,
                since: Timestamp::from_millis(row.get(4)?),
            }),
            Err(error) => Err(UnreadableEffect { id, key: row.get(5)?, attempts, why: error.to_string() }),
        });
    }
    Ok(due)
}

impl Outbox for SqliteStore {
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>> {
        self.read(move |connection| due(connection, destination, now, limit))
    }

    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>> {
        let effects = effects.to_vec();
        self.write(move |connection| {
            let mut statement =
                connection.prepare_cached("UPDATE outbox SET progress = 'delivered', retry_at = NULL WHERE id = ?1")?;
            for effect in effects {
                statement.execute([bytes(effect)])?;
            }
            Ok(())
        })
    }

    fn obsolete<'a>(&'a self, effects: &'a [ObsoleteEffect]) -> PortFuture<'a, Result<(), StoreFailure>> {
        let effects = effects.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE outbox SET progress = 'delivered', retry_at = NULL, obsolete = ?2
                 WHERE id = ?1 AND progress <> 'delivered'",
            )?;
            for ObsoleteEffect { id, reason } in effects {
                statement.execute(params![bytes(id), reason])?;
            }
            Ok(())
        })
    }

    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        let error = error.to_owned();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE outbox SET attempts = attempts + 1, error = ?2, retry_at = ?3,
                                   progress = iif(?3 IS NULL, 'dead', 'waiting')
                 WHERE id = ?1",
            )?;
            statement.execute(params![bytes(effect), error, retry_at.map(Timestamp::as_millis)])?;
            Ok(())
        })
    }

    fn outbox_depth(&self) -> PortFuture<'_, Result<Vec<OutboxDepth>, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT destination, sum(pending), sum(dead), min(oldest) FROM (
                     SELECT destination, count(*) AS pending, 0 AS dead, min(since) AS oldest FROM outbox
                     WHERE progress = 'waiting' GROUP BY destination
                     UNION ALL
                     SELECT destination, 0, count(*), NULL FROM outbox WHERE progress = 'dead' GROUP BY destination
                 ) GROUP BY destination ORDER BY destination",
            )?;
            let (mut rows, mut depths) = (statement.query([])?, Vec::new());
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                depths.push(OutboxDepth {
                    destination: Destination::from_word(&name).ok_or(CodecError::Destination(name))?,
                    pending: unsigned(row.get(1)?),
                    dead: unsigned(row.get(2)?),
                    oldest: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
                });
            }
            Ok(depths)
        })
    }
}
