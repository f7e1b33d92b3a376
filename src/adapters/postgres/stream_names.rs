use std::sync::{Mutex, MutexGuard, PoisonError};

use conductor_core::identity::StreamId;

use super::generations::Generations;

/// Which stream an id stands for. Events carry the id alone: to join each page of the log with the names of all streams
/// costs more than to read the page.
///
/// A stream has its id for good, unless the database is restored behind us. That ends every connection, so whoever opens one
/// forgets what was known.
#[derive(Debug, Default)]
pub(super) struct StreamNames(Mutex<Generations<i64, StreamId>>);

impl StreamNames {
    pub(super) fn get(&self, id: i64) -> Option<StreamId> {
        self.known().get(&id)
    }

    pub(super) fn learn(&self, id: i64, stream: StreamId) {
        self.known().learn(id, stream);
    }

    pub(super) fn forget_all(&self) {
        self.known().forget_all();
    }

    fn known(&self) -> MutexGuard<'_, Generations<i64, StreamId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
