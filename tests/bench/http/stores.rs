use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use conductor_adapters::sqlite::{SqliteOptions, SqliteStore};
use conductor_core::port::Store;

use crate::database;
use crate::options::Options;

/// Which store is behind the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Kind {
    /// An empty store under a name of its own.
    pub(super) async fn empty(self, options: &Options, name: &str) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match self {
            Self::Sqlite => SqliteStore::open(&folder(options, name)?, SqliteOptions::default())?,
            Self::Postgres => database::store(&database::create(options, name).await?).await?,
        })
    }
}

/// An empty folder of that name.
pub(super) fn folder(options: &Options, name: &str) -> anyhow::Result<PathBuf> {
    let folder = options.folder.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
