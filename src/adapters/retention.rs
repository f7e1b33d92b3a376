//! How long operational records are kept, for every store the same.

use std::time::Duration;

use conductor_core::time::{Timestamp, hours};

/// GitHub can be asked for a redelivery for three days; a week leaves room for a person to look.
const BODIES: Duration = hours(7 * 24);
/// A replayed delivery is recognised for a quarter.
const DELIVERIES: Duration = hours(90 * 24);
/// The contract promises clients at least seven days.
const ANSWERS: Duration = hours(7 * 24);
const EFFECTS: Duration = hours(7 * 24);
const CHECKS: Duration = hours(7 * 24);
/// No lease lives longer than a day without a sign.
const SIGNS: Duration = hours(7 * 24);

/// What is older than these points may go, where nothing waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// Bodies of deliveries that were worked off or ignored.
    pub(crate) bodies: Timestamp,
    /// Deliveries that don't wait, dead letters among them.
    pub(crate) deliveries: Timestamp,
    /// Kept answers.
    pub(crate) answers: Timestamp,
    /// Delivered effects.
    pub(crate) effects: Timestamp,
    /// Early checks.
    pub(crate) checks: Timestamp,
    /// The last sign of a lease.
    pub(crate) signs: Timestamp,
}

impl Horizon {
    /// As seen from `now`.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            bodies: now.minus(BODIES),
            deliveries: now.minus(DELIVERIES),
            answers: now.minus(ANSWERS),
            effects: now.minus(EFFECTS),
            checks: now.minus(CHECKS),
            signs: now.minus(SIGNS),
        }
    }
}
