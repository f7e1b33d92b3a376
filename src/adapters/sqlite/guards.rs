use conductor_core::identity::{StreamId, StreamKind};
use conductor_core::port::{AppendError, Guard};
use rusqlite::{Connection, OptionalExtension};

use super::failure::{Fault, unsigned};
use super::log::stream_id;

/// Why a guard doesn't hold; `None` when it does.
pub(super) fn refusal(connection: &Connection, guard: &Guard) -> Result<Option<AppendError>, Fault> {
    let (holds, held) = match guard {
        Guard::StreamAt { stream, version } => {
            let mut statement = connection.prepare_cached("SELECT version FROM streams WHERE key = ?1")?;
            let found = statement.query_row([stream.key()], |row| row.get(0)).optional()?;
            (found.map_or(0, unsigned) == *version, None)
        }
        Guard::LeasesBelow { agent, limit } => {
            let mut statement =
                connection.prepare_cached("SELECT count(*) FROM read_models WHERE holder_agent = ?1")?;
            let live: i64 = statement.query_row([agent.as_str()], |row| row.get(0))?;
            (live < i64::from(*limit), None)
        }
        Guard::NothingUnstarted { claimant } => {
            let mut statement = connection.prepare_cached(
                "SELECT s.id FROM read_models m JOIN streams s ON s.number = m.stream
                 WHERE m.holder_agent = ?1 AND m.holder = ?2 AND m.unstarted ORDER BY s.key LIMIT 1",
            )?;
            let names = [claimant.agent.as_str(), &claimant.to_string()];
            let held: Option<String> = statement.query_row(names, |row| row.get(0)).optional()?;
            let held = held.map(|id| stream_id(StreamKind::Issue, &id)).transpose()?;
            (held.is_none(), held)
        }
        Guard::LeaseSilentSince { issue, epoch, since } => {
            let mut statement = connection.prepare_cached(
                "SELECT 1 FROM lease_renewals WHERE key = ?1 AND epoch = ?2
                 AND max(coalesce(renewed_at, 0), coalesce(delivered_at, 0), coalesce(worked_at, 0)) > ?3",
            )?;
            let key = StreamId::Issue(issue.clone()).key();
            (!statement.exists(rusqlite::params![key, epoch, since.as_millis()])?, None)
        }
    };
    Ok((!holds).then(|| AppendError::Guarded { guard: guard.clone(), held }))
}
