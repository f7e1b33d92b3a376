//! Who is no longer heard from. **Silence counts only while the daemon was listening**: after a start, an outage of the store or a
//! jump of the clock everybody's time begins anew.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::identity::{AgentId, Claimant};
use crate::time::Timestamp;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Agents that are taken to be there.
    pub online: Vec<AgentId>,
    /// When each was heard from last, whichever of its instances it was.
    pub last: BTreeMap<AgentId, Timestamp>,
    /// Since when the daemon has been listening without a break.
    pub since: Timestamp,
}

impl Heard {
    /// Agents that are taken to be there, with last heartbeats of instances, heard since then.
    #[must_use]
    pub fn new(
        online: Vec<AgentId>,
        heartbeats: impl IntoIterator<Item = (Claimant, Timestamp)>,
        since: Timestamp,
    ) -> Self {
        let mut last: BTreeMap<AgentId, Timestamp> = BTreeMap::new();
        for (Claimant { agent, .. }, at) in heartbeats {
            last.entry(agent).and_modify(|known| *known = (*known).max(at)).or_insert(at);
        }
        Self { online, last, since }
    }
}

/// What is known of one agent's silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSilence {
    /// Its last heartbeat, of whichever instance.
    pub heard: Option<Timestamp>,
    /// Since when the daemon has been listening without a break.
    pub listening: Timestamp,
}

impl AgentSilence {
    /// From then on it counts.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.heard.map_or(self.listening, |heard| heard.max(self.listening))
    }
}

/// Those of them that were not heard from for `after`, with when that was last.
#[must_use]
pub fn silent(heard: &Heard, after: Duration, now: Timestamp) -> Vec<(AgentId, Option<Timestamp>)> {
    let last = |agent: &AgentId| heard.last.get(agent).copied();
    let silent =
        |agent: &&AgentId| now.since(AgentSilence { heard: last(agent), listening: heard.since }.since()) >= after;
    heard.online.iter().filter(silent).map(|agent| (agent.clone(), last(agent))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn heard(online: &[&str], heartbeats: &[(&str, i64)], since: i64) -> Heard {
        let online = online.iter().map(|id| AgentId::parse(id).unwrap()).collect();
        Heard::new(
            online,
            heartbeats.iter().map(|(id, seconds)| (Claimant::parse(id).unwrap(), at(*seconds))),
            at(since),
        )
    }

    fn names(heard: &Heard, now: i64) -> Vec<String> {
        silent(heard, AFTER, at(now)).into_iter().map(|(agent, _)| agent.to_string()).collect()
    }

    #[test]
    fn silence_counts_from_the_last_heartbeat_of_any_instance() {
        let heard =
            heard(&["dev-e-node", "review-e"], &[("dev-e-node/a", 0), ("dev-e-node/b", 100), ("review-e", 0)], 0);
        assert_eq!(names(&heard, 599), [""; 0]);
        assert_eq!(names(&heard, 600), ["review-e"]);
        assert_eq!(silent(&heard, AFTER, at(700)).len(), 2);
        assert_eq!(silent(&heard, AFTER, at(700))[0].1, Some(at(100)));
    }

    #[test]
    fn silence_counts_only_while_the_daemon_was_listening() {
        let heard = heard(&["dev-e-node"], &[("dev-e-node", 0)], 5_000);
        assert_eq!(names(&heard, 5_599), [""; 0], "an hour without the store is nobody's silence");
        assert_eq!(names(&heard, 5_600), ["dev-e-node"]);
    }

    #[test]
    fn whoever_was_never_heard_or_is_gone_already_is_not_told_again() {
        assert_eq!(names(&heard(&[], &[("dev-e-node", 0)], 0), 9_999), [""; 0]);
        assert_eq!(
            names(&heard(&["dev-e-node"], &[], 0), 600),
            ["dev-e-node"],
            "online by an event, and no heartbeat kept"
        );
    }
}
