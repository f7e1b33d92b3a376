use conductor_core::port::{Delivery, Inbox, InboxDepth, PendingDelivery, PortFuture, Received, StoreFailure};
use conductor_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::failure::{Fault, limit, unsigned};

fn waiting(connection: &Connection, now: Timestamp, most: usize) -> Result<Vec<PendingDelivery>, Fault> {
    // An empty key says that nothing belongs together.
    let mut statement = connection.prepare_cached(
        "SELECT i.id, i.event, i.ordering_key, coalesce(i.body, ''), i.received_at, i.attempts FROM inbox i
         WHERE i.progress = 'waiting' AND (i.retry_at IS NULL OR i.retry_at <= ?1)
           AND NOT EXISTS (SELECT 1 FROM inbox earlier
                           WHERE earlier.ordering_key = i.ordering_key AND earlier.ordering_key <> ''
                             AND earlier.number < i.number AND earlier.progress = 'waiting'
                             AND earlier.retry_at IS NOT NULL AND earlier.retry_at > ?1)
         ORDER BY i.number LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now.as_millis(), limit(most)], |row| {
        let delivery = Delivery {
            id: row.get(0)?,
            event: row.get(1)?,
            ordering_key: row.get(2)?,
            body: row.get(3)?,
            received_at: Timestamp::from_millis(row.get(4)?),
            ignored: None,
        };
        Ok(PendingDelivery { delivery, attempts: row.get(5)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Inbox for SqliteStore {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO inbox (id, event, ordering_key, body, received_at, progress, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            )?;
            let progress = if delivery.ignored.is_some() { "ignored" } else { "waiting" };
            let inserted = statement.execute(params![
                delivery.id,
                delivery.event,
                delivery.ordering_key,
                delivery.body,
                delivery.received_at.as_millis(),
                progress,
                delivery.ignored,
            ])?;
            Ok(if inserted == 1 { Received::Accepted } else { Received::Duplicate })
        })
    }

    fn waiting(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        self.read(move |connection| waiting(connection, now, limit))
    }

    fn worked<'a>(&'a self, id: &'a str, outcome: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        let (id, outcome) = (id.to_owned(), outcome.to_owned());
        self.write(move |connection| {
            let mut statement = connection
                .prepare_cached("UPDATE inbox SET progress = 'worked', outcome = ?2, retry_at = NULL WHERE id = ?1")?;
            statement.execute([id, outcome])?;
            Ok(())
        })
    }

    fn stuck<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        let (id, error) = (id.to_owned(), error.to_owned());
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE inbox SET attempts = attempts + 1, outcome = ?2, retry_at = ?3,
                                  progress = iif(?3 IS NULL, 'dead', 'waiting')
                 WHERE id = ?1",
            )?;
            statement.execute(params![id, error, retry_at.map(Timestamp::as_millis)])?;
            Ok(())
        })
    }

    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT (SELECT count(*) FROM inbox WHERE progress = 'waiting'),
                        (SELECT count(*) FROM inbox WHERE progress = 'dead'),
                        (SELECT min(received_at) FROM inbox WHERE progress = 'waiting')",
            )?;
            let depth = statement.query_row([], |row| {
                Ok(InboxDepth {
                    waiting: unsigned(row.get(0)?),
                    dead: unsigned(row.get(1)?),
                    oldest: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                })
            });
            Ok(depth?)
        })
    }
}
