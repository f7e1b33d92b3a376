use conductor_core::identity::{IssueRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::{Cursor, PortFuture, ReadModels, RowFilter, StoreFailure, StoredRow};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::SqliteStore;
use super::failure::{Fault, limit, signed, unsigned};
use super::log::{stream_id, stream_of};
use crate::codec::{CodecError, decode_state};

const ROWS: &str = "SELECT s.kind, s.id, m.version, m.document, b.body
    FROM read_models m JOIN streams s ON s.number = m.stream LEFT JOIN bodies b ON b.stream = m.stream";

fn stored_row(row: &Row<'_>) -> Result<StoredRow, Fault> {
    let stream = stream_of(row, 0, 1)?;
    let document = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let state = decode_state(stream.kind(), document)?;
    Ok(StoredRow { stream, version: unsigned(row.get(2)?), state, body: row.get(4)? })
}

/// A `WHERE` that grows condition by condition; every value is bound, never written into the text.
struct Conditions {
    text: String,
    values: Vec<SqlValue>,
}

impl Conditions {
    /// Adds a condition whose `?` stand for these values, in order.
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = SqlValue>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.values.extend(values);
    }
}

fn text(text: impl Into<String>) -> SqlValue {
    SqlValue::Text(text.into())
}

fn conditions(kind: StreamKind, filter: &RowFilter, after: Option<&Cursor>) -> Result<Conditions, Fault> {
    let mut conditions = Conditions { text: " WHERE m.shown = 1".to_owned(), values: Vec::new() };
    conditions.and("m.kind = ?", [text(kind.as_str())]);
    if let Some(repo) = &filter.repo {
        conditions.and("m.repo = ?", [text(repo.as_str().to_ascii_lowercase())]);
    }
    if !filter.states.is_empty() {
        let states = serde_json::to_string(&filter.states).map_err(CodecError::Json)?;
        conditions.and("m.state IN (SELECT value FROM json_each(?))", [text(states)]);
    }
    if let Some(priority) = filter.priority {
        conditions.and("m.priority = ?", [text(priority)]);
    }
    if let Some(agent) = &filter.agent {
        conditions.and("m.holder_agent = ?", [text(agent.as_str())]);
    }
    if let Some(after) = after {
        let place = [text(after.name.as_str()), SqlValue::Integer(signed(after.number))];
        conditions.and("(m.place_name, m.place_number) > (?, ?)", place);
    }
    Ok(conditions)
}

fn rows(
    connection: &Connection,
    kind: StreamKind,
    filter: &RowFilter,
    after: Option<&Cursor>,
    most: usize,
) -> Result<Vec<StoredRow>, Fault> {
    let Conditions { text: condition, mut values } = conditions(kind, filter, after)?;
    values.push(SqlValue::Integer(limit(most)));
    let query = format!("{ROWS}{condition} ORDER BY m.place_name, m.place_number LIMIT ?");
    let mut statement = connection.prepare_cached(&query)?;
    let (mut found, mut stored) = (statement.query(params_from_iter(values))?, Vec::new());
    while let Some(row) = found.next()? {
        stored.push(stored_row(row)?);
    }
    Ok(stored)
}

fn pulls_with_head(connection: &Connection, repo: &str, head: &str) -> Result<Vec<IssueRef>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT s.id FROM read_models m JOIN streams s ON s.number = m.stream
         WHERE m.head = ?1 AND m.repo = ?2 AND m.kind = 'pull_request' ORDER BY m.place_number",
    )?;
    let (mut found, mut pulls) = (statement.query([head, repo])?, Vec::new());
    while let Some(row) = found.next()? {
        if let StreamId::PullRequest(reference) = stream_id(StreamKind::PullRequest, &row.get::<_, String>(0)?)? {
            pulls.push(reference);
        }
    }
    Ok(pulls)
}

impl ReadModels for SqliteStore {
    fn rows<'a>(
        &'a self,
        kind: StreamKind,
        filter: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>> {
        let (filter, after) = (filter.clone(), after.cloned());
        self.read(move |connection| rows(connection, kind, &filter, after.as_ref(), limit))
    }

    fn row<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>> {
        let key = stream.key();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!("{ROWS} WHERE s.key = ?1"))?;
            statement.query_row([key], |row| Ok(stored_row(row))).optional()?.transpose()
        })
    }

    fn pulls_with_head<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>> {
        let (repo, head) = (repo.as_str().to_ascii_lowercase(), head.as_str().to_owned());
        self.read(move |connection| pulls_with_head(connection, &repo, &head))
    }

    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>> {
        let meanings = [StreamId::PullRequest(reference.clone()), StreamId::Issue(reference.clone())];
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM streams WHERE key = ?1")?;
            for meaning in &meanings {
                if statement.exists([meaning.key()])? {
                    return Ok(Some(meaning.kind()));
                }
            }
            Ok(None)
        })
    }
}
