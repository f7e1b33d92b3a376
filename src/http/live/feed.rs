use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use conductor_core::decider::PORT_DEADLINE;
use conductor_core::port::{LogFilter, Store, StoreFailure};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::places::Places;
use super::reader::Reader;
use super::tail;
use super::window::Window;
use crate::caller::rates::Payer;

/// Readers at once in one process, unless told otherwise: twice what is foreseen. Each costs a connection and what that buffers,
/// 100 kB at worst.
pub const DEFAULT_READERS: usize = 2_000;

/// The live feed of a process.
pub struct LiveFeed {
    shared: Arc<Shared>,
    tail: Mutex<Option<JoinHandle<()>>>,
}

/// How far the log has come, as readers wait for it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// Where the window ends; `None` while nobody reads.
    pub(super) head: Option<u64>,
    /// The tail can't read the log.
    pub(super) failing: bool,
    /// The process goes down.
    pub(super) closing: bool,
}

/// What tail and readers share.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    window: RwLock<Window>,
    pub(super) progress: watch::Sender<Progress>,
    places: Arc<Places>,
    /// Somebody has begun to read.
    pub(super) arrived: Notify,
}

/// Why somebody can't read along now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoReading {
    /// Every place is taken.
    Full,
    /// This caller has as many places as one may.
    FullForOne {
        /// So many.
        most: usize,
    },
    /// The process goes down.
    Closing,
    /// The log has no such position.
    BeyondTheEnd {
        /// Where it ends.
        head: u64,
    },
    /// The log can't be read.
    Store(StoreFailure),
}

impl From<StoreFailure> for NoReading {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}

impl LiveFeed {
    /// A feed of that store's log for so many readers at once. Its tail runs on the current Tokio runtime, and costs nothing while nobody reads.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, most_readers: usize) -> Self {
        Self::bounded(store, most_readers, Window::at(0))
    }

    pub(super) fn bounded(store: Arc<dyn Store>, most_readers: usize, window: Window) -> Self {
        let shared = Arc::new(Shared {
            store,
            window: RwLock::new(window),
            progress: watch::Sender::default(),
            places: Arc::new(Places::new(most_readers)),
            arrived: Notify::new(),
        });
        let tail = tokio::spawn(tail::follow(Arc::clone(&shared)));
        Self { shared, tail: Mutex::new(Some(tail)) }
    }

    /// Begins to read after a position, or from now on, what passes the filter. Of one caller there are as many readers as its
    /// share; `None` is a caller that can't be told from others.
    ///
    /// # Errors
    /// See [`NoReading`].
    pub async fn read(
        &self,
        caller: Option<&Payer>,
        after: Option<u64>,
        filter: LogFilter,
    ) -> Result<Reader, NoReading> {
        let place = {
            // Under the window's lock: see `Shared::rests`.
            let _window = self.shared.window();
            self.shared.places.take(caller)?
        };
        self.shared.arrived.notify_one();
        let mut progress = self.shared.progress.subscribe();
        let begun = progress.wait_for(|seen| seen.closing || seen.failing || seen.head.is_some());
        let head = match begun.await.map(|seen| *seen) {
            Ok(Progress { closing: true, .. }) | Err(_) => return Err(NoReading::Closing),
            Ok(Progress { head: Some(head), .. }) => head,
            Ok(Progress { head: None, .. }) => {
                return Err(StoreFailure::Unavailable("its log can't be followed now".to_owned()).into());
            }
        };
        let position = after.unwrap_or(head);
        if position > head {
            // This replica may be a moment behind; the store never is.
            let head = self.shared.in_time(self.shared.store.head()).await?;
            if position > head {
                return Err(NoReading::BeyondTheEnd { head });
            }
        }
        let mut reader = Reader::new(Arc::clone(&self.shared), place, progress, position, filter);
        reader.begin().await?;
        Ok(reader)
    }

    /// How many read along.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.shared.readers()
    }

    /// Sends every reader away, and takes none any more.
    pub fn close(&self) {
        self.shared.progress.send_modify(|progress| progress.closing = true);
        if let Some(tail) = self.tail.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It only reads: there is nothing to finish.
            tail.abort();
        }
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// A panic while it was held would have left whole frames: nothing of a window can be half done.
    pub(super) fn window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn window_mut(&self) -> RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn readers(&self) -> usize {
        self.places.in_use()
    }

    /// Whether nobody reads, so that the tail may rest. Decided under the window's lock, under which readers take their place:
    /// whoever comes later finds no head and waits for a fresh one.
    pub(super) fn rests(&self) -> bool {
        let mut window = self.window_mut();
        let rests = self.readers() == 0;
        if rests {
            window.restart(0);
            self.progress.send_modify(|progress| (progress.head, progress.failing) = (None, false));
        }
        rests
    }

    /// The answer of the store, or that it did not come.
    pub(super) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreFailure>>,
    ) -> Result<T, StoreFailure> {
        let late = || StoreFailure::Unavailable(format!("no answer within {} s", PORT_DEADLINE.as_secs()));
        tokio::time::timeout(PORT_DEADLINE, answer).await.unwrap_or_else(|_| Err(late()))
    }
}
