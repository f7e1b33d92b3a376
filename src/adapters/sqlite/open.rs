use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conductor_core::port::StoreFailure;

use super::failure::{Fault, unsigned};
use super::{FolderLock, Readers, SqliteStore, Writer, connection, costs, migrations, rebuild};
use crate::tail::LogTail;

/// What may be set about an embedded store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Connections that read side by side; more wait for one of them.
    pub readers: usize,
    /// The file grows to at most this many pages of 4 KiB (`max_page_count`); for a quota, and to test a full disk.
    pub max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    /// Four readers: a page of rows takes well under a millisecond, and each connection keeps its own cache.
    fn default() -> Self {
        Self { readers: 4, max_pages: None }
    }
}

/// Why an embedded store could not be opened. Each text fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made, or its lock not be used.
    #[error("use the data folder {path}: {source}")]
    Folder {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another daemon holds the folder.
    #[error("open the data folder {folder}: another daemon holds it ({holder})")]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// `pid … on … since …`.
        holder: String,
    },
    /// The database's schema isn't one that this version can bring up to date.
    #[error("migrate {path}: {reason}")]
    Migration {
        /// The database.
        path: PathBuf,
        /// Such as a migration whose text has changed since it was applied.
        reason: String,
    },
    /// The database can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Fault::from(error).into()
    }
}

impl SqliteStore {
    /// Opens (or makes) the store in `folder`: takes the folder's lock, migrates, rebuilds rows of older projections.
    ///
    /// It blocks: call it at start-up, or by way of `spawn_blocking`.
    ///
    /// # Errors
    /// When another daemon holds the folder, or disk or database refuse.
    pub fn open(folder: &Path, options: SqliteOptions) -> Result<Arc<Self>, OpenError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        let lock = FolderLock::take(folder)?;
        let path = folder.join("conductor.db");
        let mut writing = connection::to_write(&path, options.max_pages)?;
        migrations::run(&mut writing)
            .map_err(|error| OpenError::Migration { path: path.clone(), reason: error.to_string() })?;
        rebuild::stale_rows(&writing)?;
        costs::rebuild_stale(&writing)?;
        let head: i64 = writing.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
        let tail = Arc::new(LogTail::new(unsigned(head)));
        let reading = (0..options.readers.max(1)).map(|_| connection::to_read(&path)).collect::<Result<_, _>>()?;
        let writer = Writer::start(writing, lock, Arc::clone(&tail))
            .map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        Ok(Arc::new(Self { path, writer, readers: Arc::new(Readers::new(reading)), tail, term: Arc::default() }))
    }
}
