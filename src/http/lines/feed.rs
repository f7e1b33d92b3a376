use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;
use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::decider::PORT_DEADLINE;
use conductor_core::port::{LineFilter, Store, StoreFailure};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

use super::reader::LineReader;
use super::tail;
use crate::caller::rates::Payer;
use crate::error::json_text;
use crate::live::{NoReading, Places};
use crate::wire::AgentLineRow;

/// Readers at once in one process: people with a console, and not the agents.
const MOST_READERS: usize = 200;
/// Lines that a reader may be behind before it is too slow; with 4 KiB for the longest the bound of what all readers share.
const WINDOW: usize = 4_096;
/// Lines that are told again to whoever comes back, at most.
pub(super) const MISSED_AT_MOST: usize = 1_000;

/// The live feed of a process.
pub struct LineFeed {
    shared: Arc<Shared>,
    tail: Mutex<Option<JoinHandle<()>>>,
}

/// A line on its way to readers, encoded once for all of them.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) place: u64,
    pub(super) line: AgentLine,
    pub(super) bytes: Bytes,
}

/// What tail and readers share.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) lines: broadcast::Sender<Arc<Told>>,
    pub(super) state: watch::Sender<State>,
    /// Somebody has begun to read, or lines were kept here.
    pub(super) woken: Notify,
    places: Arc<Places>,
    /// Held by whoever begins to read, and by the tail while it decides that nobody does.
    turn: Mutex<()>,
}

/// How the tail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody reads.
    Resting,
    /// It knows where the lines end, and tells what comes.
    Following,
    /// It can't read them.
    Failing,
    /// The process goes down.
    Closing,
}

impl Told {
    pub(super) fn of(kept: KeptLine) -> Self {
        // JSON on one line: a line end inside of a text is escaped there.
        let text = format!("id: {}\nevent: line\ndata: {}\n\n", kept.place, json_text(&AgentLineRow::of(&kept)));
        Self { place: kept.place, line: kept.line, bytes: Bytes::from(text) }
    }
}

impl LineFeed {
    /// A feed of that store's lines. Its tail runs on the current Tokio runtime, and costs nothing while nobody reads.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Self {
        Self::bounded(store, MOST_READERS, WINDOW)
    }

    pub(super) fn bounded(store: Arc<dyn Store>, most_readers: usize, window: usize) -> Self {
        let shared = Arc::new(Shared {
            store,
            lines: broadcast::Sender::new(window),
            state: watch::Sender::new(State::Resting),
            woken: Notify::new(),
            places: Arc::new(Places::new(most_readers)),
            turn: Mutex::default(),
        });
        let tail = tokio::spawn(tail::follow(Arc::clone(&shared)));
        Self { shared, tail: Mutex::new(Some(tail)) }
    }

    /// Begins to read what passes the filter: from now on, and first what came after that place, as far as it is not too much. Of
    /// one caller there are as many readers as its share; `None` is a caller that can't be told from others.
    ///
    /// # Errors
    /// See [`NoReading`].
    pub async fn read(
        &self,
        caller: Option<&Payer>,
        after: Option<u64>,
        filter: LineFilter,
    ) -> Result<LineReader, NoReading> {
        let (place, lines, mut state) = {
            let _turn = self.shared.turn();
            let place = self.shared.places.take(caller)?;
            (place, self.shared.lines.subscribe(), self.shared.state.subscribe())
        };
        self.shared.woken.notify_one();
        let begun = state.wait_for(|state| *state != State::Resting).await.map(|state| *state);
        match begun {
            Ok(State::Following | State::Resting) => {}
            Ok(State::Closing) | Err(_) => return Err(NoReading::Closing),
            Ok(State::Failing) => {
                return Err(StoreFailure::Unavailable("agents' lines can't be followed now".to_owned()).into());
            }
        }
        let missed = match after {
            Some(after) => self.shared.in_time(self.shared.store.lines_after(after, MISSED_AT_MOST)).await?,
            None => Vec::new(),
        };
        Ok(LineReader::new(place, lines, state, filter, missed))
    }

    /// Lines were kept by this process: its readers hear them at once.
    pub fn kept(&self) {
        self.shared.woken.notify_one();
    }

    /// Sends every reader away, and takes none any more.
    pub fn close(&self) {
        self.shared.state.send_replace(State::Closing);
        if let Some(tail) = self.tail.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It only reads: there is nothing to finish.
            tail.abort();
        }
    }
}

impl Drop for LineFeed {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// It guards no data of its own.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody reads, so that the tail may rest. Whoever comes later finds it resting and waits for it.
    pub(super) fn rests(&self) -> bool {
        let _turn = self.turn();
        let rests = self.places.in_use() == 0;
        if rests {
            self.turn_to(State::Resting);
        }
        rests
    }

    /// Says how the tail is; that the process goes down is the last word.
    pub(super) fn turn_to(&self, next: State) {
        self.state.send_if_modified(|state| {
            let turns = *state != State::Closing && *state != next;
            if turns {
                *state = next;
            }
            turns
        });
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
