use crate::identity::EventId;
use crate::reaction::{Destination, Effect};
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// Effects that wait for their delivery.
pub trait Outbox: Send + Sync {
    /// Due effects for a destination, oldest first, at most `limit`. Of each key only those before which nothing of the
    /// same key still waits for a retry, so that order per key holds. One that can't be read comes as such: it must not
    /// keep the others back.
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>>;

    /// These were delivered; they don't come again.
    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// These no longer hold, so they weren't delivered; they don't come again. Their reasons are kept with them.
    fn obsolete<'a>(&'a self, effects: &'a [ObsoleteEffect]) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// This one failed; it comes again at `retry_at`, or never (`None`: a dead letter, which frees its key).
    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// How much waits, for health: of each destination for which anything waits or was given up on.
    fn outbox_depth(&self) -> PortFuture<'_, Result<Vec<OutboxDepth>, StoreFailure>>;
}

/// What comes of a row of the outbox.
pub type DueEffect = Result<PendingEffect, UnreadableEffect>;

/// An effect that this build can't read: a later one wrote it, or the row is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEffect {
    /// Its id.
    pub id: EventId,
    /// What it is delivered in order with.
    pub key: String,
    /// Tries so far.
    pub attempts: u32,
    /// Why not.
    pub why: String,
}

/// An effect that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObsoleteEffect {
    /// Which.
    pub id: EventId,
    /// Why not.
    pub reason: String,
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

/// How much waits in the outbox for one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxDepth {
    /// For which.
    pub destination: Destination,
    /// To be delivered.
    pub pending: u64,
    /// Given up on.
    pub dead: u64,
    /// When the oldest one to be delivered was decided.
    pub oldest: Option<Timestamp>,
}
