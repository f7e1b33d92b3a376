use crate::identity::EventId;
use crate::reaction::{Destination, Effect};
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// Effects that wait for their delivery.
pub trait Outbox: Send + Sync {
    /// Due effects for a destination, oldest first, at most `limit`. Of each key only those before which nothing of the
    /// same key still waits for a retry, so that order per key holds.
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<PendingEffect>, StoreFailure>>;

    /// These were delivered (or no longer hold); they don't come again.
    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// This one failed; it comes again at `retry_at`, or never (`None`: a dead letter, which frees its key).
    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// How much waits, for health.
    fn outbox_depth(&self) -> PortFuture<'_, Result<OutboxDepth, StoreFailure>>;
}

/// An effect to be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingEffect {
    /// Its id: what a receiver recognises a repeat by.
    pub id: EventId,
    /// The event that caused it.
    pub event_id: EventId,
    /// What to do.
    pub effect: Effect,
    /// Tries so far.
    pub attempts: u32,
    /// When its event was decided.
    pub since: Timestamp,
}

/// How much waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxDepth {
    /// To be delivered.
    pub pending: u64,
    /// Given up on.
    pub dead: u64,
    /// Age of the oldest one to be delivered.
    pub oldest: Option<Timestamp>,
}
