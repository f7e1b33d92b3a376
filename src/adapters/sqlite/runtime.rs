use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::identity::{AgentId, RepoName};
use conductor_core::learning::{Learning, MOST_LEARNINGS};
use conductor_core::port::{AgentLogs, Learnings, LineFilter, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use rusqlite::{Row, params};

use super::SqliteStore;
use super::failure::{Fault, limit as rows, signed, unsigned};
use crate::codec::{CodecError, decode_record, encode_record};

fn key_of(repo: &RepoName) -> String {
    repo.as_str().to_ascii_lowercase()
}

fn kept(row: &Row<'_>) -> Result<KeptLine, Fault> {
    Ok(KeptLine {
        place: unsigned(row.get(0)?),
        at: Timestamp::from_millis(row.get(1)?),
        line: decode_record(&row.get::<_, String>(2)?)?,
    })
}

impl AgentLogs for SqliteStore {
    fn keep_lines<'a>(&'a self, lines: &'a [AgentLine], now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        let lines = lines.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO agent_lines (agent, level, repo_key, number, at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for line in &lines {
                statement.execute(params![
                    line.claimant.agent.as_str(),
                    line.level.as_str(),
                    line.repo.as_ref().map(key_of),
                    line.number.map(signed),
                    now.as_millis(),
                    encode_record(line)?,
                ])?;
            }
            Ok(())
        })
    }

    fn agent_lines<'a>(
        &'a self,
        filter: &'a LineFilter,
        before: Option<u64>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<KeptLine>, StoreFailure>> {
        let filter = filter.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT place, at, data FROM agent_lines
                 WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR level = ?2) AND (?3 IS NULL OR repo_key = ?3)
                   AND (?4 IS NULL OR number = ?4) AND (?5 IS NULL OR place < ?5)
                 ORDER BY place DESC LIMIT ?6",
            )?;
            let mut found = Vec::new();
            let mut rows = statement.query(params![
                filter.agent.as_ref().map(AgentId::as_str),
                filter.level.map(|level| level.as_str()),
                filter.repo.as_ref().map(key_of),
                filter.number.map(signed),
                before.map(signed),
                rows(limit),
            ])?;
            while let Some(row) = rows.next()? {
                found.push(kept(row)?);
            }
            Ok(found)
        })
    }

    fn lines_after(&self, after: u64, limit: usize) -> PortFuture<'_, Result<Vec<KeptLine>, StoreFailure>> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT place, at, data FROM agent_lines WHERE place > ?1 ORDER BY place LIMIT ?2")?;
            let (mut found, mut rows) = (Vec::new(), statement.query(params![signed(after), rows(limit)])?);
            while let Some(row) = rows.next()? {
                found.push(kept(row)?);
            }
            Ok(found)
        })
    }

    fn drop_lines(&self, before: Timestamp, most: u64) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "DELETE FROM agent_lines WHERE at < ?1 OR place IN (
                     SELECT place FROM (
                         SELECT place, row_number() OVER (PARTITION BY agent ORDER BY place DESC) AS nth FROM agent_lines
                     ) WHERE nth > ?2
                 )",
            )?;
            Ok(statement.execute(params![before.as_millis(), signed(most)])? as u64)
        })
    }
}

impl Learnings for SqliteStore {
    fn learn<'a>(&'a self, learning: &'a Learning) -> PortFuture<'a, Result<(), StoreFailure>> {
        let learning = learning.clone();
        self.write(move |connection| {
            let repo = key_of(&learning.repo);
            let mut statement = connection.prepare_cached(
                "INSERT INTO learnings (repo_key, key, repo, value, agent, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (repo_key, key) DO UPDATE SET
                     value = excluded.value, agent = excluded.agent, updated_at = excluded.updated_at",
            )?;
            statement.execute(params![
                repo,
                learning.key,
                learning.repo.as_str(),
                learning.value,
                learning.agent.as_str(),
                learning.updated_at.as_millis(),
            ])?;
            let mut statement = connection.prepare_cached(
                "DELETE FROM learnings WHERE repo_key = ?1 AND key IN (
                     SELECT key FROM learnings WHERE repo_key = ?1 ORDER BY updated_at DESC, key DESC LIMIT -1 OFFSET ?2
                 )",
            )?;
            statement.execute(params![repo, rows(MOST_LEARNINGS)])?;
            Ok(())
        })
    }

    fn learnings<'a>(&'a self, repo: &'a RepoName) -> PortFuture<'a, Result<Vec<Learning>, StoreFailure>> {
        let repo = key_of(repo);
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT repo, key, value, agent, updated_at FROM learnings WHERE repo_key = ?1 ORDER BY key",
            )?;
            let (mut rows, mut found) = (statement.query([repo])?, Vec::new());
            while let Some(row) = rows.next()? {
                let (repo, agent): (String, String) = (row.get(0)?, row.get(3)?);
                found.push(Learning {
                    repo: RepoName::parse(&repo).ok_or(CodecError::Stream(repo))?,
                    key: row.get(1)?,
                    value: row.get(2)?,
                    agent: AgentId::parse(&agent).ok_or(CodecError::Stream(agent))?,
                    updated_at: Timestamp::from_millis(row.get(4)?),
                });
            }
            Ok(found)
        })
    }
}
