//! What the actors are given: ports of the core, the configuration, and who wants to hear of new states.

use std::collections::BTreeSet;
use std::sync::Arc;

use conductor_core::decider::StreamState;
use conductor_core::identity::StreamId;
use conductor_core::port::{Clock, Entropy, Store};
use conductor_core::reaction::Destination;
use conductor_core::roster::Policy;

/// The outside world of the actors.
#[derive(Clone)]
pub struct Ports {
    /// The log and all that is stored beside it.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Roster and rules.
    pub policy: Arc<Policy>,
    /// Where effects go: what is for another destination is never written.
    pub destinations: BTreeSet<Destination>,
    /// Told of every new state.
    pub listeners: Vec<Arc<dyn StateListener>>,
}

impl Ports {
    /// The destinations of a rig that has nothing outside: other streams of its own log.
    #[must_use]
    pub fn inside() -> BTreeSet<Destination> {
        BTreeSet::from([Destination::Internal])
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").field("store", &self.store.name()).finish_non_exhaustive()
    }
}

/// Hears of new states as this process writes or reads them.
///
/// Called synchronously: after the append is durable and before the caller is answered, so whoever has an answer finds the
/// listener up to date. Also called with what a reload found, so an append whose answer was lost is heard of too. The same
/// version may be told twice, and an older one after a newer one: keep the highest. Must be quick and must not block.
pub trait StateListener: Send + Sync {
    /// `stream` has this state at this version.
    fn changed(&self, stream: &StreamId, version: u64, state: &StreamState);
}
