use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// Nobody else writes, so only a person's own SQL prompt or a backup is ever waited for.
const BUSY: Duration = Duration::from_secs(5);
/// Every statement of an adapter is prepared once per connection.
const STATEMENTS: usize = 64;

/// The writer's connection. A commit returns when its pages are on disk.
pub(super) fn to_write(path: &Path, max_pages: Option<u32>) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // Savepoints keep the pages that they may have to give back; in memory, not in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // 32 MiB of pages: the hot ends of tables and indexes stay in memory.
    connection.pragma_update(None, "cache_size", -32_768)?;
    if let Some(pages) = max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// A reader's connection: it sees what is committed and can change nothing.
pub(super) fn to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
