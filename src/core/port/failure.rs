use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// What an asynchronous port returns; boxed, so that ports can be trait objects.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a store could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFailure {
    /// It can't be reached, is full, or did not answer in time. Whether a write took place is **unknown**; safe to repeat
    /// with the same idempotency key or expected version. Callers answer 503 with `Retry-After`.
    Unavailable(String),
    /// What it holds can't be understood (a record of a newer version, a broken row). Repeating doesn't help.
    Corrupt(String),
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "reach the store: {why}"),
            Self::Corrupt(why) => write!(f, "understand what the store holds: {why}"),
        }
    }
}

impl std::error::Error for StoreFailure {}
