use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use actix_web::web::Bytes;
use conductor_core::agent_log::KeptLine;
use conductor_core::port::LineFilter;
use futures_util::future::OptionFuture;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::feed::{MISSED_AT_MOST, State, Told};
use crate::caller::Pass;
use crate::live::{COME_BACK_AFTER, HEARTBEAT, Place};

/// Somebody who reads along: a filter, and what is on its way to the connection.
pub struct LineReader {
    lines: broadcast::Receiver<Arc<Told>>,
    state: watch::Receiver<State>,
    filter: LineFilter,
    /// Without which nothing more is handed out; `None`: none is needed.
    pass: Option<Pass>,
    /// Told before it was live, so not told again.
    told_before: BTreeSet<u64>,
    ready: VecDeque<Bytes>,
    last_said: Instant,
    ended: bool,
    _place: Place,
}

impl LineReader {
    pub(super) fn new(
        place: Place,
        lines: broadcast::Receiver<Arc<Told>>,
        state: watch::Receiver<State>,
        filter: LineFilter,
        missed: Vec<KeptLine>,
    ) -> Self {
        let mut ready = VecDeque::from([Bytes::from(format!("retry: {}\n\n", COME_BACK_AFTER.as_millis()))]);
        let told_before = missed.iter().map(|kept| kept.place).collect();
        if missed.len() == MISSED_AT_MOST {
            ready.push_back(comment("more was written than is told again: GET /api/agent-logs has all that is kept"));
        }
        let missed = missed.into_iter().filter(|kept| filter.passes(&kept.line));
        ready.extend(missed.map(|kept| Told::of(kept).bytes));
        let last_said = Instant::now();
        Self { lines, state, filter, pass: None, told_before, ready, last_said, ended: false, _place: place }
    }

    /// The same, for as long as that pass holds.
    #[must_use]
    pub fn for_as_long_as(self, pass: Option<Pass>) -> Self {
        Self { pass, ..self }
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
            if *self.state.borrow_and_update() == State::Closing {
                self.end("the daemon is going down: come back with Last-Event-ID");
            } else if let Err(why) = self.look_at_pass().await {
                self.end(why);
            } else {
                self.wait().await;
            }
        }
    }

    /// Where the store can't say whether the pass holds, it doesn't.
    async fn look_at_pass(&mut self) -> Result<(), &'static str> {
        let Some(pass) = &mut self.pass else { return Ok(()) };
        match pass.holds().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the token opens nothing any more: ask an operator for a fresh one"),
            Err(failure) => {
                tracing::warn!(%failure, "sent a reader of agents' lines away: failed to {failure}");
                Err("it can't be known now what the token opens: come back with Last-Event-ID")
            }
        }
    }

    /// Until a line comes, the process goes down, or it is time to look at the pass again or to say that all is still there.
    async fn wait(&mut self) {
        let heartbeat = sleep_until(self.last_said + HEARTBEAT);
        let pass = OptionFuture::from(self.pass.as_ref().map(|pass| sleep_until(pass.due())));
        tokio::select! {
            line = self.lines.recv() => self.take(line),
            changed = self.state.changed() => if changed.is_err() {
                self.end("the daemon is going down: come back with Last-Event-ID");
            },
            Some(()) = pass => {}
            () = heartbeat => {
                let failing = *self.state.borrow() == State::Failing;
                self.ready.push_back(comment(if failing { "heartbeat, but the lines can't be read now" } else { "heartbeat" }));
            }
        }
    }

    fn take(&mut self, line: Result<Arc<Told>, RecvError>) {
        match line {
            Ok(told) if self.told_before.remove(&told.place) => {}
            Ok(told) if self.filter.passes(&told.line) => self.ready.push_back(told.bytes.clone()),
            Ok(_) => {}
            Err(RecvError::Lagged(behind)) => {
                tracing::info!(behind, "sent a slow reader of agents' lines away, {behind} lines behind");
                self.end("the lines come faster than you read: come back with Last-Event-ID");
            }
            Err(RecvError::Closed) => self.end("the daemon is going down: come back with Last-Event-ID"),
        }
    }

    fn end(&mut self, words: &str) {
        self.ended = true;
        self.ready.push_back(comment(words));
    }
}

fn comment(text: &str) -> Bytes {
    Bytes::from(format!(": {text}\n\n"))
}
