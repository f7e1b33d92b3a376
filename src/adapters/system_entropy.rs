//! The machine's randomness, and ids that sort by time.

use std::sync::{Mutex, PoisonError};

use conductor_core::identity::EventId;
use conductor_core::port::Entropy;
use conductor_core::time::Timestamp;
use uuid::{ContextV7, Uuid};

/// The operating system's randomness; one per process, since its ids count up within a millisecond.
#[derive(Debug, Default)]
pub struct SystemEntropy {
    // The counter of UUID v7: ids of one millisecond, or after a step back of the clock, still sort in order of making.
    counter: Mutex<ContextV7>,
}

impl SystemEntropy {
    /// Fresh, with an empty counter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Entropy for SystemEntropy {
    fn event_id(&self, now: Timestamp) -> EventId {
        // UUID v7 begins in 1970; earlier times share its first millisecond.
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
        let counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        EventId(Uuid::new_v7(uuid::Timestamp::from_unix(&*counter, millis / 1000, nanos)).as_u128())
    }

    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness to every running process");
        u128::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_of_their_making_even_when_the_clock_steps_back() {
        let entropy = SystemEntropy::new();
        let noon = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        let times = (0..3000_i64).map(|at| Timestamp::from_millis(noon.as_millis() + at / 1000 - (at % 7) * 10));
        let ids: Vec<EventId> = times.map(|now| entropy.event_id(now)).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_the_time_in_front() {
        let noon = Timestamp::parse("2026-11-21T12:00:00.123Z").unwrap();
        let id = SystemEntropy::new().event_id(noon).0;
        assert_eq!(i64::try_from(id >> 80).unwrap(), noon.as_millis());
        assert_eq!((id >> 76) & 0xf, 7);
        assert_eq!((id >> 62) & 0b11, 0b10);
    }

    #[test]
    fn random_numbers_do_not_repeat() {
        let entropy = SystemEntropy::new();
        assert_ne!(entropy.random(), entropy.random());
    }
}
