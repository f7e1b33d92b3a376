//! Agents that are no longer heard from: looks, and tells them so. What was heard meanwhile brings them back by itself.

use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::agent::{AgentCommand, AgentDecider};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{AgentId, StreamId, StreamKind};
use conductor_core::port::{Cursor, RowFilter, Store, StoreFailure, StoredRow};
use conductor_core::roster::Timers;
use conductor_core::silence::{Heard, silent};
use conductor_core::time::Timestamp;

use super::ear::Ear;

/// The longest from one look to the next.
const PERIOD: Duration = Duration::from_secs(60);
/// Rows read at once.
const PAGE: usize = 500;

/// The pass that says AGENT_OFFLINE.
pub struct Silence {
    coordinator: Coordinator,
    ear: Arc<Ear>,
}

impl Silence {
    /// Looks at that coordinator's agents, by that ear's clock.
    #[must_use]
    pub fn new(coordinator: Coordinator, ear: Arc<Ear>) -> Self {
        Self { coordinator, ear }
    }

    /// From one look to the next: a tenth of the time that an agent has.
    #[must_use]
    pub fn period(timers: &Timers) -> Duration {
        PERIOD.min(timers.offline_after / 10)
    }

    async fn look(&self) -> Result<Vec<(AgentId, Option<Timestamp>)>, StoreFailure> {
        let ear = self.ear.listen().await?;
        let store = &**self.coordinator.store();
        let online = online(store).await?;
        let heartbeats = store.last_heartbeats().await?.into_iter().map(|last| (last.claimant, last.at));
        let heard = Heard::new(online, heartbeats, ear.since);
        Ok(silent(&heard, self.coordinator.policy().timers.offline_after, ear.now))
    }
}

/// Agents whose rows say that they are there.
async fn online(store: &dyn Store) -> Result<Vec<AgentId>, StoreFailure> {
    let filter = RowFilter { states: vec!["online"], ..RowFilter::default() };
    let (mut online, mut after): (Vec<AgentId>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let rows = store.rows(StreamKind::Agent, &filter, after.as_ref(), PAGE).await?;
        after = rows.last().filter(|_| rows.len() == PAGE).map(StoredRow::cursor);
        online.extend(rows.into_iter().filter_map(|row| match row.stream {
            StreamId::Agent(agent) => Some(agent),
            StreamId::Issue(_) | StreamId::PullRequest(_) | StreamId::Rig => None,
        }));
        if after.is_none() {
            return Ok(online);
        }
    }
}

impl LeaderPass for Silence {
    const NAME: &'static str = "silence";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let gone = self.look().await.map_err(|failure| failure.to_string())?;
        let mut counters = Counters::default();
        for (agent, last_heartbeat) in gone {
            let metadata = Metadata::by(Actor::Daemon(Self::NAME.to_owned()));
            let request = Request::new(AgentCommand::WentSilent { last_heartbeat }, metadata);
            let stream = StreamId::Agent(agent.clone());
            match self.coordinator.execute_as_leader::<AgentDecider>(proof, stream, request).await {
                Ok(_) => {
                    tracing::info!(%agent, "{agent} is no longer heard from");
                    counters.add("offline", 1);
                }
                Err(rejected @ Rejected::Refused(_)) => tracing::warn!(%agent, "{agent} was not told: {rejected}"),
                Err(rejected) => return Err(format!("tell {agent} that it is silent: {rejected}")),
            }
        }
        Ok(counters)
    }
}
