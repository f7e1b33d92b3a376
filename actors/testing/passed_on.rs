//! Ports of the faulty store that no actor calls: they reach the store inside as they are.

use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::cost::{CostBy, CostFilter, CostSum};
use conductor_core::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, RunEnd};
use conductor_core::identity::{EventId, RepoName};
use conductor_core::learning::Learning;
use conductor_core::port::{
    AgentLogs, Costs, ExecutionFilter, ExecutionLogs, Learnings, LineFilter, PortFuture, StoreFailure,
};
use conductor_core::time::Timestamp;

use super::faulty::FaultyStore;

impl ExecutionLogs for FaultyStore {
    fn begin_execution<'a>(&'a self, begun: &'a Execution) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.begin_execution(begun)
    }

    fn add_steps<'a>(
        &'a self,
        id: EventId,
        steps: &'a [ExecutionStep],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        self.inner.add_steps(id, steps, now)
    }

    fn add_lines<'a>(
        &'a self,
        id: EventId,
        lines: &'a [ExecutionLine],
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Added>, StoreFailure>> {
        self.inner.add_lines(id, lines, now)
    }

    fn end_execution<'a>(
        &'a self,
        id: EventId,
        end: &'a RunEnd,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<bool>, StoreFailure>> {
        self.inner.end_execution(id, end, now)
    }

    fn execution(&self, id: EventId) -> PortFuture<'_, Result<Option<Execution>, StoreFailure>> {
        self.inner.execution(id)
    }

    fn executions<'a>(
        &'a self,
        filter: &'a ExecutionFilter,
        after: Option<EventId>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Execution>, StoreFailure>> {
        self.inner.executions(filter, after, limit)
    }

    fn steps_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionStep>, StoreFailure>> {
        self.inner.steps_of(id, skip, limit)
    }

    fn lines_of(
        &self,
        id: EventId,
        skip: u64,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<ExecutionLine>, StoreFailure>> {
        self.inner.lines_of(id, skip, limit)
    }

    fn drop_executions(&self, before: Timestamp) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.inner.drop_executions(before)
    }
}

impl AgentLogs for FaultyStore {
    fn keep_lines<'a>(&'a self, lines: &'a [AgentLine], now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.keep_lines(lines, now)
    }

    fn agent_lines<'a>(
        &'a self,
        filter: &'a LineFilter,
        before: Option<u64>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<KeptLine>, StoreFailure>> {
        self.inner.agent_lines(filter, before, limit)
    }

    fn lines_after(&self, after: u64, limit: usize) -> PortFuture<'_, Result<Vec<KeptLine>, StoreFailure>> {
        self.inner.lines_after(after, limit)
    }

    fn drop_lines(&self, before: Timestamp, most: u64) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.inner.drop_lines(before, most)
    }
}

impl Learnings for FaultyStore {
    fn learn<'a>(&'a self, learning: &'a Learning) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.learn(learning)
    }

    fn learnings<'a>(&'a self, repo: &'a RepoName) -> PortFuture<'a, Result<Vec<Learning>, StoreFailure>> {
        self.inner.learnings(repo)
    }
}

impl Costs for FaultyStore {
    fn costs<'a>(
        &'a self,
        filter: &'a CostFilter,
        by: &'a [CostBy],
    ) -> PortFuture<'a, Result<Vec<CostSum>, StoreFailure>> {
        self.inner.costs(filter, by)
    }

    fn rebuild_costs(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.inner.rebuild_costs()
    }
}
