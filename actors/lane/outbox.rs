use std::future::Future;

use conductor_core::identity::EventId;
use conductor_core::port::{DueEffect, ObsoleteEffect, PendingEffect, PortFuture, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;

use crate::leader::{LeaderPass, LeaderProof};
use crate::periodic::{Counters, Pass};
use crate::ports::Ports;

use super::backlog::{Backlog, work_off};
use super::{LaneSettings, Setback};

/// Brings effects to one destination.
///
/// Each effect may come twice (with the same [`PendingEffect::id`]), and may come late: [`Deliver::obsolete`] is asked right
/// before each try.
pub trait Deliver: Send + Sync + 'static {
    /// Which.
    const DESTINATION: Destination;

    /// Why the effect no longer holds, by what the log says now (epoch, head, state); `None` where it does.
    ///
    /// # Errors
    /// When that can't be known now.
    fn obsolete(&self, effect: &PendingEffect) -> impl Future<Output = Result<Option<String>, Setback>>;

    /// Delivers it.
    ///
    /// # Errors
    /// [`Setback::Away`] where nothing can be delivered to this destination at present, whatever the effect.
    fn deliver(&self, effect: &PendingEffect) -> impl Future<Output = Result<Closed, Setback>>;

    /// Its last try failed: says so to whoever counts on it, before it becomes a dead letter. May be told twice. Where nobody
    /// counts on it by a clock, it just waits for a person.
    ///
    /// # Errors
    /// When that can't be said now: the effect then gets another try instead.
    fn given_up(&self, _effect: &PendingEffect) -> impl Future<Output = Result<(), Setback>> {
        std::future::ready(Ok(()))
    }
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// Delivered, now or before.
    Delivered,
    /// Not delivered, because it no longer holds; with the reason.
    Obsolete(String),
}

/// The name of a destination's lane: on the board, and for nudges.
#[must_use]
pub const fn lane(destination: Destination) -> &'static str {
    match destination {
        Destination::Internal => "internal-lane",
        Destination::Valkey => "valkey-lane",
    }
}

/// Whether only the leader delivers there.
pub(crate) const fn is_led(destination: Destination) -> bool {
    match destination {
        // Streams know by version what they were told before, so two deliverers do no harm; and after a crash of the leader
        // nobody should have to wait for its term's end to hear what was decided.
        Destination::Internal => false,
        // Two would get the effects of one key out of order.
        Destination::Valkey => true,
    }
}

/// The pass that brings effects to one destination.
pub(crate) struct OutboxLane<D> {
    ports: Ports,
    deliverer: D,
    settings: LaneSettings,
}

impl<D: Deliver> OutboxLane<D> {
    pub(crate) fn new(ports: Ports, deliverer: D, settings: LaneSettings) -> Self {
        Self { ports, deliverer, settings }
    }

    async fn work_off(&self, proof: Option<&LeaderProof>) -> Result<Counters, String> {
        work_off(&Tick { lane: self, proof }, &self.settings, &self.ports).await
    }
}

/// For destinations where every process delivers.
impl<D: Deliver> Pass for OutboxLane<D> {
    const NAME: &'static str = lane(D::DESTINATION);

    async fn run(&self) -> Result<Counters, String> {
        self.work_off(None).await
    }
}

/// For destinations where the leader does ([`is_led`]).
impl<D: Deliver> LeaderPass for OutboxLane<D> {
    const NAME: &'static str = lane(D::DESTINATION);

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        self.work_off(Some(proof)).await
    }
}

/// One tick of a lane.
struct Tick<'a, D> {
    lane: &'a OutboxLane<D>,
    proof: Option<&'a LeaderProof>,
}

impl<D: Deliver> Backlog for Tick<'_, D> {
    type Item = DueEffect;
    type Outcome = Closed;

    fn due(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>> {
        self.lane.ports.store.due(D::DESTINATION, now, limit)
    }

    fn name(item: &DueEffect) -> String {
        format!("effect {}", id(item))
    }

    fn key(item: &DueEffect) -> String {
        item.as_ref().map_or_else(|unreadable| unreadable.key.clone(), |pending| pending.effect.key())
    }

    fn attempts(item: &DueEffect) -> u32 {
        item.as_ref().map_or_else(|unreadable| unreadable.attempts, |pending| pending.attempts)
    }

    fn counted_as(outcome: &Closed) -> &'static str {
        match outcome {
            Closed::Delivered => "delivered",
            Closed::Obsolete(_) => "obsolete",
        }
    }

    async fn work(&self, item: &DueEffect) -> Result<Closed, Setback> {
        let item = item.as_ref().map_err(|unreadable| Setback::Failed(unreadable.why.clone()))?;
        if let Some(why) = self.lane.deliverer.obsolete(item).await? {
            return Ok(Closed::Obsolete(why));
        }
        // At the last moment: what comes before may have taken long.
        if self.proof.is_some_and(|proof| !proof.still_holds()) {
            return Err(Setback::NotNow("another process leads".to_owned()));
        }
        self.lane.deliverer.deliver(item).await
    }

    async fn done(&self, items: Vec<(DueEffect, Closed)>) -> Result<(), StoreFailure> {
        let (mut delivered, mut obsolete) = (Vec::<EventId>::new(), Vec::new());
        for (item, closed) in items {
            let id = id(&item);
            match closed {
                Closed::Delivered => delivered.push(id),
                Closed::Obsolete(reason) => {
                    tracing::info!(effect = %id, reason, "effect {id} no longer holds: {reason}");
                    obsolete.push(ObsoleteEffect { id, reason });
                }
            }
        }
        if !delivered.is_empty() {
            self.lane.ports.store.delivered(&delivered).await?;
        }
        if !obsolete.is_empty() {
            self.lane.ports.store.obsolete(&obsolete).await?;
        }
        Ok(())
    }

    async fn given_up(&self, item: &DueEffect) -> Result<(), Setback> {
        match item {
            Ok(pending) => self.lane.deliverer.given_up(pending).await,
            // Nobody knows whom it was about.
            Err(_unreadable) => Ok(()),
        }
    }

    fn failed<'a>(
        &'a self,
        item: &'a DueEffect,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.lane.ports.store.failed(id(item), error, retry_at)
    }
}

fn id(item: &DueEffect) -> EventId {
    item.as_ref().map_or_else(|unreadable| unreadable.id, |pending| pending.id)
}
