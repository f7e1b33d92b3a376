//! Ports of the faulty store that no actor calls: they reach the store inside as they are.

use conductor_core::execution_log::{Added, Execution, ExecutionLine, ExecutionStep, RunEnd};
use conductor_core::identity::EventId;
use conductor_core::port::{ExecutionFilter, ExecutionLogs, PortFuture, StoreFailure};
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
