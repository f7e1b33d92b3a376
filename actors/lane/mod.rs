//! Lanes: durable work that is done at least once, in order per key, side by side across keys.
//!
//! The outbox has one lane per destination ([`Deliver`]); the inbox is one too. A lane doesn't block: what fails comes again later and holds back only its own key; after its last try it becomes a dead
//! letter, which frees the key and stays where people see it. Every item may be worked on twice (a crash between doing it
//! and noting that it is done), so whoever does it recognises repeats by its id.

mod backlog;
mod in_order;
mod inbox;
mod outbox;
#[cfg(test)]
mod tests;

use std::time::Duration;

use conductor_core::time::Timestamp;

use crate::backoff::BackoffSettings;
use crate::request::Rejected;

pub use inbox::{InboxLane, Interpreter};
pub use outbox::{Closed, Deliver, lane};
pub(crate) use outbox::{OutboxLane, is_led};

/// Why an item was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Setback {
    /// It wasn't tried at all (the daemon is full, or going down). Costs no try; the lane pauses until its next tick.
    #[error("begin: {0}")]
    NotNow(String),
    /// Whoever it is for is away as a whole. Costs no try: an outage makes no dead letters. Nothing further is begun, and the
    /// lane rests, longer each time.
    #[error("reach the other side: {0}")]
    Away(String),
    /// It was tried and failed. Costs a try.
    #[error("finish: {0}")]
    Failed(String),
}

impl From<Rejected> for Setback {
    fn from(rejected: Rejected) -> Self {
        let text = rejected.to_string();
        match rejected {
            Rejected::Busy { .. } | Rejected::Draining | Rejected::NotLeader => Self::NotNow(text),
            Rejected::Refused(_)
            | Rejected::KeyReused
            | Rejected::Guarded { .. }
            | Rejected::Unknown(_)
            | Rejected::Store(_) => Self::Failed(text),
        }
    }
}

/// How a lane works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// Items fetched at once.
    pub batch: usize,
    /// Keys worked on side by side.
    pub width: usize,
    /// One item may take this long; longer than a request may.
    pub deadline: Duration,
    /// A tick begins no further item after this long, and goes on in the next one. Together with one item's deadline it has
    /// to stay below the deadline of a tick.
    pub budget: Duration,
    /// Tries before an item becomes a dead letter.
    pub tries: u32,
    /// From one try to the next.
    pub retry: BackoffSettings,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            batch: 256,
            width: 16,
            deadline: Duration::from_secs(20),
            budget: Duration::from_secs(10),
            // 1 s, 2 s, 4 s … 5 min: a target that is away for half an hour makes no dead letters.
            tries: 15,
            retry: BackoffSettings {
                first: Duration::from_secs(1),
                cap: Duration::from_secs(300),
                calm: Duration::from_secs(0),
            },
        }
    }
}

impl LaneSettings {
    /// When an item comes again that has failed `failures` times; `None`: never.
    fn next_try(&self, failures: u32, now: Timestamp, random: u128) -> Option<Timestamp> {
        (failures < self.tries).then(|| now.plus(self.retry.rest_with_jitter(failures, random)))
    }
}
