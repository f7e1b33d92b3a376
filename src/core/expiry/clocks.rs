use std::time::Duration;

use crate::hold::{Hold, running};
use crate::issue::Lease;
use crate::port::LeaseSigns;
use crate::time::Timestamp;

/// Signs of life are gathered and written together: the last ones may be on their way for so long.
pub const RENEWALS_LATE_AT_MOST: Duration = Duration::from_secs(1);

/// The points from which a lease's times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseClocks {
    /// When it began: at the claim, or, where it was pushed into a stream, when its entry was there. `None`: its entry is still
    /// on its way, so no time runs.
    pub began: Option<Timestamp>,
    /// The last sign of life, or its beginning.
    pub heard: Timestamp,
    /// Whether anything was worked on.
    pub worked: bool,
}

impl LeaseClocks {
    /// Of a lease with these signs; `streamed` where pushed work reaches its agent by way of a stream.
    #[must_use]
    pub fn of(lease: &Lease, signs: Option<&LeaseSigns>, streamed: bool) -> Self {
        let signs = signs.filter(|signs| signs.epoch == lease.epoch);
        let worked = lease.started() || signs.is_some_and(|signs| signs.worked_at.is_some());
        let delivered = signs.and_then(|signs| signs.delivered_at);
        let began = if lease.pushed && streamed {
            // Whoever works knows of it, however that was learnt.
            delivered.or(worked.then_some(lease.assigned_at))
        } else {
            Some(lease.assigned_at)
        };
        let heard = began.max(signs.and_then(LeaseSigns::last)).unwrap_or(lease.assigned_at).max(lease.assigned_at);
        Self { began, heard, worked }
    }

    /// When the lease ends unless it is renewed.
    #[must_use]
    pub fn expires_at(&self, lease: &Lease, length: Duration) -> Timestamp {
        if lease.hook { lease.expires_at } else { lease.expires_at.max(self.heard.plus(length)) }
    }
}

/// For how long a clock has run that began at `from`: counted from when the daemon listens, without the holds.
pub(super) fn elapsed(from: Timestamp, listening: Timestamp, now: Timestamp, holds: &[Hold]) -> Duration {
    running(from.max(listening), now, holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expiry::plan::tests::{at, lease, signs};
    use crate::time::minutes;

    #[test]
    fn a_pulled_lease_begins_at_its_claim_and_a_pushed_one_with_its_entry() {
        let (pulled, pushed) = (lease(), Lease { pushed: true, ..lease() });
        assert_eq!(LeaseClocks::of(&pulled, None, true).began, Some(at(0)));
        assert_eq!(LeaseClocks::of(&pushed, None, true).began, None, "its entry is on its way");
        assert_eq!(
            LeaseClocks::of(&pushed, None, false).began,
            Some(at(0)),
            "nothing is on its way in a pull-only rig"
        );
        let delivered = LeaseSigns { delivered_at: Some(at(7)), ..signs() };
        let clocks = LeaseClocks::of(&pushed, Some(&delivered), true);
        assert_eq!((clocks.began, clocks.heard), (Some(at(7)), at(7)));
        assert_eq!(clocks.expires_at(&pushed, minutes(30)), at(37));
        let working = LeaseSigns { worked_at: Some(at(3)), ..signs() };
        assert_eq!(LeaseClocks::of(&pushed, Some(&working), true).began, Some(at(0)), "it works, so it knows");
    }

    #[test]
    fn every_sign_renews_and_those_of_another_lease_do_not() {
        let signs = LeaseSigns { renewed_at: Some(at(9)), worked_at: Some(at(12)), ..signs() };
        let clocks = LeaseClocks::of(&lease(), Some(&signs), true);
        assert_eq!((clocks.heard, clocks.worked), (at(12), true));
        assert_eq!(clocks.expires_at(&lease(), minutes(30)), at(42));
        let older = LeaseSigns { epoch: 0, ..signs };
        let clocks = LeaseClocks::of(&lease(), Some(&older), true);
        assert_eq!((clocks.heard, clocks.worked), (at(0), false));
    }

    #[test]
    fn a_persons_hook_is_not_renewed() {
        let hook = Lease { hook: true, expires_at: at(24 * 60), ..lease() };
        let signs = LeaseSigns { renewed_at: Some(at(23 * 60)), ..signs() };
        assert_eq!(LeaseClocks::of(&hook, Some(&signs), true).expires_at(&hook, minutes(30)), at(24 * 60));
    }
}
