//! Who gets which issue next: fit and order. Whether a claim stands is decided by the issue's own stream.

mod fit;
mod queue;

pub use fit::{Misfit, fits};
pub use queue::{ClaimantView, QueueEntry, ReadyQueue};
