//! How a clerk asks the store, and whom it tells of what it found. Every call has the deadline of a port and a guard; a
//! failure is counted on the board.

use std::sync::Arc;

use conductor_core::decider::{Decider, PORT_DEADLINE, StreamState};
use conductor_core::identity::StreamId;
use conductor_core::port::{PortFuture, Receipt, StoreFailure};
use futures_util::future::try_join_all;

use crate::board::Cause;
use crate::guard::{Lost, guarded, within};
use crate::request::{Rejected, Request};

use super::clerk::Clerk;
use super::memory::Known;
use super::neighbourhood::Seen;
use super::plan::Neighbours;

impl<D: Decider> Clerk<D> {
    /// The stream as the log has it now.
    pub(super) async fn load(&self) -> Result<Known<D::State>, Rejected> {
        let store = &self.office.ports.store;
        let Some((version, state)) = self.ask("load", || store.load(&self.stream)).await? else {
            let state = guarded("initial", || D::initial(&self.stream)).map_err(|lost| self.lost(&lost, ""))?;
            return Ok(Known { version: 0, state: Arc::new(state) });
        };
        // Whoever listens may have missed an append whose answer was lost, or that another process made.
        self.tell_listeners(version, &state);
        let state = D::unwrap_state(state)
            .ok_or_else(|| StoreFailure::Corrupt(format!("{} holds a state of another kind of stream", self.stream)))?;
        Ok(Known { version, state: Arc::new(state) })
    }

    /// The states that the decision wants to see; those that are kept in mind from there, if it is to `remember`.
    pub(super) async fn neighbours(
        &self,
        known: &Known<D::State>,
        request: &Request<D::Command>,
        remember: bool,
    ) -> Result<Neighbours, Rejected> {
        let wanted = guarded("reads", || D::reads(&known.state, &request.command))
            .map_err(|lost| self.lost(&lost, "; nothing was written"))?;
        let mut neighbours = Neighbours::default();
        let mut unknown = Vec::new();
        for stream in wanted {
            match self.office.neighbourhood.get(&stream).filter(|_| remember) {
                Some(seen) => {
                    neighbours.remembered = true;
                    neighbours.take(stream, seen);
                }
                None => unknown.push(stream),
            }
        }
        let found = try_join_all(unknown.iter().map(|stream| self.neighbour(stream))).await?;
        unknown.into_iter().zip(found).for_each(|(stream, seen)| neighbours.take(stream, seen));
        Ok(neighbours)
    }

    async fn neighbour(&self, stream: &StreamId) -> Result<Seen, Rejected> {
        let store = &self.office.ports.store;
        let found = self.ask("load a neighbour", || store.load(stream)).await?;
        let (version, state) = found.map_or((0, None), |(version, state)| (version, Some(state)));
        let seen = Seen { version, state };
        self.office.neighbourhood.learn(stream, &seen);
        Ok(seen)
    }

    /// Where the event with that version stands.
    pub(super) async fn receipt_of(&self, version: u64) -> Result<Option<Receipt>, Rejected> {
        let store = &self.office.ports.store;
        let found = self.ask("read an event", || store.read_stream(&self.stream, version - 1, 1)).await?;
        Ok(found.into_iter().find(|recorded| recorded.version == version).map(|recorded| Receipt {
            first_version: version,
            last_version: version,
            first_position: recorded.position,
            last_position: recorded.position,
            time: recorded.time,
        }))
    }

    pub(super) fn publish(&self, known: &Known<D::State>) {
        if !self.office.ports.listeners.is_empty() {
            self.tell_listeners(known.version, &D::wrap_state(D::State::clone(&known.state)));
        }
    }

    fn tell_listeners(&self, version: u64, state: &StreamState) {
        for listener in &self.office.ports.listeners {
            if let Err(lost) = guarded("a listener", || listener.changed(&self.stream, version, state)) {
                tracing::error!(stream = %self.stream, error = %lost, "failed to publish {}: {lost}", self.stream);
            }
        }
    }

    /// A read from the store, within the deadline of a port.
    pub(super) async fn ask<'a, T>(
        &self,
        what: &'static str,
        call: impl FnOnce() -> PortFuture<'a, Result<T, StoreFailure>>,
    ) -> Result<T, Rejected> {
        match within(what, PORT_DEADLINE, async { call().await }).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(failure)) => Err(self.failed(failure)),
            Err(lost) => Err(self.lost(&lost, "")),
        }
    }

    /// Counts a failure of the store.
    pub(super) fn failed(&self, failure: StoreFailure) -> Rejected {
        self.office.board.trouble(Cause::Error, format!("{}: {failure}", self.stream));
        Rejected::Store(failure)
    }

    /// Counts a call that never returned.
    pub(super) fn lost(&self, lost: &Lost, consequence: &str) -> Rejected {
        tracing::error!(stream = %self.stream, error = %lost, "failed to work on {}: {lost}", self.stream);
        self.office.board.trouble(Cause::from(lost), format!("{}: {lost}", self.stream));
        Rejected::Unknown(format!("{lost}{consequence}"))
    }
}
