//! The steps of one command, on state that it owns for as long as the command lasts.

use std::marker::PhantomData;
use std::sync::Arc;

use conductor_core::decider::{Decider, Outcome, PORT_DEADLINE, StreamState};
use conductor_core::identity::StreamId;
use conductor_core::port::{self, AppendError, Guard, KeyedAnswer, PortFuture, Receipt, StoreFailure};
use futures_util::future::try_join_all;
use tokio::time::Instant;

use crate::board::{Cause, ShardBoard, UnderWay};
use crate::guard::{Lost, guarded, within};
use crate::lane::InternalLane;
use crate::periodic::Passes;
use crate::ports::Ports;
use crate::request::{Answer, Rejected, Request};
use crate::settings::Settings;

use super::memory::{Known, Memory};
use super::plan::{Draft, Neighbours, Plan, plan};

/// What all stream actors of a shard share.
pub(crate) struct Office {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) passes: Arc<Passes>,
    pub(crate) board: Arc<ShardBoard>,
}

/// Works for one stream.
pub(crate) struct Clerk<D> {
    stream: StreamId,
    key: Arc<str>,
    office: Arc<Office>,
    decider: PhantomData<fn() -> D>,
}

impl<D> Clone for Clerk<D> {
    fn clone(&self) -> Self {
        let (key, office) = (Arc::clone(&self.key), Arc::clone(&self.office));
        Self { stream: self.stream.clone(), key, office, decider: PhantomData }
    }
}

impl<D: Decider> Clerk<D> {
    pub(crate) fn new(stream: StreamId, key: Arc<str>, office: Arc<Office>) -> Self {
        Self { stream, key, office, decider: PhantomData }
    }

    /// Reads the stream from the log; a failure is left to the first command.
    pub(super) async fn recover(&self) -> Memory<D::State> {
        let _under_way = self.begin();
        match self.load().await {
            Ok(known) => Memory::Known(known),
            Err(rejected) => {
                tracing::warn!(stream = %self.stream, error = %rejected, "failed to recover {}", self.stream);
                Memory::Forgotten
            }
        }
    }

    /// Performs one command. `memory` comes back known where it is certain, forgotten where it isn't.
    pub(super) async fn perform(
        &self,
        memory: &mut Memory<D::State>,
        request: &Request<D::Command>,
        until: Instant,
    ) -> Result<Answer<D::State>, Rejected> {
        let _under_way = self.begin();
        let busy = Rejected::Busy { retry_after: self.office.settings.retry_after };
        for _ in 0..self.office.settings.attempts.max(1) {
            if Instant::now() >= until {
                return Err(busy);
            }
            let known = match std::mem::take(memory) {
                Memory::Known(known) => known,
                Memory::Forgotten => self.load().await?,
            };
            let neighbours = match self.neighbours(&known, request).await {
                Ok(neighbours) => neighbours,
                Err(rejected) => {
                    *memory = Memory::Known(known);
                    return Err(rejected);
                }
            };
            let planned =
                guarded("decide", || plan::<D>(&self.stream, &known, neighbours, request, &self.office.ports));
            let draft = match planned {
                Ok(Plan::Write(draft)) => draft,
                Ok(Plan::Tell(outcome)) => {
                    *memory = Memory::Known(known.clone());
                    return self.tell(known, outcome, request.key.as_ref()).await;
                }
                // The state may be what made it panic; a fresh one from the log may not.
                Err(lost) => return Err(self.lost(&lost, "; nothing was written")),
            };
            let Draft { append, next, outcome } = *draft;
            let (last_version, wakes) = (append.expected + append.events.len() as u64, !append.effects.is_empty());
            let said = append.events.first().map(|event| event.event.type_name());
            match within("append", PORT_DEADLINE, async { self.office.ports.store.append(append).await }).await {
                Ok(Ok(receipt)) => {
                    let next = Known { version: last_version, state: Arc::new(next) };
                    self.publish(&next);
                    if wakes {
                        self.office.passes.nudge(InternalLane::NAME);
                    }
                    *memory = Memory::Known(next.clone());
                    return self.answer(next, outcome, Some(receipt));
                }
                Ok(Err(AppendError::Conflict { .. })) => {}
                Ok(Err(AppendError::Guarded { guard: Guard::StreamAt { .. }, .. })) => {}
                Ok(Err(AppendError::Duplicate(receipt))) => {
                    let known = if receipt.last_version > known.version { self.load().await? } else { known };
                    *memory = Memory::Known(known.clone());
                    return self.repeated(known, outcome, said, receipt).await;
                }
                // Keys and versions are checked before guards: what is known here is still so.
                Ok(Err(AppendError::Guarded { guard, held })) => {
                    *memory = Memory::Known(known);
                    return Err(Rejected::Guarded { guard, held });
                }
                Ok(Err(AppendError::KeyReused)) => return Err(Rejected::KeyReused),
                Ok(Err(AppendError::Store(failure))) => return Err(self.failed(failure)),
                Err(lost) => return Err(self.lost(&lost, "")),
            }
        }
        Err(busy)
    }

    fn begin(&self) -> UnderWay {
        self.office.board.begin(&self.key)
    }

    /// The stream as the log has it now.
    async fn load(&self) -> Result<Known<D::State>, Rejected> {
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

    /// The states that the decision wants to see.
    async fn neighbours(&self, known: &Known<D::State>, request: &Request<D::Command>) -> Result<Neighbours, Rejected> {
        let wanted = guarded("reads", || D::reads(&known.state, &request.command))
            .map_err(|lost| self.lost(&lost, "; nothing was written"))?;
        let store = &self.office.ports.store;
        let loads = wanted.iter().map(|stream| self.ask("load a neighbour", move || store.load(stream)));
        let mut neighbours = Neighbours::default();
        for (stream, found) in wanted.iter().zip(try_join_all(loads).await?) {
            let version = found.as_ref().map_or(0, |(version, _)| *version);
            neighbours.guards.push(Guard::StreamAt { stream: stream.clone(), version });
            neighbours.states.extend(found.map(|(_, state)| (stream.clone(), state)));
        }
        Ok(neighbours)
    }

    /// Answers a decision that wrote nothing. With a key it may be the repeat of one that did: then that one's answer.
    async fn tell(
        &self,
        known: Known<D::State>,
        outcome: Outcome,
        key: Option<&KeyedAnswer>,
    ) -> Result<Answer<D::State>, Rejected> {
        let store = &self.office.ports.store;
        if let Some(key) = key
            && let Some((first, answer)) = self.ask("look a key up", || store.answered(&key.scope, &key.key)).await?
        {
            if first.fingerprint != key.fingerprint {
                return Err(Rejected::KeyReused);
            }
            match answer {
                port::Answer::Appended { receipt, .. } => return self.answer(known, Outcome::Accepted, Some(receipt)),
                // Kept by whoever words answers; it is asked before a command gets here.
                port::Answer::Literal { .. } => {}
            }
        }
        let receipt = match outcome {
            Outcome::Unchanged { since } if since > 0 => self.receipt_of(since).await?,
            Outcome::Unchanged { .. } | Outcome::Accepted | Outcome::Refused(_) => None,
        };
        self.answer(known, outcome, receipt)
    }

    /// Answers a repeat with what the first one was told. A refusal leaves its mark in the log, by which it is known again.
    async fn repeated(
        &self,
        known: Known<D::State>,
        outcome: Outcome,
        said: Option<&'static str>,
        receipt: Receipt,
    ) -> Result<Answer<D::State>, Rejected> {
        let outcome = match outcome {
            Outcome::Refused(refusal) => {
                let store = &self.office.ports.store;
                let after = receipt.first_version.saturating_sub(1);
                let first = self.ask("read the first answer", || store.read_stream(&self.stream, after, 1)).await?;
                let same = first.first().map(|recorded| recorded.event.type_name()) == said;
                if same { Outcome::Refused(refusal) } else { Outcome::Accepted }
            }
            Outcome::Accepted | Outcome::Unchanged { .. } => Outcome::Accepted,
        };
        self.answer(known, outcome, Some(receipt))
    }

    fn answer(
        &self,
        known: Known<D::State>,
        outcome: Outcome,
        receipt: Option<Receipt>,
    ) -> Result<Answer<D::State>, Rejected> {
        match outcome {
            Outcome::Refused(refusal) => Err(Rejected::Refused(refusal)),
            Outcome::Accepted | Outcome::Unchanged { .. } => {
                Ok(Answer { stream: self.stream.clone(), outcome, receipt, state: known.state })
            }
        }
    }

    /// Where the event with that version stands.
    async fn receipt_of(&self, version: u64) -> Result<Option<Receipt>, Rejected> {
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

    fn publish(&self, known: &Known<D::State>) {
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
    async fn ask<'a, T>(
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
    fn failed(&self, failure: StoreFailure) -> Rejected {
        self.office.board.trouble(Cause::Error, format!("{}: {failure}", self.stream));
        Rejected::Store(failure)
    }

    /// Counts a call that never returned.
    fn lost(&self, lost: &Lost, consequence: &str) -> Rejected {
        tracing::error!(stream = %self.stream, error = %lost, "failed to work on {}: {lost}", self.stream);
        self.office.board.trouble(Cause::from(lost), format!("{}: {lost}", self.stream));
        Rejected::Unknown(format!("{lost}{consequence}"))
    }
}
