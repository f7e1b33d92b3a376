use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// Webhook deliveries: stored before they are answered, worked on after.
pub trait Inbox: Send + Sync {
    /// Stores a delivery, durably, unless one with its id was stored before.
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>>;

    /// Deliveries that wait, in order of receipt, at most `limit`; those that failed only once their time has come, and
    /// nothing of the same ordering key before them.
    fn waiting(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>>;

    /// Worked off, with what came of it (`3 commands`, `ignored: unknown action`).
    fn worked<'a>(&'a self, id: &'a str, outcome: &'a str) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// Could not be worked off; comes again at `retry_at`, or never (`None`: a dead letter).
    fn stuck<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// How much waits, for health.
    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>>;
}

/// A delivery as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `X-GitHub-Delivery`.
    pub id: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// Deliveries of one key are worked off in order: `owner/repo#n` in lower case, or the repository, or empty.
    pub ordering_key: String,
    /// The body, as signed: JSON text.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Set for one that is recorded and needs no work, with the reason.
    pub ignored: Option<String>,
}

/// What became of a delivery at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored now.
    Accepted,
    /// Was stored before.
    Duplicate,
}

/// A delivery to be worked off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDelivery {
    /// What came.
    pub delivery: Delivery,
    /// Tries so far.
    pub attempts: u32,
}

/// How much waits in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxDepth {
    /// To be worked off.
    pub waiting: u64,
    /// Given up on.
    pub dead: u64,
    /// When the oldest one that waits came.
    pub oldest: Option<Timestamp>,
}
