//! Signs of life of leases: too many for the log.

use std::collections::BTreeMap;

use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{LeaseRenewals, LeaseSigns, PortFuture, StoreClock, StoreFailure};
use conductor_core::time::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::sql_types::At;

/// The rules of [`LeaseSigns::take`]; `greatest` passes over what is not there.
const NOTE: &str = "
    INSERT INTO lease_renewals AS known (key, issue, epoch, renewed_at, delivered_at, worked_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
    ON CONFLICT (key) DO UPDATE SET
        epoch = excluded.epoch,
        renewed_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.renewed_at
            ELSE greatest(known.renewed_at, excluded.renewed_at) END,
        delivered_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.delivered_at
            ELSE coalesce(known.delivered_at, excluded.delivered_at) END,
        worked_at = CASE WHEN excluded.epoch > known.epoch THEN excluded.worked_at
            ELSE greatest(known.worked_at, excluded.worked_at) END
    WHERE excluded.epoch >= known.epoch";

fn signs(row: &Row) -> Result<LeaseSigns, StoreFailure> {
    let (issue, epoch): (&str, i32) = (row.get(0), row.get(1));
    let broken = || StoreFailure::Corrupt(format!("signs of lease {epoch} of {issue:?}"));
    let time = |column| row.get::<_, Option<At>>(column).map(|At(at)| at);
    Ok(LeaseSigns {
        issue: IssueRef::parse(issue).ok_or_else(broken)?,
        epoch: u32::try_from(epoch).map_err(|_| broken())?,
        renewed_at: time(2),
        delivered_at: time(3),
        worked_at: time(4),
    })
}

impl LeaseRenewals for PostgresStore {
    fn note_signs<'a>(&'a self, signs: &'a [LeaseSigns]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            // A statement can't touch a row twice. In order, so that two replicas never lock rows crosswise.
            let mut newest: BTreeMap<String, LeaseSigns> = BTreeMap::new();
            for noted in signs {
                let key = StreamId::Issue(noted.issue.clone()).key();
                newest.entry(key).or_insert_with(|| noted.clone()).take(noted);
            }
            if newest.is_empty() {
                return Ok(());
            }
            let keys: Vec<&str> = newest.keys().map(String::as_str).collect();
            let issues: Vec<String> = newest.values().map(|noted| noted.issue.to_string()).collect();
            let epochs: Vec<i32> =
                newest.values().map(|noted| i32::try_from(noted.epoch).unwrap_or(i32::MAX)).collect();
            let renewed: Vec<Option<At>> = newest.values().map(|noted| noted.renewed_at.map(At)).collect();
            let delivered: Vec<Option<At>> = newest.values().map(|noted| noted.delivered_at.map(At)).collect();
            let worked: Vec<Option<At>> = newest.values().map(|noted| noted.worked_at.map(At)).collect();
            self.connections().execute(NOTE, &[&keys, &issues, &epochs, &renewed, &delivered, &worked]).await.map(drop)
        })
    }

    fn lease_signs(&self) -> PortFuture<'_, Result<Vec<LeaseSigns>, StoreFailure>> {
        Box::pin(async move {
            let sql = "SELECT issue, epoch, renewed_at, delivered_at, worked_at FROM lease_renewals";
            self.connections().rows(sql, &[], signs).await
        })
    }

    fn signs_of<'a>(&'a self, issue: &'a IssueRef) -> PortFuture<'a, Result<Option<LeaseSigns>, StoreFailure>> {
        Box::pin(async move {
            let sql = "SELECT issue, epoch, renewed_at, delivered_at, worked_at FROM lease_renewals WHERE key = $1";
            self.connections().first(sql, &[&StreamId::Issue(issue.clone()).key()], signs).await
        })
    }
}

impl StoreClock for PostgresStore {
    fn store_now(&self) -> PortFuture<'_, Result<Option<Timestamp>, StoreFailure>> {
        Box::pin(async move {
            self.connections().first("SELECT clock_timestamp()", &[], |row| Ok(row.get::<_, At>(0).0)).await
        })
    }
}
