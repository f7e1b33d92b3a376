use std::sync::{Arc, Mutex, PoisonError};

use conductor_core::port::StoreFailure;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::Fault;
use crate::tail::closed;

/// A few connections that read on blocking threads, side by side and beside the writer.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    // As many permits as connections; closed with the store.
    permits: Arc<Semaphore>,
}

/// A connection that goes back by itself, also when its work panics or its caller has hung up.
struct Lent {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.readers.permits.is_closed()
        {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Mutex::new(connections), permits }
    }

    pub(super) async fn run<T: Send + 'static>(
        readers: Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let permit = Arc::clone(&readers.permits).acquire_owned().await.map_err(|_| closed())?;
        let connection = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let lent = Lent { connection, readers, _permit: permit };
        let answer = tokio::task::spawn_blocking(move || {
            let connection = lent.connection.as_ref().ok_or_else(closed)?;
            work(connection).map_err(StoreFailure::from)
        });
        answer.await.map_err(|error| StoreFailure::Unavailable(format!("a read ended early: {error}")))?
    }

    /// Lets go of the connections; those that are lent go when their work is done.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
