use crate::identity::IssueRef;
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// Signs of life of live leases: an operational table, since they are too many for the log.
pub trait LeaseRenewals: Send + Sync {
    /// Takes signs in, each as [`LeaseSigns::take`] says. Safe to repeat and to reorder.
    fn note_signs<'a>(&'a self, signs: &'a [LeaseSigns]) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// What is known of every issue's newest lease that ever gave a sign, in any order; of leases that have ended
    /// too, until they are pruned.
    fn lease_signs(&self) -> PortFuture<'_, Result<Vec<LeaseSigns>, StoreFailure>>;

    /// The same of one issue.
    fn signs_of<'a>(&'a self, issue: &'a IssueRef) -> PortFuture<'a, Result<Option<LeaseSigns>, StoreFailure>>;
}

/// The signs of life of one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSigns {
    /// Whose lease.
    pub issue: IssueRef,
    /// Which of its leases.
    pub epoch: u32,
    /// The last heartbeat or event of the holder.
    pub renewed_at: Option<Timestamp>,
    /// When the entry of a pushed assignment was added to the agent's stream. The first time stays: a repeated delivery adds
    /// nothing there.
    pub delivered_at: Option<Timestamp>,
    /// The last run, log line or work event of the holder.
    pub worked_at: Option<Timestamp>,
}

impl LeaseSigns {
    /// No sign yet.
    #[must_use]
    pub fn none(issue: IssueRef, epoch: u32) -> Self {
        Self { issue, epoch, renewed_at: None, delivered_at: None, worked_at: None }
    }

    /// With what `other` adds: a newer lease's signs replace those of an older one, which count for nothing any more.
    pub fn take(&mut self, other: &Self) {
        if other.epoch > self.epoch {
            *self = other.clone();
        } else if other.epoch == self.epoch {
            self.renewed_at = self.renewed_at.max(other.renewed_at);
            self.delivered_at = self.delivered_at.or(other.delivered_at);
            self.worked_at = self.worked_at.max(other.worked_at);
        }
    }

    /// The last of them all.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.renewed_at.max(self.delivered_at).max(self.worked_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(epoch: u32, renewed: i64) -> LeaseSigns {
        let renewed_at = Some(Timestamp::from_millis(renewed));
        LeaseSigns { renewed_at, ..LeaseSigns::none(IssueRef::parse("acme/web#4").unwrap(), epoch) }
    }

    #[test]
    fn the_later_sign_stays_whatever_order_they_come_in() {
        let mut known = signs(1, 20);
        known.take(&signs(1, 10));
        assert_eq!(known, signs(1, 20));
        known.take(&signs(1, 30));
        assert_eq!(known, signs(1, 30));
    }

    #[test]
    fn a_newer_lease_owes_nothing_to_an_older_one() {
        let mut known = LeaseSigns { worked_at: Some(Timestamp::from_millis(99)), ..signs(1, 90) };
        known.take(&signs(2, 50));
        assert_eq!(known, signs(2, 50));
        known.take(&signs(1, 95));
        assert_eq!(known, signs(2, 50));
    }

    #[test]
    fn the_first_delivery_stays() {
        let delivered = |at| LeaseSigns { delivered_at: Some(Timestamp::from_millis(at)), ..signs(1, 1) };
        let mut known = delivered(5);
        known.take(&delivered(9));
        assert_eq!((known.delivered_at, known.last()), (Some(Timestamp::from_millis(5)), known.delivered_at));
    }
}
