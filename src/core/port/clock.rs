use crate::identity::EventId;
use crate::time::Timestamp;

/// What time it is. The one place where durations of leases and silences come from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness and ids.
pub trait Entropy: Send + Sync {
    /// A fresh UUID v7 for something that happens at `now`; later ones sort after earlier ones.
    fn event_id(&self, now: Timestamp) -> EventId;

    /// 128 random bits that nobody can guess.
    fn random(&self) -> u128;
}
