//! The steps of one command, on state that it owns for as long as the command lasts.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use conductor_core::decider::{Decider, Outcome, PORT_DEADLINE};
use conductor_core::identity::StreamId;
use conductor_core::port::{self, AppendError, Guard, KeyedAnswer, Receipt};
use conductor_core::reaction::Destination;
use tokio::time::Instant;

use crate::board::{ShardBoard, UnderWay};
use crate::guard::{guarded, within};
use crate::lane::lane;
use crate::periodic::Passes;
use crate::ports::Ports;
use crate::request::{Answer, Rejected, Request};
use crate::settings::Settings;

use super::memory::{Known, Memory};
use super::neighbourhood::Neighbourhood;
use super::plan::{Draft, Plan, plan};

/// What all stream actors of a shard share.
pub(crate) struct Office {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) passes: Arc<Passes>,
    pub(crate) board: Arc<ShardBoard>,
    pub(crate) neighbourhood: Arc<Neighbourhood>,
}

/// Works for one stream.
pub(crate) struct Clerk<D> {
    pub(super) stream: StreamId,
    key: Arc<str>,
    pub(super) office: Arc<Office>,
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
        let (mut read_meanwhile, mut remember) = (false, true);
        for _ in 0..self.office.settings.attempts.max(1) {
            if Instant::now() >= until {
                return Err(busy);
            }
            let known = match std::mem::take(memory) {
                Memory::Known(known) => known,
                Memory::Forgotten => {
                    read_meanwhile = true;
                    self.load().await?
                }
            };
            let neighbours = match self.neighbours(&known, request, remember).await {
                Ok(neighbours) => neighbours,
                Err(rejected) => {
                    *memory = Memory::Known(known);
                    return Err(rejected);
                }
            };
            let remembered = neighbours.remembered;
            let planned =
                guarded("decide", || plan::<D>(&self.stream, &known, neighbours, request, &self.office.ports));
            let draft = match planned {
                Ok(Plan::Write(draft)) => draft,
                // An append is bound to the version that it was decided on. An answer without one has no such check, and another
                // process may have written since: it is given only on what the log said during this command.
                Ok(Plan::Tell(_)) if !read_meanwhile || remembered => {
                    *memory = Memory::Known(if read_meanwhile { known } else { self.load().await? });
                    (read_meanwhile, remember) = (true, false);
                    continue;
                }
                Ok(Plan::Tell(outcome)) => {
                    *memory = Memory::Known(known.clone());
                    return self.tell(known, outcome, request.key.as_ref()).await;
                }
                // The state may be what made it panic; a fresh one from the log may not.
                Err(lost) => return Err(self.lost(&lost, "; nothing was written")),
            };
            let Draft { append, next, outcome } = *draft;
            let last_version = append.expected + append.events.len() as u64;
            let wakes: BTreeSet<Destination> = append.effects.iter().map(|new| new.effect.destination()).collect();
            match within("append", PORT_DEADLINE, async { self.office.ports.store.append(append).await }).await {
                Ok(Ok(receipt)) => {
                    let next = Known { version: last_version, state: Arc::new(next) };
                    self.publish(&next);
                    for destination in wakes {
                        self.office.passes.nudge(lane(destination));
                    }
                    *memory = Memory::Known(next.clone());
                    return self.answer(next, outcome, Some(receipt));
                }
                Ok(Err(AppendError::Conflict { .. })) => {}
                // The stream itself is where it was known to be; what else it looked at is not.
                Ok(Err(AppendError::Guarded { guard: Guard::StreamAt { .. }, .. })) => remember = false,
                Ok(Err(AppendError::Duplicate(receipt))) => {
                    let known = if receipt.last_version > known.version { self.load().await? } else { known };
                    *memory = Memory::Known(known.clone());
                    return self.repeated(known, receipt).await;
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
                port::Answer::Appended { receipt, .. } => return self.repeated(known, receipt).await,
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

    /// Answers a repeat with what the first one was told, whatever would be decided today: a refusal stands beside the event
    /// that puts it on record.
    async fn repeated(&self, known: Known<D::State>, receipt: Receipt) -> Result<Answer<D::State>, Rejected> {
        let store = &self.office.ports.store;
        let after = receipt.first_version.saturating_sub(1);
        let first = self.ask("read the first answer", || store.read_stream(&self.stream, after, 1)).await?;
        let refusal = first.into_iter().next().and_then(|recorded| recorded.metadata.refusal);
        self.answer(known, refusal.map_or(Outcome::Accepted, Outcome::Refused), Some(receipt))
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
}
