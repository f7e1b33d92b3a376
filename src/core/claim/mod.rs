//! Who gets which issue next: what keeps one from an agent, and order. Whether a claim stands is decided by the issue's own
//! stream.

mod fit;
pub mod obstacle;
mod queue;

pub use fit::{Misfit, fits};
pub use obstacle::{ClaimantView, Obstacle, Wanted, allowance};
pub use queue::{QueueEntry, ReadyQueue};
