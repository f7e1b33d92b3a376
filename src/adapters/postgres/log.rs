//! Reading the log.

use std::collections::HashMap;

use conductor_core::event::Recorded;
use conductor_core::identity::StreamId;
use conductor_core::port::{LogFilter, StoreFailure};
use tokio_postgres::Row;

use super::connections::{Connections, Params};
use super::rows::{EVENT, of_stream, recorded, stream_id};
use super::sql_types::{bigint, count, limit};
use crate::replay::Replay;

/// Events per page when a stream is replayed: bounds the memory, whatever its length.
const REPLAY_PAGE: usize = 1000;

pub(super) async fn read_stream(
    connections: &Connections,
    stream: &StreamId,
    after: u64,
    at_most: usize,
) -> Result<Vec<Recorded>, StoreFailure> {
    let sql = format!(
        "SELECT {EVENT} FROM streams s JOIN events e ON e.stream = s.id
         WHERE s.key = $1 AND e.version > $2 ORDER BY e.version LIMIT $3"
    );
    page(connections, &sql, &[&stream.key(), &bigint(after), &limit(at_most)], at_most).await
}

pub(super) async fn read_log(
    connections: &Connections,
    after: u64,
    at_most: usize,
    filter: &LogFilter,
) -> Result<Vec<Recorded>, StoreFailure> {
    let (after, rows) = (bigint(after), limit(at_most));
    if filter.types.is_empty() {
        let sql = format!("SELECT {EVENT} FROM events e WHERE e.position > $1 ORDER BY e.position LIMIT $2");
        return page(connections, &sql, &[&after, &rows], at_most).await;
    }
    // The first ones of each type and then the first of those: rare types among many others cost what they are worth.
    let sql = format!(
        "SELECT {EVENT} FROM unnest($3::text[]) AS wanted (type)
         CROSS JOIN LATERAL (
             SELECT * FROM events WHERE type = wanted.type AND position > $1 ORDER BY position LIMIT $2
         ) e
         ORDER BY e.position LIMIT $2"
    );
    let mut types: Vec<&str> = filter.types.iter().map(String::as_str).collect();
    types.sort_unstable();
    types.dedup();
    page(connections, &sql, &[&after, &rows, &types], at_most).await
}

/// Events, decoded while the next ones are on their way; those of streams that are not known yet, after them.
async fn page(
    connections: &Connections,
    sql: &str,
    params: Params<'_>,
    at_most: usize,
) -> Result<Vec<Recorded>, StoreFailure> {
    let mut events = Vec::with_capacity(at_most.min(REPLAY_PAGE));
    let mut strangers = Vec::new();
    connections
        .each(sql, params, |row| {
            match connections.names().get(of_stream(&row)) {
                Some(stream) => events.push(recorded(&row, stream)?),
                None => strangers.push(row),
            }
            Ok(())
        })
        .await?;
    if !strangers.is_empty() {
        let known = introduce(connections, &strangers).await?;
        for row in strangers {
            let id = of_stream(&row);
            let stream = known.get(&id).ok_or_else(|| StoreFailure::Corrupt(format!("no stream has the id {id}")))?;
            events.push(recorded(&row, stream.clone())?);
        }
        // Each page is of one stream, or in the order of the log: the same, since positions grow with versions.
        events.sort_unstable_by_key(|event| event.position);
    }
    Ok(events)
}

/// The streams of these rows, known from now on.
async fn introduce(connections: &Connections, rows: &[Row]) -> Result<HashMap<i64, StreamId>, StoreFailure> {
    let mut ids: Vec<i64> = rows.iter().map(of_stream).collect();
    ids.sort_unstable();
    ids.dedup();
    let sql = "SELECT id, kind, name FROM streams WHERE id = ANY($1)";
    let found = connections.rows(sql, &[&ids], |row| Ok((row.get(0), stream_id(row.get(1), row.get(2))?))).await?;
    for (id, stream) in &found {
        connections.names().learn(*id, stream.clone());
    }
    Ok(found.into_iter().collect())
}

pub(super) async fn head(connections: &Connections) -> Result<u64, StoreFailure> {
    let head =
        connections.first("SELECT max(position) FROM events", &[], |row| Ok(row.get::<_, Option<i64>>(0))).await?;
    Ok(head.flatten().map_or(0, count))
}

/// A stream from its birth.
pub(super) async fn replay(connections: &Connections, stream: &StreamId) -> Result<Replay, StoreFailure> {
    let mut replay = Replay::of(stream);
    loop {
        let page = read_stream(connections, stream, replay.version, REPLAY_PAGE).await?;
        let last = page.len() < REPLAY_PAGE;
        page.into_iter().try_for_each(|event| replay.fold(event))?;
        if last {
            return Ok(replay);
        }
    }
}
