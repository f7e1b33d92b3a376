use conductor_core::identity::EventId;
use conductor_core::port::{Outbox, OutboxDepth, PendingEffect, PortFuture, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::append::bytes;
use super::failure::{Fault, limit, unsigned};
use crate::codec::decode_effect;

fn due(
    connection: &Connection,
    destination: Destination,
    now: Timestamp,
    most: usize,
) -> Result<Vec<PendingEffect>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.event_id, o.data, o.attempts, o.since FROM outbox o
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
        due.push(PendingEffect {
            id: EventId(u128::from_be_bytes(row.get(0)?)),
            event_id: EventId(u128::from_be_bytes(row.get(1)?)),
            effect: decode_effect(destination, data)?,
            attempts: row.get(3)?,
            since: Timestamp::from_millis(row.get(4)?),
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
    ) -> PortFuture<'_, Result<Vec<PendingEffect>, StoreFailure>> {
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

    fn outbox_depth(&self) -> PortFuture<'_, Result<OutboxDepth, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT (SELECT count(*) FROM outbox WHERE progress = 'waiting'),
                        (SELECT count(*) FROM outbox WHERE progress = 'dead'),
                        (SELECT min(since) FROM outbox WHERE progress = 'waiting')",
            )?;
            let depth = statement.query_row([], |row| {
                Ok(OutboxDepth {
                    pending: unsigned(row.get(0)?),
                    dead: unsigned(row.get(1)?),
                    oldest: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                })
            });
            Ok(depth?)
        })
    }
}
