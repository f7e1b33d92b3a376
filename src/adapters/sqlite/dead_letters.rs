use conductor_core::identity::EventId;
use conductor_core::port::{DeadLetter, DeadLetterId, DeadLetters, PortFuture, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use rusqlite::{Connection, Row};

use super::SqliteStore;
use super::append::bytes;
use super::failure::{Fault, limit};
use crate::codec::{CodecError, summary_of};

fn effects(connection: &Connection, most: usize) -> Result<Vec<DeadLetter>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, destination, key, data, coalesce(error, ''), attempts, since FROM outbox
         WHERE progress = 'dead' ORDER BY number LIMIT ?1",
    )?;
    let (mut rows, mut letters) = (statement.query([limit(most)])?, Vec::new());
    while let Some(row) = rows.next()? {
        letters.push(effect(row)?);
    }
    Ok(letters)
}

fn effect(row: &Row<'_>) -> Result<DeadLetter, Fault> {
    let (name, data): (String, String) = (row.get(1)?, row.get(3)?);
    let destination = Destination::from_word(&name).ok_or(CodecError::Destination(name))?;
    Ok(DeadLetter {
        id: DeadLetterId::Effect(EventId(u128::from_be_bytes(row.get(0)?))),
        destination: Some(destination),
        key: row.get(2)?,
        what: summary_of(destination, &data),
        error: row.get(4)?,
        attempts: row.get(5)?,
        since: Timestamp::from_millis(row.get(6)?),
    })
}

fn deliveries(connection: &Connection, most: usize) -> Result<Vec<DeadLetter>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, ordering_key, event, coalesce(outcome, ''), attempts, received_at FROM inbox
         WHERE progress = 'dead' ORDER BY number LIMIT ?1",
    )?;
    let letters = statement.query_map([limit(most)], |row| {
        Ok(DeadLetter {
            id: DeadLetterId::Delivery(row.get(0)?),
            destination: None,
            key: row.get(1)?,
            what: row.get(2)?,
            error: row.get(3)?,
            attempts: row.get(4)?,
            since: Timestamp::from_millis(row.get(5)?),
        })
    })?;
    Ok(letters.collect::<Result<_, _>>()?)
}

impl DeadLetters for SqliteStore {
    fn dead_letters(&self, limit: usize) -> PortFuture<'_, Result<Vec<DeadLetter>, StoreFailure>> {
        self.read(move |connection| {
            let mut letters = effects(connection, limit)?;
            letters.extend(deliveries(connection, limit)?);
            letters.sort_by_key(|letter| letter.since);
            letters.truncate(limit);
            Ok(letters)
        })
    }

    fn retry_dead_letter<'a>(&'a self, id: &'a DeadLetterId) -> PortFuture<'a, Result<bool, StoreFailure>> {
        let id = id.clone();
        self.write(move |connection| {
            let again = |table: &str| {
                let sql = format!(
                    "UPDATE {table} SET progress = 'waiting', attempts = 0, retry_at = NULL
                     WHERE id = ?1 AND progress = 'dead'"
                );
                connection.prepare_cached(&sql)
            };
            let changed = match id {
                DeadLetterId::Effect(id) => again("outbox")?.execute([bytes(id)])?,
                DeadLetterId::Delivery(id) => again("inbox")?.execute([id])?,
            };
            Ok(changed == 1)
        })
    }
}
