//! The agents that claim in a measurement.

use conductor_core::identity::AgentId;
use conductor_core::roster::{AgentProfile, Role};

/// Issues that each agent comes to hold. What an agent holds is counted under the lock, up to its capacity: with fewer agents the
/// count would grow to what no capacity allows.
const EACH: usize = 4;
/// Issues that an agent may hold: twice as many, so that a worker whose agents had the faster turn isn't stopped.
const CAPACITY: u32 = 8;

/// Agents for that many issues, at least one for each of so many workers.
pub(crate) fn size(issues: usize, workers: usize) -> usize {
    (issues / EACH).max(workers)
}

/// One of them; `None` for a name that is none.
pub(crate) fn member(number: usize) -> Option<AgentProfile> {
    let id = AgentId::parse(&format!("worker-{number}"))?;
    let (stacks, tags, logins) = (Vec::new(), Vec::new(), Vec::new());
    Some(AgentProfile { id, role: Role::Developer, stacks, tags, logins, capacity: CAPACITY })
}
