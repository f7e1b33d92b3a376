//! When a lease's time is up.
//!
//! A lease is *silent* when its holder gave no sign of life (heartbeat, event, log line of a run) for its whole length, and
//! *idle* when nothing was worked on since it began, whatever its holder's heartbeats say. **Silence counts only while the daemon
//! was listening**: see [`Listening`].
//!
//! What this does not do: it ends nothing. [`plan`] says what ought to end, and the issue's own stream decides that again
//! at the append ([`LeaseEnd`](crate::issue::LeaseEnd)), where a sign that came meanwhile refuses it.

mod clocks;
mod listening;
mod plan;

pub use clocks::{LeaseClocks, RENEWALS_LATE_AT_MOST};
pub use listening::{Listening, Reading};
pub use plan::{Ending, LiveLease, Snapshot, plan};
