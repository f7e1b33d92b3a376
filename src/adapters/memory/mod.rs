//! The store that lives as long as its process: for tests under paused time, and for a look around.
//!
//! It promises what the others promise, durability aside, and passes the same suite. Every call is answered the first
//! time it is polled: no thread, no timer, no I/O, so that a paused clock stays paused.

mod append;
mod broker;
mod costs;
mod dead_letters;
mod execution_logs;
mod inbox;
mod leader;
mod leases;
mod log;
mod operational;
mod outbox;
mod rows;
mod runtime;
mod tables;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};

use conductor_core::port::{PortFuture, Store, StoreFailure};

use crate::sole_term::SoleTerm;
use crate::tail::{LogTail, closed};
use tables::Tables;

pub use broker::MemoryBroker;

/// An in-memory store; see the head of this module.
#[derive(Debug)]
pub struct MemoryStore {
    // `None` once it is closed.
    tables: Mutex<Option<Tables>>,
    tail: LogTail,
    term: SoleTerm,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { tables: Mutex::new(Some(Tables::default())), tail: LogTail::new(0), term: SoleTerm::default() })
    }

    /// Runs `work` when polled, whole and alone: this lock is the log's lock.
    fn with<'a, T, E: From<StoreFailure>>(
        &'a self,
        work: impl FnOnce(&mut Tables) -> Result<T, E> + Send + 'a,
    ) -> PortFuture<'a, Result<T, E>> {
        Box::pin(async move {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            work(tables.as_mut().ok_or_else(closed)?)
        })
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn location(&self) -> String {
        "this process".to_owned()
    }

    fn ping(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.with(|_| Ok(()))
    }

    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(async move {
            self.tables.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.tail.close();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Subject;

    async fn fresh() -> Subject {
        Subject::new(MemoryStore::new(), ())
    }

    crate::store_contract!(fresh);
}
