//! What is past its time in the operational tables.

use std::sync::Arc;

use conductor_actors::{Counters, LeaderPass, LeaderProof};
use conductor_core::port::{Clock, Store};

/// The pass that drops what is past its time in the operational tables.
pub struct Upkeep {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Upkeep {
    /// Keeps that store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

impl LeaderPass for Upkeep {
    const NAME: &'static str = "upkeep";

    async fn run(&self, _: &LeaderProof) -> Result<Counters, String> {
        let pruned = self.store.prune(self.clock.now()).await.map_err(|error| error.to_string())?;
        Ok(Counters::default()
            .with("bodies", pruned.bodies)
            .with("deliveries", pruned.deliveries)
            .with("answers", pruned.answers)
            .with("effects", pruned.effects)
            .with("checks", pruned.checks)
            .with("signs", pruned.signs))
    }
}
