use tokio_postgres::Client;

use super::database::TestDatabase;
use crate::postgres::connections::TAKE_LOG_LOCK;

/// A foreign transaction that holds the log's lock, as another replica's writer would: what is appended meanwhile piles up.
pub(super) struct LogLock {
    /// The connection, inside its transaction.
    pub(super) client: Client,
    watcher: Client,
}

impl LogLock {
    pub(super) async fn take(database: &TestDatabase) -> Self {
        let client = database.client().await;
        client.batch_execute(&format!("BEGIN; {TAKE_LOG_LOCK}")).await.unwrap();
        Self { client, watcher: database.client().await }
    }

    /// Resolves when this many writers wait for the lock; gives their backends.
    pub(super) async fn waited_for_by(&self, writers: usize) -> Vec<i32> {
        let waiting = "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
        loop {
            let rows = self.watcher.query(waiting, &[]).await.unwrap();
            if rows.len() == writers {
                return rows.iter().map(|row| row.get(0)).collect();
            }
        }
    }

    /// Ends a backend, as a network or a server that fails would.
    pub(super) async fn terminate(&self, backend: i32) {
        self.watcher.execute("SELECT pg_terminate_backend($1)", &[&backend]).await.unwrap();
    }

    pub(super) async fn release(self) {
        self.client.batch_execute("COMMIT").await.unwrap();
    }
}
