//! Which of the daemons on one store acts on timers.
//!
//! Every replica serves every request; what nobody asked for (expiry, reminders, deliveries to the outside) is done by one of
//! them, the **leader**, for as long as its term lasts ([`LeaderTerm`](conductor_core::port::LeaderTerm)).
//!
//! **The leader stops trusting itself before its term ends.** Its trust is measured on its own monotonic clock, from *before*
//! it asked for the term or its renewal: a slow answer never lengthens it. So a leader that is cut off from the store, or was
//! frozen for an hour and goes on, does nothing with what it believed before.
//!
//! ```text
//!   asked        answered                                     trust ends     term ends: others may be elected
//!     ├─ in flight ─┤                                             ├─── margin ───┤
//!     └──────────────────────── length - margin ──────────────────┘
//! ```
//!
//! A [`LeaderProof`] is a value that only an elected leader has. It is asked again right before each act
//! ([`LeaderProof::still_holds`]); a pass is cut off at the await at which it turns false. What was sent on its way before may
//! still arrive after another leader began: every append is decided on the stream's own version, so it is late, never double.

mod elections;
mod leadership;
mod pass;
mod proof;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use elections::Elections;
pub(crate) use leadership::Leadership;
pub use pass::LeaderPass;
pub(crate) use pass::UnderProof;
pub use proof::LeaderProof;

/// How a leader is elected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaderSettings {
    /// A term, from one renewal on. After a leader's sudden end nobody acts for so long.
    pub term: Duration,
    /// How much earlier a leader stops trusting itself than its term ends: for clocks that don't run alike, and for what it
    /// had begun.
    pub margin: Duration,
    /// From one renewal to the next, and from one candidacy to the next.
    pub renewal: Duration,
}

impl Default for LeaderSettings {
    fn default() -> Self {
        Self {
            term: Duration::from_secs(6),
            margin: Duration::from_secs(1),
            // Two renewals may be lost before trust ends.
            renewal: Duration::from_millis(1500),
        }
    }
}
