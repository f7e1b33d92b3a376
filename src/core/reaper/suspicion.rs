use crate::port::PendingEntry;
use crate::roster::Timers;
use crate::silence::AgentSilence;
use crate::time::Timestamp;

/// Handed to consumers this often, an entry is what they die of: nobody restarts as often by chance while one piece of work lasts.
const HANDED_OUT_IN_VAIN: u64 = 5;

/// Why an entry is looked at more closely. Those of lively agents, which are most, are not: that costs a read of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// Its reader may be dead.
    Unheard,
    /// It may be what its readers die of.
    Poison,
    /// No work lasts as long.
    Old,
}

impl Suspicion {
    /// Of that entry; `None` where nothing speaks against it.
    #[must_use]
    pub fn of(entry: &PendingEntry, silence: &AgentSilence, timers: &Timers, now: Timestamp) -> Option<Self> {
        if entry.idle >= timers.entry_idle && now.since(silence.since()) >= timers.offline_after {
            Some(Self::Unheard)
        } else if entry.deliveries >= HANDED_OUT_IN_VAIN {
            Some(Self::Poison)
        } else if entry.idle >= timers.no_progress {
            Some(Self::Old)
        } else {
            None
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::identity::AgentId;
    use std::time::Duration;

    use crate::time::{hours, minutes};

    pub(in crate::reaper) fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(minutes(minute))
    }

    pub(in crate::reaper) fn pending(idle: Duration) -> PendingEntry {
        PendingEntry {
            agent: AgentId::parse("dev-e-node").unwrap(),
            entry_id: "1-0".to_owned(),
            consumer: "pod-1".to_owned(),
            idle,
            deliveries: 1,
            event_id: None,
            about: None,
        }
    }

    fn heard(minute: Option<u64>) -> AgentSilence {
        AgentSilence { heard: minute.map(at), listening: at(0) }
    }

    fn of(entry: &PendingEntry, silence: AgentSilence, now: u64) -> Option<Suspicion> {
        Suspicion::of(entry, &silence, &Timers::default(), at(now))
    }

    #[test]
    fn both_the_entry_and_its_agent_have_to_be_silent() {
        for (idle, last, now, expected) in [
            (5, None, 10, Some(Suspicion::Unheard)),
            (4, None, 10, None),
            (60, Some(51), 60, None),
            (60, Some(50), 60, Some(Suspicion::Unheard)),
        ] {
            assert_eq!(of(&pending(minutes(idle)), heard(last), now), expected, "{idle} {last:?} {now}");
        }
    }

    #[test]
    fn nobody_was_silent_while_nobody_listened() {
        let deaf = AgentSilence { heard: Some(at(0)), listening: at(100) };
        assert_eq!(of(&pending(hours(2)), deaf, 109), None);
        assert_eq!(of(&pending(hours(2)), deaf, 110), Some(Suspicion::Unheard));
    }

    #[test]
    fn what_is_handed_out_again_and_again_or_for_ever_is_looked_at_however_lively_its_agent_is() {
        let lively = |entry: &PendingEntry| of(entry, heard(Some(300)), 300);
        assert_eq!(lively(&PendingEntry { deliveries: 4, ..pending(minutes(1)) }), None);
        assert_eq!(lively(&PendingEntry { deliveries: 5, ..pending(minutes(1)) }), Some(Suspicion::Poison));
        assert_eq!(lively(&pending(minutes(239))), None);
        assert_eq!(lively(&pending(hours(4))), Some(Suspicion::Old));
    }
}
