use std::collections::BTreeMap;

use crate::agent::Agent;
use crate::identity::AgentId;
use crate::quota::{Drought, Quota, Rest};
use crate::roster::{Policy, Role};
use crate::time::Timestamp;

/// The reviewers of the roster, in its order, as they are known at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Crew {
    /// They.
    pub reviewers: Vec<Reviewer>,
    /// Since when the daemon listens without a break: nobody was silent before. `None` where that is no question.
    pub listening: Option<Timestamp>,
    /// They are told by entries in their streams.
    pub streamed: bool,
}

/// A reviewer, as far as the rule looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewer {
    /// Which one.
    pub agent: AgentId,
    /// Last heartbeat, or the request that it makes now.
    pub heard: Option<Timestamp>,
    /// Held by an operator.
    pub paused: bool,
    /// What it says of its provider.
    pub quota: Quota,
    /// Its failures in a row for want of quota.
    pub drought: Option<Drought>,
}

impl Crew {
    /// Puts the crew together: states of their streams, last heartbeats by agent, and failures in a row for want of quota.
    #[must_use]
    pub fn of(
        policy: &Policy,
        states: &BTreeMap<AgentId, Agent>,
        heard: &BTreeMap<AgentId, Timestamp>,
        droughts: &BTreeMap<AgentId, Drought>,
    ) -> Self {
        let reviewers = policy.roster.agents.iter().filter(|profile| profile.role == Role::Reviewer);
        let reviewer = |agent: &AgentId| {
            let state = states.get(agent);
            Reviewer {
                agent: agent.clone(),
                heard: heard.get(agent).copied(),
                paused: state.is_some_and(|state| state.paused),
                quota: state.map(Quota::of).unwrap_or_default(),
                drought: droughts.get(agent).copied(),
            }
        };
        Self { reviewers: reviewers.map(|profile| reviewer(&profile.id)).collect(), listening: None, streamed: false }
    }

    /// The same, known by a daemon that listens since then.
    #[must_use]
    pub fn heard_since(self, listening: Timestamp) -> Self {
        Self { listening: Some(listening), ..self }
    }

    /// The same, told by entries in their streams, or only when they ask.
    #[must_use]
    pub fn told_by_streams(self, streamed: bool) -> Self {
        Self { streamed, ..self }
    }

    /// The same with one who is there, since it asks.
    #[must_use]
    pub fn with(mut self, asking: &AgentId, now: Timestamp) -> Self {
        for reviewer in self.reviewers.iter_mut().filter(|reviewer| reviewer.agent == *asking) {
            reviewer.heard = reviewer.heard.max(Some(now));
        }
        self
    }
}

impl Reviewer {
    /// Whether it was heard from within the time for it. Whoever was heard from before nobody listened is not silent yet.
    #[must_use]
    pub fn is_there(&self, listening: Option<Timestamp>, policy: &Policy, now: Timestamp) -> bool {
        policy.timers.is_online(self.heard.map(|heard| heard.max(listening.unwrap_or(heard))), now)
    }

    /// Until when it is left alone after its provider ran dry.
    #[must_use]
    pub fn rest(&self, now: Timestamp) -> Option<Rest> {
        self.drought.and_then(|drought| self.quota.rest(drought, now))
    }
}
