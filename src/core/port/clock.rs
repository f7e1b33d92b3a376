use crate::identity::EventId;
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// What time it is. The one place where durations of leases and silences come from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock that every daemon on one store shares.
pub trait StoreClock: Send + Sync {
    /// Now, by the store's own clock; `None` for a store that has none but this machine's. Either answer says that the store
    /// can be reached.
    fn store_now(&self) -> PortFuture<'_, Result<Option<Timestamp>, StoreFailure>>;
}

/// Randomness and ids.
pub trait Entropy: Send + Sync {
    /// A fresh UUID v7 for something that happens at `now`; later ones sort after earlier ones.
    fn event_id(&self, now: Timestamp) -> EventId;

    /// 128 random bits that nobody can guess.
    fn random(&self) -> u128;
}
