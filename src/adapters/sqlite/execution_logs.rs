use conductor_core::data::Record;
use conductor_core::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, MOST_LINES, MOST_STEPS, RunEnd};
use conductor_core::identity::EventId;
use conductor_core::port::{ExecutionFilter, ExecutionLogs, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::append::bytes;
use super::failure::{Fault, limit as rows, signed, unsigned};
use crate::codec::{CodecError, decode_record, encode_record};

const COLUMNS: &str = "id, header, started_at, last_at, ended_at, ended, steps, lines";

fn run(row: &Row<'_>) -> Result<Execution, Fault> {
    let (id, header): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
    let (ended_at, ended): (Option<i64>, Option<String>) = (row.get(4)?, row.get(5)?);
    Ok(Execution {
        id: EventId(u128::from_be_bytes(id)),
        header: decode_record(&header)?,
        started_at: Timestamp::from_millis(row.get(2)?),
        last_at: Timestamp::from_millis(row.get(3)?),
        end: match (ended, ended_at) {
            (Some(ended), Some(at)) => Some((decode_record(&ended)?, Timestamp::from_millis(at))),
            (Some(_) | None, _) => None,
        },
        steps: unsigned(row.get(6)?),
        lines: unsigned(row.get(7)?),
    })
}

fn texts<R: Record>(records: &[R]) -> Result<Vec<String>, StoreFailure> {
    Ok(records.iter().map(encode_record).collect::<Result<_, CodecError>>()?)
}

/// Which entries of a run.
#[derive(Clone, Copy)]
struct Kind {
    word: &'static str,
    counter: &'static str,
    most: u64,
}

const STEPS: Kind = Kind { word: "step", counter: "steps", most: MOST_STEPS };
const LINES: Kind = Kind { word: "line", counter: "lines", most: MOST_LINES };

fn add(
    connection: &Connection,
    id: EventId,
    kind: Kind,
    told: &[String],
    now: Timestamp,
) -> Result<Option<Added>, Fault> {
    let Kind { word, counter, most } = kind;
    let count = format!(
        "UPDATE executions SET {counter} = {counter} + ?2, last_at = max(last_at, ?3) WHERE id = ?1 RETURNING {counter}"
    );
    let mut statement = connection.prepare_cached(&count)?;
    let all = statement.query_row(params![bytes(id), signed(told.len() as u64), now.as_millis()], |row| row.get(0));
    let Some(all) = all.optional()? else { return Ok(None) };
    let added = Added::of(unsigned(all) - told.len() as u64, told.len(), most);
    let mut statement = connection
        .prepare_cached("INSERT INTO execution_entries (execution, kind, number, data) VALUES (?1, ?2, ?3, ?4)")?;
    for (number, text) in (added.before + 1..=added.before + added.kept).zip(told) {
        statement.execute(params![bytes(id), word, signed(number), text])?;
    }
    Ok(Some(added))
}

fn page<R: Record>(connection: &Connection, id: EventId, kind: Kind, skip: u64, limit: usize) -> Result<Vec<R>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT data FROM execution_entries WHERE execution = ?1 AND kind = ?2 AND number > ?3 ORDER BY number LIMIT ?4",
    )?;
    let (mut rows, mut found) =
        (statement.query(params![bytes(id), kind.word, signed(skip), rows(limit)])?, Vec::new());
    while let Some(row) = rows.next()? {
        found.push(decode_record(&row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

impl ExecutionLogs for SqliteStore {
    fn begin_execution<'a>(&'a self, begun: &'a Execution) -> PortFuture<'a, Result<bool, StoreFailure>> {
        let begun = begun.clone();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO executions (id, agent, repo_key, number, header, started_at, last_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?;
            let header = &begun.header;
            let made = statement.execute(params![
                bytes(begun.id),
                header.claimant.agent.as_str(),
                header.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase()),
                header.number.map(signed),
                encode_record(header)?,
                begun.started_at.as_millis(),
                begun.last_at.as_millis(),
            ])?;
            Ok(made == 1)
        })
    }

    fn add_steps<'a>(
        &'a self,
        id: EventId,
        steps: &'a [ExecutionStep],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        let told = texts(steps);
        Box::pin(async move {
            let told = told?;
            self.write(move |connection| add(connection, id, STEPS, &told, now)).await
        })
    }

    fn add_lines<'a>(
        &'a self,
        id: EventId,
        lines: &'a [ExecutionLine],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        let told = texts(lines);
        Box::pin(async move {
            let told = told?;
            self.write(move |connection| add(connection, id, LINES, &told, now)).await
        })
    }

    fn end_execution<'a>(
        &'a self,
        id: EventId,
        end: &'a RunEnd,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<bool>, StoreFailure>> {
        let end = end.clone();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE executions SET ended = ?2, ended_at = ?3, last_at = max(last_at, ?3)
                 WHERE id = ?1 AND ended IS NULL",
            )?;
            if statement.execute(params![bytes(id), encode_record(&end)?, now.as_millis()])? == 1 {
                return Ok(Some(true));
            }
            let mut statement = connection.prepare_cached("SELECT 1 FROM executions WHERE id = ?1")?;
            Ok(statement.exists([bytes(id)])?.then_some(false))
        })
    }

    fn execution(&self, id: EventId) -> PortFuture<'_, Result<Option<Execution>, StoreFailure>> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM executions WHERE id = ?1"))?;
            statement.query_row([bytes(id)], |row| Ok(run(row))).optional()?.transpose()
        })
    }

    fn executions<'a>(
        &'a self,
        filter: &'a ExecutionFilter,
        after: Option<EventId>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Execution>, StoreFailure>> {
        let filter = filter.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM executions
                 WHERE (?1 IS NULL OR repo_key = ?1) AND (?2 IS NULL OR number = ?2) AND (?3 IS NULL OR agent = ?3)
                   AND (?4 IS NULL OR (started_at, id) < (SELECT started_at, id FROM executions WHERE id = ?4))
                 ORDER BY started_at DESC, id DESC LIMIT ?5"
            ))?;
            let mut found = Vec::new();
            let mut rows = statement.query(params![
                filter.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase()),
                filter.number.map(signed),
                filter.agent.as_ref().map(|agent| agent.as_str()),
                after.map(bytes),
                rows(limit),
            ])?;
            while let Some(row) = rows.next()? {
                found.push(run(row)?);
            }
            Ok(found)
        })
    }

    fn steps_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionStep>, StoreFailure>> {
        self.read(move |connection| page(connection, id, STEPS, skip, limit))
    }

    fn lines_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionLine>, StoreFailure>> {
        self.read(move |connection| page(connection, id, LINES, skip, limit))
    }

    fn drop_executions(&self, before: Timestamp) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached("DELETE FROM executions WHERE last_at < ?1")?;
            Ok(statement.execute([before.as_millis()])? as u64)
        })
    }
}
