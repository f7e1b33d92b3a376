//! Which store: the embedded one, or PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use conductor_adapters::postgres::{self, PostgresOptions, PostgresStore};
use conductor_adapters::sqlite::{self, SqliteOptions, SqliteStore};
use conductor_core::port;

use crate::config::{Settings, Store};

/// From one try to reach the database to the next, at start.
const RETRY: Duration = Duration::from_secs(1);

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The embedded one.
    #[error(transparent)]
    Embedded(#[from] sqlite::OpenError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
}

/// Opens and migrates the store of these settings. Waits for a PostgreSQL that isn't there yet, and says so; everything else
/// that is wrong ends the start.
///
/// # Errors
/// When the store can't be used, in words for whoever starts the daemon.
pub async fn open_store(settings: &Settings) -> Result<Arc<dyn port::Store>, OpenError> {
    match &settings.store {
        Store::Embedded { folder } => {
            let folder = folder.clone();
            let opening = tokio::task::spawn_blocking(move || SqliteStore::open(&folder, SqliteOptions::default()));
            let store = opening.await.expect("opening a store doesn't panic");
            Ok(store?)
        }
        Store::Postgres { url, migrate_url } => {
            let tuning = settings.tuning;
            let mut options = PostgresOptions::new(url.expose());
            options.migrate_url = migrate_url.as_ref().map(|url| url.expose().to_owned());
            options.pool_size = tuning.pool_size.map_or(options.pool_size, |size| size as usize);
            options.pool_wait = tuning.pool_wait.unwrap_or(options.pool_wait);
            options.statement_timeout = tuning.statement_timeout.unwrap_or(options.statement_timeout);
            loop {
                match PostgresStore::connect(options.clone()).await {
                    Ok(store) => return Ok(store),
                    Err(postgres::OpenError::Unavailable(why)) => {
                        tracing::warn!(error = %why, "failed to reach PostgreSQL, trying again in 1 s: {why}");
                        tokio::time::sleep(RETRY).await;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}
