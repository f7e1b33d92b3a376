//! The leader's term: one row, judged by the database's clock alone. A session's advisory lock would do less: it outlives a
//! frozen holder for as long as its connection stands.

use std::time::Duration;

use conductor_core::port::{Candidacy, LeaderTerm, PortFuture, StoreFailure};
use tokio_postgres::Row;

use super::PostgresStore;
use super::sql_types::{bigint, count};

/// `now()` is when the statement began, so a wait for another's write to the row shortens a term and never lengthens it.
///
/// Written even where another's term lasts, and then without effect, but for one thing: a term that would last longer than
/// its length was begun before the database's clock went back, and is cut to its length from now.
const TAKE: &str = "INSERT INTO leader AS l (holder, term, length, ends_at)
    SELECT $1, 1, length, now() + length FROM (SELECT $2 * interval '1 millisecond' AS length) given
    ON CONFLICT (only_row) DO UPDATE SET (holder, term, length, ends_at) = (
        SELECT excluded.holder, l.term + 1, excluded.length, excluded.ends_at
        WHERE l.ends_at <= now() OR l.holder = excluded.holder
        UNION ALL
        SELECT l.holder, l.term, l.length, least(l.ends_at, now() + l.length)
        WHERE l.ends_at > now() AND l.holder <> excluded.holder
    )
    RETURNING holder, term, (extract(epoch FROM ends_at - now()) * 1000)::bigint";

const RENEW: &str = "UPDATE leader SET length = given.length, ends_at = now() + given.length
    FROM (SELECT $3 * interval '1 millisecond' AS length) given
    WHERE holder = $1 AND term = $2 AND ends_at > now()";

const END: &str = "UPDATE leader SET ends_at = now() WHERE holder = $1 AND term = $2 AND ends_at > now()";

/// In milliseconds, as `double precision`: what an interval is multiplied by.
#[allow(clippy::cast_precision_loss, reason = "terms are seconds, not millions of years")]
fn millis(length: Duration) -> f64 {
    length.as_millis() as f64
}

impl LeaderTerm for PostgresStore {
    fn take_term<'a>(&'a self, holder: &'a str, length: Duration) -> PortFuture<'a, Result<Candidacy, StoreFailure>> {
        Box::pin(async move {
            let length = millis(length);
            let candidacy = |row: &Row| {
                let (leader, term, left): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
                Ok(if leader == holder {
                    Candidacy::Elected { term: count(term) }
                } else {
                    Candidacy::Standby { leader, left: Duration::from_millis(count(left)) }
                })
            };
            let taken = self.connections().first(TAKE, &[&holder, &length], candidacy).await?;
            taken.ok_or_else(|| StoreFailure::Corrupt("the leader's row was neither made nor found".to_owned()))
        })
    }

    fn renew_term<'a>(
        &'a self,
        holder: &'a str,
        term: u64,
        length: Duration,
    ) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move {
            let renewed = self.connections().execute(RENEW, &[&holder, &bigint(term), &millis(length)]).await?;
            Ok(renewed == 1)
        })
    }

    fn end_term<'a>(&'a self, holder: &'a str, term: u64) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move { self.connections().execute(END, &[&holder, &bigint(term)]).await.map(drop) })
    }
}
