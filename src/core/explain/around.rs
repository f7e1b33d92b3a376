//! What an explanation may look at beside its subject. Read by the edge; a moment old, as every answer is.

use std::collections::BTreeMap;

use crate::agent::Agent;
use crate::claim::{ClaimantView, Obstacle, Wanted};
use crate::identity::{AgentId, IssueRef};
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::rig::Rig;
use crate::roster::{AgentProfile, Policy};
use crate::time::Timestamp;

/// What there is around an issue.
#[derive(Debug, Clone, Copy)]
pub struct AroundIssue<'a> {
    /// Now.
    pub now: Timestamp,
    /// Roster and rules.
    pub policy: &'a Policy,
    /// The rig.
    pub rig: &'a Rig,
    /// The issues that it depends on, as far as the log knows them.
    pub dependencies: &'a BTreeMap<IssueRef, Issue>,
    /// Its current pull request.
    pub pull: Option<&'a PullRequest>,
    /// Its place in the queue, from 1, and how many wait.
    pub place: Option<(usize, usize)>,
    /// Everybody of the roster, and whoever else was heard from.
    pub agents: &'a [Known<'a>],
}

/// What there is around an agent.
#[derive(Debug, Clone, Copy)]
pub struct AroundAgent<'a> {
    /// Now.
    pub now: Timestamp,
    /// Roster and rules.
    pub policy: &'a Policy,
    /// The rig.
    pub rig: &'a Rig,
    /// The first of those that wait, in the order of hand-out, each with what holds it back whoever asks.
    pub waiting: &'a [(Wanted<'a>, &'a [Obstacle])],
    /// How many wait in all.
    pub waiting_in_all: usize,
    /// What it holds.
    pub holds: &'a [IssueRef],
}

/// An agent as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Which one.
    pub id: &'a AgentId,
    /// Its entry in the roster.
    pub profile: Option<&'a AgentProfile>,
    /// Its stream's state, where it has one.
    pub state: Option<&'a Agent>,
    /// Last heartbeat.
    pub heard: Option<Timestamp>,
    /// Live leases.
    pub held: u32,
}

impl<'a> Known<'a> {
    /// As the rules of claiming look at it.
    #[must_use]
    pub fn claimant(&self, policy: &Policy) -> ClaimantView<'a> {
        ClaimantView { agent: self.id, profile: self.profile, strangers: policy.unknown_agents }
    }

    /// Whether it was heard from within the time for it.
    #[must_use]
    pub fn is_online(&self, policy: &Policy, now: Timestamp) -> bool {
        policy.timers.is_online(self.heard, now)
    }
}
