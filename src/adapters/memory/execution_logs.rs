use conductor_core::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, MOST_LINES, MOST_STEPS, RunEnd};
use conductor_core::identity::EventId;
use conductor_core::port::{ExecutionFilter, ExecutionLogs, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;

use super::MemoryStore;

/// A run with what is kept of it.
#[derive(Debug)]
pub(super) struct KeptExecution {
    run: Execution,
    steps: Vec<ExecutionStep>,
    lines: Vec<ExecutionLine>,
}

fn matches(filter: &ExecutionFilter, run: &Execution) -> bool {
    let header = &run.header;
    filter.repo.as_ref().is_none_or(|repo| header.repo.as_ref() == Some(repo))
        && filter.number.is_none_or(|number| header.number == Some(number))
        && filter.agent.as_ref().is_none_or(|agent| header.claimant.agent == *agent)
}

/// Keeps what still has room, and counts all.
fn add<T: Clone>(kept: &mut Vec<T>, count: &mut u64, told: &[T], most: u64) -> Added {
    let added = Added::of(*count, told.len(), most);
    *count += told.len() as u64;
    kept.extend(told.iter().take(usize::try_from(added.kept).unwrap_or(usize::MAX)).cloned());
    added
}

fn page<T: Clone>(kept: &[T], skip: u64, limit: usize) -> Vec<T> {
    kept.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(limit).cloned().collect()
}

impl ExecutionLogs for MemoryStore {
    fn begin_execution<'a>(&'a self, begun: &'a Execution) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.with(move |tables| {
            let fresh = !tables.executions.contains_key(&begun.id);
            tables.executions.entry(begun.id).or_insert_with(|| KeptExecution {
                run: begun.clone(),
                steps: Vec::new(),
                lines: Vec::new(),
            });
            Ok(fresh)
        })
    }

    fn add_steps<'a>(
        &'a self,
        id: EventId,
        steps: &'a [ExecutionStep],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.executions.get_mut(&id).map(|kept| {
                kept.run.last_at = kept.run.last_at.max(now);
                add(&mut kept.steps, &mut kept.run.steps, steps, MOST_STEPS)
            }))
        })
    }

    fn add_lines<'a>(
        &'a self,
        id: EventId,
        lines: &'a [ExecutionLine],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.executions.get_mut(&id).map(|kept| {
                kept.run.last_at = kept.run.last_at.max(now);
                add(&mut kept.lines, &mut kept.run.lines, lines, MOST_LINES)
            }))
        })
    }

    fn end_execution<'a>(
        &'a self,
        id: EventId,
        end: &'a RunEnd,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<bool>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.executions.get_mut(&id).map(|kept| {
                let ends = kept.run.end.is_none();
                if ends {
                    kept.run.end = Some((end.clone(), now));
                    kept.run.last_at = kept.run.last_at.max(now);
                }
                ends
            }))
        })
    }

    fn execution(&self, id: EventId) -> PortFuture<'_, Result<Option<Execution>, StoreFailure>> {
        self.with(move |tables| Ok(tables.executions.get(&id).map(|kept| kept.run.clone())))
    }

    fn executions<'a>(
        &'a self,
        filter: &'a ExecutionFilter,
        after: Option<EventId>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Execution>, StoreFailure>> {
        self.with(move |tables| {
            let place = |run: &Execution| (run.started_at, run.id);
            let end = match after.map(|id| tables.executions.get(&id)) {
                Some(Some(kept)) => Some(place(&kept.run)),
                Some(None) => return Ok(Vec::new()),
                None => None,
            };
            let runs = tables.executions.values().map(|kept| &kept.run);
            let mut found: Vec<Execution> =
                runs.filter(|run| matches(filter, run) && end.is_none_or(|end| place(run) < end)).cloned().collect();
            found.sort_by_key(|run| std::cmp::Reverse(place(run)));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn steps_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionStep>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.executions.get(&id).map(|kept| page(&kept.steps, skip, limit)).unwrap_or_default())
        })
    }

    fn lines_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionLine>, StoreFailure>> {
        self.with(move |tables| {
            Ok(tables.executions.get(&id).map(|kept| page(&kept.lines, skip, limit)).unwrap_or_default())
        })
    }

    fn drop_executions(&self, before: Timestamp) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.with(move |tables| {
            let all = tables.executions.len();
            tables.executions.retain(|_, kept| kept.run.last_at >= before);
            Ok((all - tables.executions.len()) as u64)
        })
    }
}
