use std::sync::Arc;

use conductor_core::identity::EventId;
use conductor_core::port::{PendingEffect, PortFuture, StoreFailure};
use conductor_core::reaction::{Destination, Effect, Told};
use conductor_core::time::Timestamp;

use crate::periodic::{Counters, Pass};
use crate::ports::Ports;

use super::backlog::{Backlog, work_off};
use super::{LaneSettings, Setback};

/// Turns what a stream is told into a command for it.
pub trait Teller: Send + Sync + 'static {
    /// Tells it. May be told the same twice: [`PendingEffect::id`] is the same then.
    fn tell<'a>(&'a self, told: Told, effect: &'a PendingEffect) -> PortFuture<'a, Result<(), Setback>>;
}

/// The pass that carries one stream's events to other streams.
pub struct InternalLane<T> {
    ports: Ports,
    teller: Arc<T>,
    settings: LaneSettings,
}

impl InternalLane<()> {
    /// The pass's name, for nudges.
    pub const NAME: &'static str = "internal-lane";
}

impl<T: Teller> InternalLane<T> {
    /// A lane that tells by way of `teller`.
    pub fn new(ports: Ports, teller: Arc<T>, settings: LaneSettings) -> Self {
        Self { ports, teller, settings }
    }
}

impl<T: Teller> Pass for InternalLane<T> {
    const NAME: &'static str = InternalLane::<()>::NAME;

    async fn run(&self) -> Result<Counters, String> {
        work_off(self, &self.settings, &self.ports).await
    }
}

impl<T: Teller> Backlog for InternalLane<T> {
    type Item = PendingEffect;
    type Outcome = ();
    const DONE: &'static str = "delivered";

    fn due(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingEffect>, StoreFailure>> {
        self.ports.store.due(Destination::Internal, now, limit)
    }

    fn name(item: &PendingEffect) -> String {
        format!("effect {}", item.id)
    }

    fn key(item: &PendingEffect) -> String {
        item.effect.key()
    }

    fn attempts(item: &PendingEffect) -> u32 {
        item.attempts
    }

    async fn work(&self, item: &PendingEffect) -> Result<(), Setback> {
        match &item.effect {
            Effect::Tell(tell) => {
                let told = tell.read().map_err(|error| Setback::Failed(error.to_string()))?;
                self.teller.tell(told, item).await
            }
            effect @ (Effect::Offer(_) | Effect::Withdraw(_) | Effect::ForgetSession(_)) => {
                Err(Setback::Failed(format!("it is for {}, no stream of this log", effect.destination())))
            }
        }
    }

    async fn done(&self, items: &[(PendingEffect, ())]) -> Result<(), StoreFailure> {
        let ids: Vec<EventId> = items.iter().map(|(item, ())| item.id).collect();
        self.ports.store.delivered(&ids).await
    }

    fn failed<'a>(
        &'a self,
        item: &'a PendingEffect,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.ports.store.failed(item.id, error, retry_at)
    }
}
