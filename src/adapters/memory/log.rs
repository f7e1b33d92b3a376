use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::identity::StreamId;
use conductor_core::port::{Append, AppendError, EventStore, LogFilter, PortFuture, Receipt, StoreFailure};

use super::MemoryStore;
use super::tables::Tables;

impl Tables {
    fn at(&self, position: u64) -> Option<&Recorded> {
        usize::try_from(position.checked_sub(1)?).ok().and_then(|at| self.log.get(at))
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl EventStore for MemoryStore {
    fn append(&self, append: Append) -> PortFuture<'_, Result<Receipt, AppendError>> {
        self.with(move |tables| {
            let receipt = tables.append(append)?;
            self.tail.grown(receipt.last_position);
            Ok(receipt)
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        after: u64,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        self.with(move |tables| {
            let Some(found) = tables.streams.get(&stream.key()) else { return Ok(Vec::new()) };
            let positions = found.positions.iter().skip(index(after)).take(limit);
            Ok(positions.filter_map(|position| tables.at(*position).cloned()).collect())
        })
    }

    fn read_log<'a>(
        &'a self,
        after: u64,
        limit: usize,
        filter: &'a LogFilter,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        self.with(move |tables| {
            let wanted = |event: &&Recorded| {
                filter.types.is_empty() || filter.types.iter().any(|name| name == event.event.type_name())
            };
            Ok(tables.log.iter().skip(index(after)).filter(wanted).take(limit).cloned().collect())
        })
    }

    fn head(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.with(|tables| Ok(tables.head()))
    }

    fn wait_past(&self, position: u64) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.tail.wait_past(position))
    }

    fn load<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<(u64, StreamState)>, StoreFailure>> {
        self.with(move |tables| {
            let found = tables.streams.get(&stream.key());
            Ok(found.map(|found| (found.version(), found.state.clone())))
        })
    }
}
