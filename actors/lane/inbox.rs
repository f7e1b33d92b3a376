use std::sync::Arc;

use conductor_core::port::{PendingDelivery, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;

use crate::periodic::{Counters, Pass};
use crate::ports::Ports;

use super::backlog::{Backlog, work_off};
use super::{LaneSettings, Setback};

/// Turns a webhook delivery into commands and performs them.
pub trait Interpreter: Send + Sync + 'static {
    /// Works a delivery off and says what came of it (`3 commands`, `ignored: unknown action`). May get the same one twice.
    fn work<'a>(&'a self, delivery: &'a PendingDelivery) -> PortFuture<'a, Result<String, Setback>>;
}

/// The pass that works off stored webhook deliveries.
pub struct InboxLane<I> {
    ports: Ports,
    interpreter: Arc<I>,
    settings: LaneSettings,
}

impl InboxLane<()> {
    /// The pass's name, for nudges.
    pub const NAME: &'static str = "inbox";
}

impl<I: Interpreter> InboxLane<I> {
    /// A lane that works by way of `interpreter`.
    pub fn new(ports: Ports, interpreter: Arc<I>, settings: LaneSettings) -> Self {
        Self { ports, interpreter, settings }
    }
}

impl<I: Interpreter> Pass for InboxLane<I> {
    const NAME: &'static str = InboxLane::<()>::NAME;

    async fn run(&self) -> Result<Counters, String> {
        work_off(self, &self.settings, &self.ports).await
    }
}

impl<I: Interpreter> Backlog for InboxLane<I> {
    type Item = PendingDelivery;
    type Outcome = String;

    fn due(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        self.ports.store.waiting(now, limit)
    }

    fn name(item: &PendingDelivery) -> String {
        format!("delivery {}", item.delivery.id)
    }

    fn key(item: &PendingDelivery) -> String {
        item.delivery.ordering_key.clone()
    }

    fn attempts(item: &PendingDelivery) -> u32 {
        item.attempts
    }

    fn counted_as(_: &String) -> &'static str {
        "worked"
    }

    async fn work(&self, item: &PendingDelivery) -> Result<String, Setback> {
        self.interpreter.work(item).await
    }

    async fn done(&self, items: Vec<(PendingDelivery, String)>) -> Result<(), StoreFailure> {
        for (item, outcome) in items {
            self.ports.store.worked(&item.delivery.id, &outcome).await?;
        }
        Ok(())
    }

    /// Nobody counts on a delivery: it waits for a person.
    async fn given_up(&self, _: &PendingDelivery) -> Result<(), Setback> {
        Ok(())
    }

    fn failed<'a>(
        &'a self,
        item: &'a PendingDelivery,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.ports.store.stuck(&item.delivery.id, error, retry_at)
    }
}
