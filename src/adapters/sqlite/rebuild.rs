use conductor_core::identity::StreamId;
use rusqlite::Connection;

use super::append::{keep_body, keep_row};
use super::failure::Fault;
use super::log::{replay, stream_of};
use crate::codec::encode_state;
use crate::replay::PROJECTION_VERSION;

/// Makes every row anew that projections of another number made, or that is missing, from the stream's events.
///
/// It runs before anybody reads, so a query never meets two shapes of document.
pub(super) fn stale_rows(connection: &Connection) -> Result<(), Fault> {
    let transaction = connection.unchecked_transaction()?;
    let stale = find(&transaction)?;
    for (number, stream) in &stale {
        let replayed = replay(&transaction, stream)?;
        let (columns, document) = (replayed.state.columns(), encode_state(&replayed.state)?);
        keep_row(&transaction, *number, stream, replayed.version, &columns, &document)?;
        if let Some(body) = &replayed.body {
            keep_body(&transaction, *number, body)?;
        }
    }
    transaction.commit()?;
    if !stale.is_empty() {
        tracing::info!(rows = stale.len(), projection = PROJECTION_VERSION, "rebuilt read-model rows from the log");
    }
    Ok(())
}

fn find(connection: &Connection) -> Result<Vec<(i64, StreamId)>, Fault> {
    let mut statement = connection.prepare(
        "SELECT s.number, s.kind, s.id
         FROM streams s LEFT JOIN read_models m ON m.stream = s.number AND m.version = s.version AND m.projection = ?1
         WHERE m.stream IS NULL",
    )?;
    let (mut rows, mut stale) = (statement.query([PROJECTION_VERSION])?, Vec::new());
    while let Some(row) = rows.next()? {
        stale.push((row.get(0)?, stream_of(row, 1, 2)?));
    }
    Ok(stale)
}
