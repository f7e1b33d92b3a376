//! The embedded store: one file, `conductor.db`, in a folder that one daemon holds.
//!
//! ```text
//!   callers ──job──▶ queue ──▶ writer thread: takes all that waits (≤ 512) into ONE transaction, a savepoint for each
//!           ◀─answer─ after the commit is on disk (WAL, synchronous=FULL)
//!   callers ──────▶ readers: a few connections on blocking threads; they never wait for the writer
//! ```
//! The one writer is the log's lock: positions are in commit order because nobody else gives any. That is why a second
//! daemon on the same folder is refused at the door ([`FolderLock`]), by the name of the first.

mod append;
mod connection;
mod costs;
mod dead_letters;
mod execution_logs;
mod failure;
mod folder_lock;
mod guards;
mod inbox;
mod leader;
mod leases;
mod log;
mod migrations;
mod open;
mod operational;
mod outbox;
mod prune;
mod readers;
mod rebuild;
mod rows;
mod runtime;
#[cfg(test)]
mod tests;
mod tokens;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use conductor_core::port::{PortFuture, Store, StoreFailure};
use rusqlite::Connection;

use crate::sole_term::SoleTerm;
use crate::tail::LogTail;
use failure::Fault;
use folder_lock::FolderLock;
pub use open::{OpenError, SqliteOptions};
use readers::Readers;
use writer::Writer;

/// The embedded store; see the head of this module.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Writer,
    readers: Arc<Readers>,
    tail: Arc<LogTail>,
    term: Arc<SoleTerm>,
}

impl SqliteStore {
    /// Runs `work` on the writer's connection, in a savepoint of its own; resolves when it is durable.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortFuture<'_, Result<T, StoreFailure>> {
        Box::pin(self.writer.run(work))
    }

    /// Runs `work` on a reader's connection.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortFuture<'_, Result<T, StoreFailure>> {
        Box::pin(Readers::run(Arc::clone(&self.readers), work))
    }
}

impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }
    fn is_shared(&self) -> bool {
        false
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    /// By way of the writer, so that a writer that hangs is noticed.
    fn ping(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.write(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
    }

    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(async {
            self.writer.close().await;
            self.readers.close();
            self.tail.close();
        })
    }
}
