use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::identity::RepoName;
use conductor_core::learning::{Learning, MOST_LEARNINGS};
use conductor_core::port::{AgentLogs, Learnings, LineFilter, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;

use super::MemoryStore;

impl AgentLogs for MemoryStore {
    fn keep_lines<'a>(&'a self, lines: &'a [AgentLine], now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for line in lines {
                let place = tables.lines.last().map_or(1, |last| last.place + 1);
                tables.lines.push(KeptLine { place, at: now, line: line.clone() });
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
        self.with(move |tables| {
            let lines = tables.lines.iter().rev().filter(|kept| before.is_none_or(|before| kept.place < before));
            Ok(lines.filter(|kept| filter.passes(&kept.line)).take(limit).cloned().collect())
        })
    }

    fn lines_after(&self, after: u64, limit: usize) -> PortFuture<'_, Result<Vec<KeptLine>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.lines.iter().filter(|kept| kept.place > after).take(limit).cloned().collect())
        })
    }

    fn drop_lines(&self, before: Timestamp, most: u64) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.with(move |tables| {
            let all = tables.lines.len();
            let mut later = std::collections::BTreeMap::new();
            let mut kept: Vec<KeptLine> = std::mem::take(&mut tables.lines);
            kept.reverse();
            kept.retain(|line| {
                let later = later.entry(line.line.claimant.agent.clone()).or_insert(0);
                *later += 1;
                line.at >= before && *later <= most
            });
            kept.reverse();
            tables.lines = kept;
            Ok((all - tables.lines.len()) as u64)
        })
    }
}

impl Learnings for MemoryStore {
    fn learn<'a>(&'a self, learning: &'a Learning) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            let notes = tables.learnings.entry(learning.repo.clone()).or_default();
            match notes.get_mut(&learning.key) {
                Some(known) => *known = Learning { repo: known.repo.clone(), ..learning.clone() },
                None => drop(notes.insert(learning.key.clone(), learning.clone())),
            }
            if notes.len() > MOST_LEARNINGS {
                let oldest =
                    notes.values().min_by_key(|note| (note.updated_at, &note.key)).map(|note| note.key.clone());
                oldest.map(|key| notes.remove(&key));
            }
            Ok(())
        })
    }

    fn learnings<'a>(&'a self, repo: &'a RepoName) -> PortFuture<'a, Result<Vec<Learning>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.learnings.get(repo).map(|notes| notes.values().cloned().collect()).unwrap_or_default())
        })
    }
}
