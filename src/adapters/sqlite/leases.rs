use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{LeaseRenewals, LeaseSigns, PortFuture, StoreClock, StoreFailure};
use conductor_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::failure::Fault;
use crate::codec::CodecError;

/// The rules of [`LeaseSigns::take`]. A bare `max` of two columns is nothing where one of them is.
const NOTE: &str = "
    INSERT INTO lease_renewals AS known (key, issue, epoch, renewed_at, delivered_at, worked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (key) DO UPDATE SET
        epoch = excluded.epoch,
        renewed_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.renewed_at
            ELSE coalesce(max(known.renewed_at, excluded.renewed_at), known.renewed_at, excluded.renewed_at) END,
        delivered_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.delivered_at
            ELSE coalesce(known.delivered_at, excluded.delivered_at) END,
        worked_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.worked_at
            ELSE coalesce(max(known.worked_at, excluded.worked_at), known.worked_at, excluded.worked_at) END
    WHERE excluded.epoch >= known.epoch";

fn signs(row: &Row<'_>) -> Result<LeaseSigns, Fault> {
    let issue: String = row.get(0)?;
    let time = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp::from_millis));
    Ok(LeaseSigns {
        issue: IssueRef::parse(&issue).ok_or(CodecError::Stream(issue))?,
        epoch: row.get(1)?,
        renewed_at: time(2)?,
        delivered_at: time(3)?,
        worked_at: time(4)?,
    })
}

impl LeaseRenewals for SqliteStore {
    fn note_signs<'a>(&'a self, signs: &'a [LeaseSigns]) -> PortFuture<'a, Result<(), StoreFailure>> {
        let signs = signs.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(NOTE)?;
            for noted in signs {
                let (key, issue) = (StreamId::Issue(noted.issue.clone()).key(), noted.issue.to_string());
                let [renewed, delivered, worked] =
                    [noted.renewed_at, noted.delivered_at, noted.worked_at].map(|at| at.map(Timestamp::as_millis));
                statement.execute(params![key, issue, noted.epoch, renewed, delivered, worked])?;
            }
            Ok(())
        })
    }

    fn lease_signs(&self) -> PortFuture<'_, Result<Vec<LeaseSigns>, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT issue, epoch, renewed_at, delivered_at, worked_at FROM lease_renewals")?;
            let (mut rows, mut all) = (statement.query([])?, Vec::new());
            while let Some(row) = rows.next()? {
                all.push(signs(row)?);
            }
            Ok(all)
        })
    }

    fn signs_of<'a>(&'a self, issue: &'a IssueRef) -> PortFuture<'a, Result<Option<LeaseSigns>, StoreFailure>> {
        let key = StreamId::Issue(issue.clone()).key();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT issue, epoch, renewed_at, delivered_at, worked_at FROM lease_renewals WHERE key = ?1",
            )?;
            statement.query_row([key], |row| Ok(signs(row))).optional()?.transpose()
        })
    }
}

impl StoreClock for SqliteStore {
    fn store_now(&self) -> PortFuture<'_, Result<Option<Timestamp>, StoreFailure>> {
        // The library takes its time from this machine; what counts is that it answers.
        self.read(|connection| {
            connection.query_row("SELECT 1", [], |_| Ok(()))?;
            Ok(None)
        })
    }
}
