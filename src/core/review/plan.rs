use std::collections::BTreeMap;

use crate::decider::{Given, StreamState};
use crate::identity::{PrRef, StreamId};
use crate::pull_request::PullRequest;
use crate::roster::Policy;
use crate::time::Timestamp;

use super::{Crew, Step, next};

/// A pull request, and the streams that the rule looks at beside it ([`looks_at`](super::looks_at)).
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The pull request.
    pub pull: PullRequest,
    /// Its issues and the rig, where they exist.
    pub neighbours: BTreeMap<StreamId, StreamState>,
}

/// What is to be done about everything that waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Pull requests whose append is to decide: somebody is asked, given up on, or called.
    pub due: Vec<PrRef>,
    /// When the next one of the others is due, as far as that is a matter of time alone.
    pub soonest: Option<Timestamp>,
}

impl Sight {
    /// What the rule says of it.
    #[must_use]
    pub fn step(&self, crew: &Crew, policy: &Policy, now: Timestamp) -> Step {
        // The rule draws no lots.
        next(&self.pull, crew, &Given { now, policy, neighbours: &self.neighbours, entropy: 0 })
    }
}

/// What is to be done now.
#[must_use]
pub fn plan(sights: &[Sight], crew: &Crew, policy: &Policy, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for sight in sights {
        match sight.step(crew, policy, now) {
            Step::Ask { .. } | Step::GiveUp | Step::Call(_) => plan.due.push(sight.pull.reference.clone()),
            Step::Nothing(wait) => {
                plan.soonest = [plan.soonest, wait.until()].into_iter().flatten().min();
            }
        }
    }
    plan
}
