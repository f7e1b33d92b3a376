//! What agents do with their memory: a read model of MEMORY_WRITE, MEMORY_READ and MEMORY_HIT_USED, per day (UTC).

use std::collections::BTreeMap;

use crate::cost::{Day, MOST_OF_ONE_REPORT};
use crate::event::{AgentEvent, Event};
use crate::time::Timestamp;

/// The types of the events that it is made of.
pub const MEMORY_EVENTS: [&str; 3] = ["MEMORY_WRITE", "MEMORY_READ", "MEMORY_HIT_USED"];

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUse {
    /// Memories written.
    pub writes: u64,
    /// Tokens of them.
    pub tokens_written: u64,
    /// Questions asked of the memory.
    pub reads: u64,
    /// What they found.
    pub hits: u64,
    /// Tokens that were loaded for them.
    pub tokens_loaded: u64,
    /// Of what was found, how often it was used in what was written.
    pub hits_used: u64,
}

impl MemoryUse {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            writes: self.writes.saturating_add(other.writes),
            tokens_written: self.tokens_written.saturating_add(other.tokens_written),
            reads: self.reads.saturating_add(other.reads),
            hits: self.hits.saturating_add(other.hits),
            tokens_loaded: self.tokens_loaded.saturating_add(other.tokens_loaded),
            hits_used: self.hits_used.saturating_add(other.hits_used),
        }
    }

    /// What an event says was done; nothing for every other event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let tokens = |tokens: Option<u64>| tokens.unwrap_or(0).min(MOST_OF_ONE_REPORT);
        match event {
            Event::Agent(AgentEvent::MemoryWrite(write)) => {
                Self { writes: 1, tokens_written: tokens(write.tokens), ..Self::default() }
            }
            Event::Agent(AgentEvent::MemoryRead(read)) => Self {
                reads: 1,
                hits: u64::from(read.hits),
                tokens_loaded: tokens(read.tokens_loaded),
                ..Self::default()
            },
            Event::Agent(AgentEvent::MemoryHitUsed(hit)) => {
                Self { hits_used: u64::from(hit.used_in_output), ..Self::default() }
            }
            Event::Agent(_) | Event::Issue(_) | Event::PullRequest(_) | Event::Rig(_) => Self::default(),
        }
    }
}

/// What was done, day by day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryDays(BTreeMap<Day, MemoryUse>);

impl MemoryDays {
    /// Adds what an event of that time says.
    pub fn add(&mut self, event: &Event, time: Timestamp) {
        let day = self.0.entry(Day::of(time)).or_default();
        *day = day.plus(MemoryUse::of(event));
    }

    /// All of it, from a day on.
    #[must_use]
    pub fn since(&self, day: Option<Day>) -> MemoryUse {
        let days = self.0.iter().filter(|(of, _)| day.is_none_or(|day| **of >= day));
        days.fold(MemoryUse::default(), |sum, (_, of)| sum.plus(*of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AgentOnline, MemoryHitUsed, MemoryKind, MemoryRead, MemoryScope, MemoryWrite};

    fn at(day: i64) -> Timestamp {
        Timestamp::from_millis(day * 86_400_000)
    }

    #[test]
    fn sums_are_of_the_days_that_are_asked_for() {
        let mut days = MemoryDays::default();
        let write = MemoryWrite {
            scope: MemoryScope::Repo,
            kind: MemoryKind::Decision,
            memory_id: "m1".to_owned(),
            tokens: Some(40),
            repo: None,
        };
        let read = MemoryRead { query: "q".to_owned(), hits: 3, tokens_loaded: Some(u64::MAX), repo: None };
        let hit = |used_in_output| MemoryHitUsed { memory_id: "m1".to_owned(), used_in_output };
        days.add(&Event::Agent(write.clone().into()), at(1));
        days.add(&Event::Agent(write.into()), at(2));
        days.add(&Event::Agent(read.into()), at(2));
        for used in [true, false] {
            days.add(&Event::Agent(hit(used).into()), at(3));
        }
        days.add(&Event::Agent(AgentOnline { since: None }.into()), at(3));
        let all = MemoryUse {
            writes: 2,
            tokens_written: 80,
            reads: 1,
            hits: 3,
            tokens_loaded: MOST_OF_ONE_REPORT,
            hits_used: 1,
        };
        assert_eq!(days.since(None), all);
        assert_eq!(days.since(Some(Day(2))), MemoryUse { writes: 1, tokens_written: 40, ..all });
        assert_eq!(days.since(Some(Day(4))), MemoryUse::default());
    }
}
