//! Runs and what they tell. Each call is one statement, so that a run's counter and its entries never part.

use conductor_core::data::Record;
use conductor_core::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, MOST_LINES, MOST_STEPS, RunEnd};
use conductor_core::identity::EventId;
use conductor_core::port::{ExecutionFilter, ExecutionLogs, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::sql_types::{At, JsonText, bigint, count, limit as rows};
use crate::codec::{CodecError, decode_record, encode_record};

const COLUMNS: &str = "id, header, started_at, last_at, ended_at, ended, steps, lines";

/// Runs per statement that drops them: each takes its entries along, twenty thousand at most.
const AT_ONCE: i64 = 20;

fn run(row: &Row) -> Result<Execution, StoreFailure> {
    let (at, ended) = (row.get::<_, Option<At>>(4), row.get::<_, Option<JsonText<'_>>>(5));
    Ok(Execution {
        id: EventId(row.get::<_, Uuid>(0).as_u128()),
        header: decode_record(row.get::<_, JsonText<'_>>(1).0)?,
        started_at: row.get::<_, At>(2).0,
        last_at: row.get::<_, At>(3).0,
        end: match (ended, at) {
            (Some(JsonText(ended)), Some(At(at))) => Some((decode_record(ended)?, at)),
            (Some(_) | None, _) => None,
        },
        steps: count(row.get(6)),
        lines: count(row.get(7)),
    })
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

impl PostgresStore {
    async fn add_entries<R: Record>(
        &self,
        id: EventId,
        kind: Kind,
        told: &[R],
        now: Timestamp,
    ) -> Result<Option<Added>, StoreFailure> {
        let Kind { word, counter, most } = kind;
        let texts: Vec<String> = told.iter().map(encode_record).collect::<Result<_, CodecError>>()?;
        let texts: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
        let sql = format!(
            "WITH counted AS (
                UPDATE executions SET {counter} = {counter} + $2, last_at = greatest(last_at, $3) WHERE id = $1
                RETURNING {counter} - $2 AS before
            ), kept AS (
                INSERT INTO execution_entries (execution, kind, number, data)
                SELECT $1, '{word}', counted.before + told.nth, told.data
                FROM counted, unnest($4::json[]) WITH ORDINALITY AS told (data, nth)
                WHERE counted.before + told.nth <= $5
            )
            SELECT before FROM counted"
        );
        let (id, length) = (Uuid::from_u128(id.0), bigint(told.len() as u64));
        let before = self
            .connections()
            .first(&sql, &[&id, &length, &At(now), &texts, &bigint(most)], |row| Ok(count(row.get(0))))
            .await?;
        Ok(before.map(|before| Added::of(before, told.len(), most)))
    }

    async fn entries<R: Record + Send>(
        &self,
        id: EventId,
        kind: Kind,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<R>, StoreFailure> {
        let sql = "SELECT data FROM execution_entries WHERE execution = $1 AND kind = $2 AND number > $3
            ORDER BY number LIMIT $4";
        let id = Uuid::from_u128(id.0);
        let read = |row: &Row| Ok(decode_record(row.get::<_, JsonText<'_>>(0).0)?);
        self.connections().rows(sql, &[&id, &kind.word, &bigint(skip), &rows(limit)], read).await
    }
}

impl ExecutionLogs for PostgresStore {
    fn begin_execution<'a>(&'a self, begun: &'a Execution) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move {
            let sql = "INSERT INTO executions (id, agent, repo_key, number, header, started_at, last_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
            let header = &begun.header;
            let repo = header.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase());
            let (id, agent, text) =
                (Uuid::from_u128(begun.id.0), header.claimant.agent.as_str(), encode_record(header)?);
            let (number, started, last) = (header.number.map(bigint), At(begun.started_at), At(begun.last_at));
            let made = self
                .connections()
                .execute(sql, &[&id, &agent, &repo, &number, &JsonText(&text), &started, &last])
                .await?;
            Ok(made == 1)
        })
    }

    fn add_steps<'a>(
        &'a self,
        id: EventId,
        steps: &'a [ExecutionStep],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        Box::pin(self.add_entries(id, STEPS, steps, now))
    }

    fn add_lines<'a>(
        &'a self,
        id: EventId,
        lines: &'a [ExecutionLine],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        Box::pin(self.add_entries(id, LINES, lines, now))
    }

    fn end_execution<'a>(
        &'a self,
        id: EventId,
        end: &'a RunEnd,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<bool>, StoreFailure>> {
        Box::pin(async move {
            let sql = "WITH ended AS (
                    UPDATE executions SET ended = $2, ended_at = $3, last_at = greatest(last_at, $3)
                    WHERE id = $1 AND ended IS NULL RETURNING id
                )
                SELECT EXISTS (SELECT FROM ended) FROM executions WHERE id = $1";
            let text = encode_record(end)?;
            let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&Uuid::from_u128(id.0), &JsonText(&text), &At(now)];
            self.connections().first(sql, &params, |row| Ok(row.get(0))).await
        })
    }

    fn execution(&self, id: EventId) -> PortFuture<'_, Result<Option<Execution>, StoreFailure>> {
        Box::pin(async move {
            let sql = format!("SELECT {COLUMNS} FROM executions WHERE id = $1");
            self.connections().first(&sql, &[&Uuid::from_u128(id.0)], run).await
        })
    }

    fn executions<'a>(
        &'a self,
        filter: &'a ExecutionFilter,
        after: Option<EventId>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Execution>, StoreFailure>> {
        Box::pin(async move {
            let sql = format!(
                "SELECT {COLUMNS} FROM executions
                WHERE ($1::text IS NULL OR repo_key = $1) AND ($2::bigint IS NULL OR number = $2)
                    AND ($3::text IS NULL OR agent = $3)
                    AND ($4::uuid IS NULL OR (started_at, id) < (SELECT started_at, id FROM executions WHERE id = $4))
                ORDER BY started_at DESC, id DESC LIMIT $5"
            );
            let repo = filter.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase());
            let (number, agent) = (filter.number.map(bigint), filter.agent.as_ref().map(|agent| agent.as_str()));
            let after = after.map(|id| Uuid::from_u128(id.0));
            self.connections().rows(&sql, &[&repo, &number, &agent, &after, &rows(limit)], run).await
        })
    }

    fn steps_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionStep>, StoreFailure>> {
        Box::pin(self.entries(id, STEPS, skip, limit))
    }

    fn lines_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionLine>, StoreFailure>> {
        Box::pin(self.entries(id, LINES, skip, limit))
    }

    fn drop_executions(&self, before: Timestamp) -> PortFuture<'_, Result<u64, StoreFailure>> {
        Box::pin(async move {
            let sql = "DELETE FROM executions
                WHERE id = ANY(ARRAY(SELECT id FROM executions WHERE last_at < $1 LIMIT $2))";
            let mut dropped = 0;
            loop {
                let piece = self.connections().execute(sql, &[&At(before), &AT_ONCE]).await?;
                dropped += piece;
                if piece < AT_ONCE.unsigned_abs() {
                    return Ok(dropped);
                }
            }
        })
    }
}
