//! Rows of streams, as the last append left them.

use conductor_core::identity::{IssueRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::{Cursor, RowFilter, StoreFailure, StoredRow};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connections::Connections;
use super::log::replay;
use super::row_reader::RowReader;
use super::rows::{is_current, stream_id};
use super::sql_types::{bigint, count, limit};
use crate::codec::decode_state;

/// A row whose document another build wrote has no state yet.
enum Found {
    Current(StoredRow),
    Outdated(StreamId),
}

pub(super) async fn rows(
    connections: &Connections,
    kind: StreamKind,
    filter: &RowFilter,
    after: Option<&Cursor>,
    at_most: usize,
) -> Result<Vec<StoredRow>, StoreFailure> {
    let kind = kind.as_str();
    let repo = filter.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase());
    let agent = filter.agent.as_ref().map(|agent| agent.as_str());
    let after = after.map(|cursor| (cursor.name.as_str(), bigint(cursor.number)));
    let at_most = limit(at_most);

    // Only the conditions that there are, so that each combination gets a plan that uses its index.
    let mut sql = "SELECT s.kind, s.name, r.version, r.projection, r.document, NULL::text AS body
        FROM read_models r JOIN streams s ON s.id = r.stream WHERE r.shown"
        .to_owned();
    // Rows of certain states or of one holder are few, and found by an index of their own; pages of all go by the streams.
    let by = if filter.states.is_empty() && agent.is_none() { 's' } else { 'r' };
    sql += &format!(" AND {by}.kind = $1");
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&kind];
    if let Some(repo) = &repo {
        params.push(repo);
        sql += &format!(" AND {by}.sort_name = ${}", params.len());
    }
    if !filter.states.is_empty() {
        params.push(&filter.states);
        sql += &format!(" AND r.state = ANY(${})", params.len());
    }
    if let Some(priority) = &filter.priority {
        params.push(priority);
        sql += &format!(" AND r.priority = ${}", params.len());
    }
    if let Some(agent) = &agent {
        params.push(agent);
        sql += &format!(" AND r.holder = ${}", params.len());
    }
    if let Some((name, number)) = &after {
        params.extend::<[&(dyn ToSql + Sync); 2]>([name, number]);
        sql += &format!(" AND ({by}.sort_name, {by}.number) > (${}, ${})", params.len() - 1, params.len());
    }
    params.push(&at_most);
    sql += &format!(" ORDER BY {by}.sort_name, {by}.number LIMIT ${}", params.len());
    let found = connections.rows(&sql, &params, read).await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        rows.push(current(connections, row, false).await?);
    }
    Ok(rows)
}

/// One stream's row; `None` for a stream without events.
pub(super) async fn row(
    connections: &Connections,
    reader: &RowReader,
    stream: &StreamId,
    with_body: bool,
) -> Result<Option<StoredRow>, StoreFailure> {
    match reader.read(stream, with_body).await? {
        Some(row) => current(connections, read(&row)?, with_body).await.map(Some),
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<Found, StoreFailure> {
    let stream = stream_id(row.get(0), row.get(1))?;
    if !is_current(row.get(3)) {
        return Ok(Found::Outdated(stream));
    }
    let state = decode_state(stream.kind(), row.get(4))?;
    Ok(Found::Current(StoredRow { stream, version: count(row.get(2)), state, body: row.get(5) }))
}

async fn current(connections: &Connections, found: Found, with_body: bool) -> Result<StoredRow, StoreFailure> {
    match found {
        Found::Current(row) => Ok(row),
        Found::Outdated(stream) => {
            let replay = replay(connections, &stream).await?;
            let body = replay.body.filter(|_| with_body);
            Ok(StoredRow { stream, version: replay.version, state: replay.state, body })
        }
    }
}

pub(super) async fn pulls_with_head(
    connections: &Connections,
    repo: &RepoName,
    head: &Sha,
) -> Result<Vec<IssueRef>, StoreFailure> {
    let sql = "SELECT s.name FROM read_models r JOIN streams s ON s.id = r.stream
               WHERE r.head = $1 AND r.kind = 'pull_request' AND r.sort_name = $2 ORDER BY r.number";
    let repo = repo.as_str().to_ascii_lowercase();
    connections
        .rows(sql, &[&head.as_str(), &repo], |row| {
            let name = row.get(0);
            IssueRef::parse(name).ok_or_else(|| StoreFailure::Corrupt(format!("no pull request: {name:?}")))
        })
        .await
}

pub(super) async fn kind_of(
    connections: &Connections,
    reference: &IssueRef,
) -> Result<Option<StreamKind>, StoreFailure> {
    let meanings = [StreamId::PullRequest(reference.clone()), StreamId::Issue(reference.clone())];
    let keys: Vec<String> = meanings.iter().map(StreamId::key).collect();
    let known: Vec<String> =
        connections.rows("SELECT key FROM streams WHERE key = ANY($1)", &[&keys], |row| Ok(row.get(0))).await?;
    Ok(meanings.iter().find(|stream| known.contains(&stream.key())).map(StreamId::kind))
}
