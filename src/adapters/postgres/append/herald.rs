use std::time::Duration;

use tokio::time::Instant;

/// How often the other replicas are told at most that the log has grown. A notification costs each of them a wake-up, and this
/// one a twentieth of a lone append; nobody's work depends on less than this.
const EVERY: Duration = Duration::from_millis(5);

/// When the other replicas are told that the log has grown: with the first append after a calm time, then no more often than
/// [`EVERY`], and once more when it grows no longer. This replica's own readers know at once.
#[derive(Debug, Default)]
pub(super) struct Herald {
    told: Option<Instant>,
    untold: Option<u64>,
}

impl Herald {
    /// Whether a batch that is sent now tells them.
    pub(super) fn tells(&mut self, now: Instant) -> bool {
        let tells = self.told.is_none_or(|told| now >= told + EVERY);
        if tells {
            self.told = Some(now);
        }
        tells
    }

    /// Knows that the log has grown to that position, and whether they were told so.
    pub(super) fn grown(&mut self, position: u64, told: bool) {
        self.untold = if told { None } else { Some(position) };
    }

    /// When they are to be told, if no batch does it before.
    pub(super) fn due(&self) -> Option<Instant> {
        self.untold.and(self.told).map(|told| told + EVERY)
    }

    /// What they are to be told.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        self.told = Some(now);
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batch_tells_the_next_ones_do_not_and_the_last_position_is_told_in_the_end() {
        let (mut herald, start) = (Herald::default(), Instant::now());
        assert!(herald.tells(start));
        herald.grown(3, true);
        assert_eq!(herald.due(), None);
        for position in 4..=6 {
            assert!(!herald.tells(start + Duration::from_millis(position - 3)));
            herald.grown(position, false);
        }
        let due = start + EVERY;
        assert_eq!(herald.due(), Some(due));
        assert_eq!(herald.take(due), Some(6));
        assert_eq!((herald.due(), herald.take(due)), (None, None));
    }

    #[test]
    fn under_load_a_batch_in_every_few_milliseconds_tells() {
        let (mut herald, start) = (Herald::default(), Instant::now());
        let told = (0..100).filter(|ms| herald.tells(start + Duration::from_millis(*ms))).count();
        assert_eq!(told, 20);
    }
}
