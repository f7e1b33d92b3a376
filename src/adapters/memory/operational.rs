use conductor_core::identity::{Claimant, RepoName, Sha};
use conductor_core::port::{
    Answer, Answers, EarlyCheck, EarlyChecks, Heartbeats, Housekeeping, KeyedAnswer, LastHeartbeat, PortFuture, Pruned,
    StoreFailure,
};
use conductor_core::time::Timestamp;

use super::MemoryStore;
use super::tables::{KeptAnswer, Progress};
use crate::retention::Horizon;

impl Answers for MemoryStore {
    fn answered<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> PortFuture<'a, Result<Option<(KeyedAnswer, Answer)>, StoreFailure>> {
        self.with(move |tables| {
            let kept = tables.answers.get(&(scope.to_owned(), key.to_owned()));
            Ok(kept.map(|kept| (kept.key.clone(), kept.answer.clone())))
        })
    }

    fn remember<'a>(
        &'a self,
        key: &'a KeyedAnswer,
        status: u16,
        body: &'a str,
        now: Timestamp,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            tables.answers.entry((key.scope.clone(), key.key.clone())).or_insert_with(|| KeptAnswer {
                key: key.clone(),
                answer: Answer::Literal { status, body: body.to_owned() },
                since: now,
            });
            Ok(())
        })
    }
}

impl Heartbeats for MemoryStore {
    fn heard<'a>(&'a self, heard: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for (claimant, at) in heard {
                let last = tables.heartbeats.entry(claimant.clone()).or_insert(*at);
                *last = (*last).max(*at);
            }
            Ok(())
        })
    }

    fn last_heartbeats(&self) -> PortFuture<'_, Result<Vec<LastHeartbeat>, StoreFailure>> {
        self.with(|tables| {
            let heard = tables.heartbeats.iter();
            Ok(heard.map(|(claimant, at)| LastHeartbeat { claimant: claimant.clone(), at: *at }).collect())
        })
    }
}

impl EarlyChecks for MemoryStore {
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            tables.checks.push((check.clone(), now));
            Ok(())
        })
    }

    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>> {
        self.with(move |tables| {
            let checks = tables.checks.iter().map(|(check, _)| check);
            Ok(checks.filter(|check| check.repo == *repo && check.check.head_sha == *head).cloned().collect())
        })
    }
}

/// Keeps what is not to go, and tells how much went.
fn drop_from<T>(rows: &mut Vec<T>, goes: impl Fn(&T) -> bool) -> u64 {
    let before = rows.len();
    rows.retain(|row| !goes(row));
    (before - rows.len()) as u64
}

impl Housekeeping for MemoryStore {
    fn prune(&self, now: Timestamp) -> PortFuture<'_, Result<Pruned, StoreFailure>> {
        self.with(move |tables| {
            let horizon = Horizon::at(now);
            let deliveries = drop_from(&mut tables.inbox, |row| {
                !matches!(row.progress, Progress::Waits(_)) && row.delivery.received_at < horizon.deliveries
            });
            let mut bodies = 0;
            for row in &mut tables.inbox {
                let done = row.progress == Progress::Done && row.delivery.received_at < horizon.bodies;
                if done && !row.body_dropped {
                    row.delivery.body.clear();
                    row.body_dropped = true;
                    bodies += 1;
                }
            }
            let answers = tables.answers.len();
            tables.answers.retain(|_, kept| kept.since >= horizon.answers);
            let answers = (answers - tables.answers.len()) as u64;
            let effects = drop_from(&mut tables.outbox, |row| {
                row.progress == Progress::Done && row.pending.since < horizon.effects
            });
            let checks = drop_from(&mut tables.checks, |(_, since)| *since < horizon.checks);
            let signs = tables.signs.len();
            tables.signs.retain(|_, signs| signs.last() >= Some(horizon.signs));
            let signs = (signs - tables.signs.len()) as u64;
            Ok(Pruned { bodies, deliveries, answers, effects, checks, signs })
        })
    }
}
