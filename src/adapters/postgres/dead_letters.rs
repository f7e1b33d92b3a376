//! What lanes gave up on.

use conductor_core::identity::EventId;
use conductor_core::port::{DeadLetter, DeadLetterId, DeadLetters, PortFuture, StoreFailure};
use conductor_core::reaction::Destination;
use tokio_postgres::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::sql_types::{At, JsonText, limit};
use crate::codec::{CodecError, summary_of};

const EFFECTS: &str = "SELECT id, destination, key, effect, coalesce(last_error, ''), attempts, since FROM outbox
    WHERE dead ORDER BY place LIMIT $1";

fn effect(row: &Row) -> Result<DeadLetter, StoreFailure> {
    let name: &str = row.get(1);
    let destination = Destination::from_word(name).ok_or_else(|| CodecError::Destination(name.to_owned()))?;
    Ok(DeadLetter {
        id: DeadLetterId::Effect(EventId(row.get::<_, Uuid>(0).as_u128())),
        destination: Some(destination),
        key: row.get(2),
        what: summary_of(destination, row.get::<_, JsonText<'_>>(3).0),
        error: row.get(4),
        attempts: u32::try_from(row.get::<_, i32>(5)).unwrap_or(0),
        since: row.get::<_, At>(6).0,
    })
}

const DELIVERIES: &str = "SELECT id, ordering_key, event, coalesce(last_error, ''), attempts, received_at FROM inbox
    WHERE state = 'dead' ORDER BY place LIMIT $1";

fn delivery(row: &Row) -> DeadLetter {
    DeadLetter {
        id: DeadLetterId::Delivery(row.get(0)),
        destination: None,
        key: row.get(1),
        what: row.get(2),
        error: row.get(3),
        attempts: u32::try_from(row.get::<_, i32>(4)).unwrap_or(0),
        since: row.get::<_, At>(5).0,
    }
}

impl DeadLetters for PostgresStore {
    fn dead_letters(&self, most: usize) -> PortFuture<'_, Result<Vec<DeadLetter>, StoreFailure>> {
        Box::pin(async move {
            let mut letters = self.connections().rows(EFFECTS, &[&limit(most)], effect).await?;
            letters.extend(self.connections().rows(DELIVERIES, &[&limit(most)], |row| Ok(delivery(row))).await?);
            letters.sort_by_key(|letter| letter.since);
            letters.truncate(most);
            Ok(letters)
        })
    }

    fn retry_dead_letter<'a>(&'a self, id: &'a DeadLetterId) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move {
            let changed = match id {
                DeadLetterId::Effect(id) => {
                    let sql = "UPDATE outbox SET dead = false, attempts = 0, retry_at = NULL WHERE id = $1 AND dead";
                    self.connections().execute(sql, &[&Uuid::from_u128(id.0)]).await?
                }
                DeadLetterId::Delivery(id) => {
                    let sql = "UPDATE inbox SET state = 'waiting', attempts = 0, retry_at = NULL
                        WHERE id = $1 AND state = 'dead'";
                    self.connections().execute(sql, &[id]).await?
                }
            };
            Ok(changed == 1)
        })
    }
}
