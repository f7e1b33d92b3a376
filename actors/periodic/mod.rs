//! Passes: work that is found by looking, not by being told. A pass has no input and is idempotent; it runs when its period
//! is over or when somebody nudges it, and says what it counted.
//!
//! `run_interval` would fire every missed tick at once after a freeze; here the timer is set at the **end** of a tick.

mod actor;
mod pass;
mod passes;
#[cfg(test)]
mod tests;

pub use pass::{Cadence, Counters, Pass};
pub(crate) use passes::Passes;
