use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use conductor_core::port::{LogFilter, StoreFailure};
use futures_util::future::OptionFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::feed::{Progress, Shared};
use super::frame::{Frame, comment, opening};
use super::places::Place;
use super::window::Seen;
use crate::caller::Pass;
use crate::paging::PAGE;

/// How long a connection may be silent: below the idle time-outs of usual proxies, and how a reader learns that it lost us.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a reader comes back that was sent away, or lost the connection.
pub(crate) const COME_BACK_AFTER: Duration = Duration::from_secs(2);

/// Somebody who reads along: a position, a filter, and what is on its way to the connection.
pub struct Reader {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    filter: LogFilter,
    /// Without which nothing more is handed out; `None`: none is needed.
    pass: Option<Pass>,
    /// Everything up to here that passes the filter has been handed out, or lies in `ready`.
    position: u64,
    /// Whether it has reached the window: from then on, to fall out of it is to be too slow.
    live: bool,
    ready: VecDeque<Bytes>,
    last_said: Instant,
    ended: bool,
    _place: Place,
}

/// Why a reader is sent away; it finds these words in a comment.
enum Farewell {
    Slow,
    Void,
    Closing,
    Store,
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Place,
        progress: watch::Receiver<Progress>,
        position: u64,
        filter: LogFilter,
    ) -> Self {
        let ready = VecDeque::from([opening(position, COME_BACK_AFTER)]);
        let last_said = Instant::now();
        Self {
            shared,
            progress,
            filter,
            pass: None,
            position,
            live: false,
            ready,
            last_said,
            ended: false,
            _place: place,
        }
    }

    /// The same, for as long as that pass holds.
    #[must_use]
    pub fn for_as_long_as(self, pass: Option<Pass>) -> Self {
        Self { pass, ..self }
    }

    /// Reads the first page, where it isn't in the window, so that a store that is away is told before anything is answered.
    pub(super) async fn begin(&mut self) -> Result<(), StoreFailure> {
        self.advance().await.map(|_| ())
    }

    /// The next piece for the connection; waits for one. `None`: this reader is sent away.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.last_said = Instant::now();
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            // Before the look into the window: what changes during it is a change that is still to be seen.
            if self.progress.borrow_and_update().closing {
                self.end(Farewell::Closing);
                continue;
            }
            match self.go_on().await {
                Ok(true) => {}
                Ok(false) => self.wait().await,
                Err(failure) => {
                    tracing::warn!(%failure, "sent a reader of the live feed away: failed to {failure}");
                    self.end(Farewell::Store);
                }
            }
        }
    }

    /// One step, as far as the pass allows; whether there was any. Where the store can't say whether it does, there is none.
    async fn go_on(&mut self) -> Result<bool, StoreFailure> {
        if let Some(pass) = &mut self.pass
            && !pass.holds().await?
        {
            self.end(Farewell::Void);
            return Ok(true);
        }
        self.advance().await
    }

    /// Goes on in the log, as far as that is at hand; whether it went anywhere.
    async fn advance(&mut self) -> Result<bool, StoreFailure> {
        let before = self.position;
        let seen = self.shared.window().since(self.position, &self.filter);
        match seen {
            Seen::Events { frames, up_to } => {
                self.live = true;
                self.position = up_to;
                self.ready.extend(frames);
                Ok(self.position > before)
            }
            Seen::Gone if self.live => {
                tracing::info!(position = self.position, "sent a slow reader of the live feed away at {before}");
                self.end(Farewell::Slow);
                Ok(true)
            }
            Seen::Gone => {
                self.catch_up().await?;
                Ok(true)
            }
        }
    }

    /// Reads a page of the store.
    async fn catch_up(&mut self) -> Result<(), StoreFailure> {
        // Known before the read, so the read has seen everything up to it: a short page means that nothing more of this filter
        // lies before it, however far back the last match is.
        let known = self.progress.borrow().head.unwrap_or_default();
        let page = self.shared.in_time(self.shared.store.read_log(self.position, PAGE, &self.filter)).await?;
        let whole = page.len() < PAGE;
        let last = page.last().map_or(0, |event| event.position);
        self.position = self.position.max(last).max(if whole { known } else { 0 });
        self.ready.extend(page.into_iter().map(|event| Frame::of(event).bytes));
        Ok(())
    }

    /// Until the log grows, the process goes down, or it is time to look at the pass again or to say that all is still there.
    async fn wait(&mut self) {
        let heartbeat = sleep_until(self.last_said + HEARTBEAT);
        let pass = OptionFuture::from(self.pass.as_ref().map(|pass| sleep_until(pass.due())));
        tokio::select! {
            changed = self.progress.changed() => if changed.is_err() {
                self.end(Farewell::Closing);
            },
            Some(()) = pass => {}
            () = heartbeat => {
                let stands_still = self.progress.borrow().failing;
                let text = if stands_still { "heartbeat, but the log can't be read now" } else { "heartbeat" };
                self.ready.push_back(comment(text, self.position));
            }
        }
    }

    fn end(&mut self, why: Farewell) {
        let words = match why {
            Farewell::Slow => "the log grows faster than you read: come back with Last-Event-ID",
            Farewell::Void => "the token opens nothing any more: ask an operator for a fresh one",
            Farewell::Closing => "the daemon is going down: come back with Last-Event-ID",
            Farewell::Store => "the log can't be read now: come back with Last-Event-ID",
        };
        self.ended = true;
        self.ready.push_back(comment(words, self.position));
    }
}
