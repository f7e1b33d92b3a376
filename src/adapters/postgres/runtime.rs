//! Agents' lines and notes.

use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::identity::{AgentId, RepoName};
use conductor_core::learning::{Learning, MOST_LEARNINGS};
use conductor_core::port::{AgentLogs, Learnings, LineFilter, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::sql_types::{At, JsonText, bigint, count, limit as rows};
use crate::codec::{CodecError, decode_record, encode_record};

fn key_of(repo: &RepoName) -> String {
    repo.as_str().to_ascii_lowercase()
}

fn kept(row: &Row) -> Result<KeptLine, StoreFailure> {
    Ok(KeptLine {
        place: count(row.get(0)),
        at: row.get::<_, At>(1).0,
        line: decode_record(row.get::<_, JsonText<'_>>(2).0)?,
    })
}

fn learning(row: &Row) -> Result<Learning, StoreFailure> {
    let (repo, agent): (&str, &str) = (row.get(0), row.get(3));
    Ok(Learning {
        repo: RepoName::parse(repo).ok_or_else(|| CodecError::Stream(repo.to_owned()))?,
        key: row.get(1),
        value: row.get(2),
        agent: AgentId::parse(agent).ok_or_else(|| CodecError::Stream(agent.to_owned()))?,
        updated_at: row.get::<_, At>(4).0,
    })
}

impl AgentLogs for PostgresStore {
    fn keep_lines<'a>(&'a self, lines: &'a [AgentLine], now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            if lines.is_empty() {
                return Ok(());
            }
            let agents: Vec<&str> = lines.iter().map(|line| line.claimant.agent.as_str()).collect();
            let levels: Vec<&str> = lines.iter().map(|line| line.level.as_str()).collect();
            let repos: Vec<Option<String>> = lines.iter().map(|line| line.repo.as_ref().map(key_of)).collect();
            let numbers: Vec<Option<i64>> = lines.iter().map(|line| line.number.map(bigint)).collect();
            let texts: Vec<String> = lines.iter().map(encode_record).collect::<Result<_, CodecError>>()?;
            let texts: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
            let sql = "INSERT INTO agent_lines (agent, level, repo_key, number, at, data)
                SELECT given.agent, given.level, given.repo, given.number, $6, given.data
                FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::json[]) WITH ORDINALITY
                    AS given (agent, level, repo, number, data, nth)
                ORDER BY given.nth";
            let kept = self.connections().execute(sql, &[&agents, &levels, &repos, &numbers, &texts, &At(now)]).await;
            kept.map(drop)
        })
    }

    fn agent_lines<'a>(
        &'a self,
        filter: &'a LineFilter,
        before: Option<u64>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<KeptLine>, StoreFailure>> {
        Box::pin(async move {
            let sql = "SELECT place, at, data FROM agent_lines
                WHERE ($1::text IS NULL OR agent = $1) AND ($2::text IS NULL OR level = $2)
                    AND ($3::text IS NULL OR repo_key = $3) AND ($4::bigint IS NULL OR number = $4)
                    AND ($5::bigint IS NULL OR place < $5)
                ORDER BY place DESC LIMIT $6";
            let (agent, level) = (filter.agent.as_ref().map(AgentId::as_str), filter.level.map(|level| level.as_str()));
            let (repo, number) = (filter.repo.as_ref().map(key_of), filter.number.map(bigint));
            let before = before.map(bigint);
            self.connections().rows(sql, &[&agent, &level, &repo, &number, &before, &rows(limit)], kept).await
        })
    }

    fn lines_after(&self, after: u64, limit: usize) -> PortFuture<'_, Result<Vec<KeptLine>, StoreFailure>> {
        Box::pin(async move {
            let sql = "SELECT place, at, data FROM agent_lines WHERE place > $1 ORDER BY place LIMIT $2";
            self.connections().rows(sql, &[&bigint(after), &rows(limit)], kept).await
        })
    }

    fn drop_lines(&self, before: Timestamp, most: u64) -> PortFuture<'_, Result<u64, StoreFailure>> {
        Box::pin(async move {
            let sql = "DELETE FROM agent_lines WHERE at < $1 OR place IN (
                    SELECT place FROM (
                        SELECT place, row_number() OVER (PARTITION BY agent ORDER BY place DESC) AS nth FROM agent_lines
                    ) counted WHERE nth > $2
                )";
            self.connections().execute(sql, &[&At(before), &bigint(most)]).await
        })
    }
}

impl Learnings for PostgresStore {
    fn learn<'a>(&'a self, learning: &'a Learning) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            let sql =
                "INSERT INTO learnings (repo_key, key, repo, value, agent, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (repo_key, key) DO UPDATE SET
                    value = excluded.value, agent = excluded.agent, updated_at = excluded.updated_at";
            let (repo, agent) = (key_of(&learning.repo), learning.agent.as_str());
            let (spelled, at) = (learning.repo.as_str(), At(learning.updated_at));
            self.connections().execute(sql, &[&repo, &learning.key, &spelled, &learning.value, &agent, &at]).await?;
            let sql = "DELETE FROM learnings WHERE repo_key = $1 AND key IN (
                    SELECT key FROM learnings WHERE repo_key = $1 ORDER BY updated_at DESC, key DESC OFFSET $2
                )";
            self.connections().execute(sql, &[&repo, &rows(MOST_LEARNINGS)]).await.map(drop)
        })
    }

    fn learnings<'a>(&'a self, repo: &'a RepoName) -> PortFuture<'a, Result<Vec<Learning>, StoreFailure>> {
        Box::pin(async move {
            let sql = "SELECT repo, key, value, agent, updated_at FROM learnings WHERE repo_key = $1 ORDER BY key";
            self.connections().rows(sql, &[&key_of(repo)], learning).await
        })
    }
}
