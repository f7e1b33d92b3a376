use conductor_core::port::Clock;
use conductor_core::time::Timestamp;
use tokio::time::Instant;

/// The paused time of Tokio as wall time.
pub(crate) struct PausedClock {
    begun: Instant,
}

impl PausedClock {
    pub(crate) const BEGIN: i64 = 1_800_000_000_000;

    pub(crate) fn new() -> Self {
        Self { begun: Instant::now() }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Self::BEGIN).plus(self.begun.elapsed())
    }
}
