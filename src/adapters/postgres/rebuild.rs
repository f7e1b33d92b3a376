//! Rows that another build's projections wrote, made anew from the log.

use conductor_core::identity::StreamId;
use conductor_core::port::{Cursor, StoreFailure};
use tokio_postgres::types::ToSql;

use super::connections::{Connections, Params};
use super::log::replay;
use super::rows::{projection, stream_id};
use super::sql_types::{bigint, without_nul};
use crate::codec::encode_state;

/// Streams per transaction: appends wait for one of them for some ten milliseconds.
const AT_ONCE: usize = 100;

/// Makes every row anew that an older build's projections wrote, or that is missing.
///
/// Other replicas may append meanwhile: a row is written only where its stream still stands where the replay ended, under the
/// log's lock. Rows of a newer build are left alone: that one is being rolled out, this one is on its way out. Until its row
/// is made anew a stream is replayed by whoever reads it, so this is about columns and speed.
pub(super) async fn stale_rows(connections: &Connections) -> Result<(), StoreFailure> {
    let (mut after, mut rebuilt) = (0, 0);
    loop {
        let stale = find(connections, after).await?;
        let Some((last, _)) = stale.last() else { break };
        after = *last;
        rebuilt += stale.len();
        rebuild(connections, &stale).await?;
    }
    if rebuilt > 0 {
        tracing::info!(rows = rebuilt, "rebuilt read-model rows from the log");
    }
    Ok(())
}

async fn find(connections: &Connections, after: i64) -> Result<Vec<(i64, StreamId)>, StoreFailure> {
    // At each start all rows are looked at once, a tenth of a second for 100,000: an index would cost every append.
    let sql = "SELECT s.id, s.kind, s.name FROM streams s WHERE s.id IN (
            (SELECT stream FROM read_models WHERE projection < $1 AND stream > $2 ORDER BY stream LIMIT $3)
            UNION ALL
            (SELECT id FROM streams WHERE id > $2 AND NOT EXISTS (SELECT FROM read_models WHERE stream = id)
             ORDER BY id LIMIT $3)
        ) ORDER BY s.id LIMIT $3";
    let at_once = super::sql_types::limit(AT_ONCE);
    connections
        .rows(sql, &[&projection(), &after, &at_once], |row| Ok((row.get(0), stream_id(row.get(1), row.get(2))?)))
        .await
}

/// `expected` of the row is the version of its stream: another one was appended to meanwhile, and has a row of its own.
const WRITE: &str = "
    INSERT INTO read_models (stream, kind, version, projection, shown, sort_name, number, state, priority, holder, claimant,
        unstarted, head, document, body)
    SELECT $1::bigint, $2::text, $3::bigint, $4::integer, $5::boolean, $6::text, $7::bigint, $8::text, $9::text, $10::text,
        $11::text, $12::boolean, $13::text, $14::text, $15::text
    WHERE $3 = (SELECT version FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, projection = excluded.projection, shown = excluded.shown,
        sort_name = excluded.sort_name, number = excluded.number, state = excluded.state, priority = excluded.priority,
        holder = excluded.holder, claimant = excluded.claimant, unstarted = excluded.unstarted, head = excluded.head,
        document = excluded.document, body = excluded.body";

async fn rebuild(connections: &Connections, stale: &[(i64, StreamId)]) -> Result<(), StoreFailure> {
    let mut rows: Vec<Vec<Box<dyn ToSql + Sync + Send>>> = Vec::with_capacity(stale.len());
    for (id, stream) in stale {
        let replayed = replay(connections, stream).await?;
        let (columns, place) = (replayed.state.columns(), Cursor::of(stream));
        let claimant = columns.holder.as_ref().map(ToString::to_string);
        let holder = columns.holder.map(|claimant| claimant.agent.to_string());
        rows.push(vec![
            Box::new(*id),
            Box::new(stream.kind().as_str()),
            Box::new(bigint(replayed.version)),
            Box::new(projection()),
            Box::new(columns.shown),
            Box::new(place.name),
            Box::new(bigint(place.number)),
            Box::new(columns.state),
            Box::new(columns.priority),
            Box::new(holder),
            Box::new(claimant),
            Box::new(columns.unstarted),
            Box::new(columns.head.map(|head| head.to_string())),
            Box::new(encode_state(&replayed.state)?),
            Box::new(replayed.body.as_deref().map(|body| without_nul(body).into_owned())),
        ]);
    }
    let params: Vec<Vec<&(dyn ToSql + Sync)>> =
        rows.iter().map(|row| row.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()).collect();
    let all: Vec<Params<'_>> = params.iter().map(Vec::as_slice).collect();
    connections.execute_under_log_lock(WRITE, &all).await
}
