use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use conductor_core::decider::StreamState;
use conductor_core::identity::StreamId;

use crate::guard::locked;
use crate::ports::StateListener;

/// Streams that are kept in mind; twice the agents that are foreseen, at about 1 kB each.
const MOST: usize = 20_000;

/// States that many decisions look at: those of the agents and of the rig, as last read or written by this process.
///
/// **They may be out of date**, since another process may have written. That costs a retry and never a wrong decision: an append
/// is bound to the versions of all that it was decided on ([`Guard::StreamAt`](conductor_core::port::Guard::StreamAt)), and a
/// decision that writes nothing is told only on what the store said during its command.
#[derive(Debug, Default)]
pub(crate) struct Neighbourhood(Mutex<HashMap<StreamId, Seen>>);

/// A stream at a version; without state at 0.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) version: u64,
    pub(super) state: Option<StreamState>,
}

impl Neighbourhood {
    /// What was last seen of a stream.
    pub(super) fn get(&self, stream: &StreamId) -> Option<Seen> {
        self.known().get(stream).cloned()
    }

    /// Takes in what was read of a stream, unless more is known.
    pub(super) fn learn(&self, stream: &StreamId, seen: &Seen) {
        match stream {
            StreamId::Agent(_) | StreamId::Rig => {}
            // Dependencies: each of interest to few decisions.
            StreamId::Issue(_) | StreamId::PullRequest(_) => return,
        }
        let mut known = self.known();
        if known.get(stream).is_some_and(|known| known.version > seen.version) {
            return;
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(stream.clone(), seen.clone());
    }

    /// Each entry is whole after each single write.
    fn known(&self) -> MutexGuard<'_, HashMap<StreamId, Seen>> {
        locked(&self.0)
    }
}

impl StateListener for Neighbourhood {
    fn changed(&self, stream: &StreamId, version: u64, state: &StreamState) {
        match stream {
            StreamId::Agent(_) | StreamId::Rig => self.learn(stream, &Seen { version, state: Some(state.clone()) }),
            StreamId::Issue(_) | StreamId::PullRequest(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::AgentId;

    fn agent(number: usize) -> StreamId {
        StreamId::Agent(AgentId::parse(&format!("dev-e-{number}")).unwrap())
    }

    fn seen(version: u64) -> Seen {
        Seen { version, state: None }
    }

    #[test]
    fn the_newest_is_kept_whatever_order_it_comes_in() {
        let neighbourhood = Neighbourhood::default();
        for version in [0, 3, 2] {
            neighbourhood.learn(&agent(1), &seen(version));
        }
        assert_eq!(neighbourhood.get(&agent(1)).unwrap().version, 3);
        neighbourhood.changed(&agent(1), 4, &StreamState::initial(&agent(1)));
        let newest = neighbourhood.get(&agent(1)).unwrap();
        assert_eq!((newest.version, newest.state.is_some()), (4, true));
    }

    #[test]
    fn issues_are_not_kept_and_agents_are_bounded() {
        let neighbourhood = Neighbourhood::default();
        let issue = crate::testing::issue(1);
        neighbourhood.learn(&issue, &seen(1));
        assert!(neighbourhood.get(&issue).is_none());
        (0..=MOST).for_each(|number| neighbourhood.learn(&agent(number), &seen(1)));
        assert!(neighbourhood.known().len() <= MOST && neighbourhood.get(&agent(MOST)).is_some());
    }
}
