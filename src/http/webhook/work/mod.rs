//! Works stored deliveries off: reads them, asks the core what they mean, and asks the streams for it, in order.
//!
//! A delivery may be worked on twice (a crash between its instructions, or after them). Each instruction therefore carries an
//! idempotency key made of the delivery's id and its own place; what was done is not done again.

mod check;
mod instruction;
mod milestone;
mod names;
mod repository;
#[cfg(test)]
mod story;
mod streams;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use conductor_actors::{Coordinator, Interpreter, Setback};
use conductor_core::github::{Interpretation, interpret};
use conductor_core::port::{Clock, PendingDelivery, PortFuture, Store};

use super::payload;
use crate::repo_names::RepoNames;
use instruction::Carrier;
use repository::Met;
use streams::Streams;

/// Works deliveries off by way of the stream actors.
#[derive(Clone)]
pub struct GitHubInbox {
    streams: Arc<dyn Streams>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    names: Arc<RepoNames>,
}

impl GitHubInbox {
    /// One that asks the streams of `coordinator` and knows repositories by `names`.
    #[must_use]
    pub fn new(coordinator: Coordinator, names: Arc<RepoNames>) -> Self {
        let (store, clock) = (coordinator.store().clone(), coordinator.clock().clone());
        Self { streams: Arc::new(coordinator), store, clock, names }
    }

    async fn work_off(&self, pending: &PendingDelivery) -> Result<String, Setback> {
        let unreadable = |error| Setback::Failed(format!("read the delivery: {error}"));
        let webhook = payload::read(&pending.delivery.event, &pending.delivery.body).map_err(unreadable)?;
        match interpret(&webhook) {
            Interpretation::Ignored(why) => Ok(format!("ignored: {why}")),
            Interpretation::Instructions(instructions) => {
                let carrier = Carrier {
                    streams: &*self.streams,
                    read_models: &*self.store,
                    early_checks: &*self.store,
                    clock: &*self.clock,
                    names: &self.names,
                    here: None,
                    delivery: &pending.delivery,
                    sender: webhook.sender.as_ref(),
                };
                match carrier.meet(&webhook, instructions).await? {
                    Met::Here { here, instructions } => {
                        Carrier { here: here.as_ref(), ..carrier }.carry_out(instructions).await
                    }
                    Met::Stranger(why) => Ok(format!("refused: {why}")),
                }
            }
        }
    }
}

impl std::fmt::Debug for GitHubInbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHubInbox").field("store", &self.store.name()).finish_non_exhaustive()
    }
}

impl Interpreter for GitHubInbox {
    fn work<'a>(&'a self, delivery: &'a PendingDelivery) -> PortFuture<'a, Result<String, Setback>> {
        Box::pin(self.work_off(delivery))
    }
}
