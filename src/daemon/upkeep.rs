//! What is past its time in the operational tables.

use std::sync::Arc;

use conductor_actors::{Counters, LeaderPass, LeaderProof};
use conductor_core::agent_log::MOST_LINES_OF_AGENT;
use conductor_core::port::{Clock, Store};

use crate::config::Retention;

/// The pass that drops what is past its time in the operational tables.
pub struct Upkeep {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retention: Retention,
}

impl Upkeep {
    /// Keeps that store, and what runtimes tell for that long.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, retention: Retention) -> Self {
        Self { store, clock, retention }
    }
}

impl LeaderPass for Upkeep {
    const NAME: &'static str = "upkeep";

    async fn run(&self, _: &LeaderProof) -> Result<Counters, String> {
        let now = self.clock.now();
        let pruned = self.store.prune(now).await.map_err(|error| error.to_string())?;
        let executions = self.store.drop_executions(now.minus(self.retention.execution_logs)).await;
        let lines = self.store.drop_lines(now.minus(self.retention.agent_logs), MOST_LINES_OF_AGENT).await;
        Ok(Counters::default()
            .with("bodies", pruned.bodies)
            .with("deliveries", pruned.deliveries)
            .with("answers", pruned.answers)
            .with("effects", pruned.effects)
            .with("checks", pruned.checks)
            .with("signs", pruned.signs)
            .with("agent-lines", lines.map_err(|error| error.to_string())?)
            .with("executions", executions.map_err(|error| error.to_string())?))
    }
}
