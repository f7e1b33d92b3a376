//! The streams of agents: there before anybody asks, and without what is done.

use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Counters, LeaderPass, LeaderProof};
use conductor_core::identity::AgentId;
use conductor_core::port::{Broker, BrokerFailure};
use conductor_core::roster::{Policy, Role};

/// While the broker is away: a scaler that asks for a group should find it soon after the broker is back.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The pass that makes the streams of the roster's agents, and trims everybody's. It hands nothing out and takes nothing back.
pub struct EntryStreams {
    broker: Arc<dyn Broker>,
    policy: Arc<Policy>,
}

impl EntryStreams {
    /// Keeps the streams of that broker, for the roster of that policy.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>, policy: Arc<Policy>) -> Self {
        Self { broker, policy }
    }

    /// Agents that are ever handed anything. Others get their stream with their first entry.
    fn handed_out_to(&self) -> impl Iterator<Item = &AgentId> {
        let handed_out_to = |role| match role {
            Role::Developer | Role::Reviewer => true,
            Role::Monitor | Role::Architect | Role::Coordinator => false,
        };
        self.policy.roster.agents.iter().filter(move |agent| handed_out_to(agent.role)).map(|agent| &agent.id)
    }
}

impl EntryStreams {
    async fn keep(&self) -> Result<Counters, BrokerFailure> {
        let mut counters = Counters::default();
        // A key that holds something else is one agent's trouble, which a person must mend: the others' streams are kept.
        let mut refused: Option<String> = None;
        for agent in self.handed_out_to() {
            if let Some(why) = unless_refused(agent, self.broker.ready(agent).await)?.err() {
                counters.add("refused", 1);
                refused = Some(why);
            }
        }
        for agent in self.broker.agents().await? {
            counters.add("streams", 1);
            match unless_refused(&agent, self.broker.trim(&agent).await)? {
                Ok(trimmed) => counters.add("trimmed", trimmed),
                Err(why) => {
                    counters.add("refused", 1);
                    refused = Some(why);
                }
            }
        }
        Ok(refused.into_iter().fold(counters, Counters::saying))
    }
}

/// What was done; what the broker won't do, in words.
fn unless_refused<T>(agent: &AgentId, done: Result<T, BrokerFailure>) -> Result<Result<T, String>, BrokerFailure> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(refused @ BrokerFailure::Refused(_)) => {
            tracing::warn!(%agent, error = %refused, "the stream of {agent} is not kept: failed to {refused}");
            Ok(Err(format!("{agent}: {refused}")))
        }
        Err(away @ BrokerFailure::Away(_)) => Err(away),
    }
}

impl LeaderPass for EntryStreams {
    const NAME: &'static str = "entry-streams";

    async fn run(&self, _proof: &LeaderProof) -> Result<Counters, String> {
        match self.keep().await {
            Ok(counters) => Ok(counters),
            // No failure of this pass: health says it, and the lane beside it waits for the same.
            Err(BrokerFailure::Away(_)) => Ok(Counters::default().with("away", 1).again_in(LOOK_AGAIN)),
            Err(refused @ BrokerFailure::Refused(_)) => Err(refused.to_string()),
        }
    }
}
