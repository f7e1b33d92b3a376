use std::collections::HashSet;

use conductor_core::port::Guard;

use crate::codec::PreparedAppend;

/// Appends that may share one batch: a batch is judged against the log as it stood before, so none of them may be of
/// interest to another. The ones left out come with the next batch, first.
///
/// Only what an earlier append could *add* counts. One that ends a lease may let a guard in the same batch fail which would
/// hold after it; both came at once, so that answer is as right as the other.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    streams: HashSet<String>,
    keys: HashSet<(String, String)>,
    /// Agents that may get a lease.
    holders: HashSet<String>,
    /// Claimants that may get one which they have not started.
    unstarted: HashSet<String>,
}

impl Footprint {
    /// Takes the append in, unless something in here could change what is decided about it.
    pub(super) fn admit(&mut self, append: &PreparedAppend) -> bool {
        let key = append.idempotency.as_ref().map(|answer| (answer.scope.clone(), answer.key.clone()));
        let disturbed = self.streams.contains(&append.key)
            || key.as_ref().is_some_and(|key| self.keys.contains(key))
            || append.guards.iter().any(|guard| self.disturbs(guard));
        if disturbed {
            return false;
        }
        self.streams.insert(append.key.clone());
        self.keys.extend(key);
        if let Some(claimant) = &append.columns.holder {
            self.holders.insert(claimant.agent.to_string());
            if append.columns.unstarted {
                self.unstarted.insert(claimant.to_string());
            }
        }
        true
    }

    fn disturbs(&self, guard: &Guard) -> bool {
        match guard {
            Guard::StreamAt { stream, .. } => self.streams.contains(&stream.key()),
            Guard::LeasesBelow { agent, .. } => self.holders.contains(agent.as_str()),
            Guard::NothingUnstarted { claimant } => self.unstarted.contains(&claimant.to_string()),
        }
    }
}
