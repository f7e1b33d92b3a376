use conductor_core::event::CheckRecorded;
use conductor_core::identity::{AgentId, Claimant, RepoName, Sha};
use conductor_core::port::{
    Answer, Answers, EarlyCheck, EarlyChecks, Heartbeats, KeyedAnswer, LastHeartbeat, PortFuture, Receipt, StoreFailure,
};
use conductor_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::failure::{Fault, unsigned};
use super::log::stream_of;
use crate::codec::{CodecError, decode_record, encode_record};

fn kept_answer(row: &Row<'_>) -> Result<(KeyedAnswer, Answer), Fault> {
    let key = KeyedAnswer { scope: row.get(0)?, key: row.get(1)?, fingerprint: row.get(2)? };
    let literal: Option<u16> = row.get(3)?;
    let answer = match literal {
        Some(status) => Answer::Literal { status, body: row.get(4)? },
        None => Answer::Appended {
            stream: stream_of(row, 5, 6)?,
            receipt: Receipt {
                first_version: unsigned(row.get(7)?),
                last_version: unsigned(row.get(8)?),
                first_position: unsigned(row.get(9)?),
                last_position: unsigned(row.get(10)?),
                time: Timestamp::from_millis(row.get(11)?),
            },
        },
    };
    Ok((key, answer))
}

impl Answers for SqliteStore {
    fn answered<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> PortFuture<'a, Result<Option<(KeyedAnswer, Answer)>, StoreFailure>> {
        let wanted = [scope.to_owned(), key.to_owned()];
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT a.scope, a.key, a.fingerprint, a.status, a.body, s.kind, s.id, a.first_version,
                        a.last_version, a.first_position, a.last_position, a.since
                 FROM answers a LEFT JOIN streams s ON s.number = a.stream WHERE a.scope = ?1 AND a.key = ?2",
            )?;
            statement.query_row(wanted, |row| Ok(kept_answer(row))).optional()?.transpose()
        })
    }

    fn remember<'a>(
        &'a self,
        key: &'a KeyedAnswer,
        status: u16,
        body: &'a str,
        now: Timestamp,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        let (key, body) = (key.clone(), body.to_owned());
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO answers (scope, key, fingerprint, since, status, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (scope, key) DO NOTHING",
            )?;
            statement.execute(params![key.scope, key.key, key.fingerprint, now.as_millis(), status, body])?;
            Ok(())
        })
    }
}

impl Heartbeats for SqliteStore {
    fn heard<'a>(&'a self, heard: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        let heard = heard.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO heartbeats (agent, instance, heard_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (agent, instance) DO UPDATE SET heard_at = max(heard_at, excluded.heard_at)",
            )?;
            for (claimant, at) in heard {
                let instance = claimant.instance.as_deref().unwrap_or_default();
                statement.execute(params![claimant.agent.as_str(), instance, at.as_millis()])?;
            }
            Ok(())
        })
    }

    fn last_heartbeats(&self) -> PortFuture<'_, Result<Vec<LastHeartbeat>, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT agent, instance, heard_at FROM heartbeats ORDER BY agent, instance")?;
            let (mut rows, mut last) = (statement.query([])?, Vec::new());
            while let Some(row) = rows.next()? {
                let (agent, instance): (String, String) = (row.get(0)?, row.get(1)?);
                let agent = AgentId::parse(&agent).ok_or(CodecError::Stream(agent))?;
                let instance = (!instance.is_empty()).then(|| instance.into_boxed_str());
                let at = Timestamp::from_millis(row.get(2)?);
                last.push(LastHeartbeat { claimant: Claimant { agent, instance }, at });
            }
            Ok(last)
        })
    }
}

impl EarlyChecks for SqliteStore {
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        let check = check.clone();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO early_checks (repo, repo_key, head, data, since) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let (repo, data) = (check.repo.as_str(), encode_record(&check.check)?);
            let head = check.check.head_sha.as_str();
            statement.execute(params![repo, repo.to_ascii_lowercase(), head, data, now.as_millis()])?;
            Ok(())
        })
    }

    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>> {
        let wanted = [repo.as_str().to_ascii_lowercase(), head.as_str().to_owned()];
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT repo, data FROM early_checks WHERE repo_key = ?1 AND head = ?2 ORDER BY number",
            )?;
            let (mut rows, mut checks) = (statement.query(wanted)?, Vec::new());
            while let Some(row) = rows.next()? {
                let (repo, data): (String, String) = (row.get(0)?, row.get(1)?);
                let repo = RepoName::parse(&repo).ok_or(CodecError::Stream(repo))?;
                checks.push(EarlyCheck { repo, check: decode_record::<CheckRecorded>(&data)? });
            }
            Ok(checks)
        })
    }
}
