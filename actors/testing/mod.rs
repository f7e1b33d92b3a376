//! What the tests of this ring share: a decider that counts, a store that fails on demand, a clock that follows the paused
//! time of Tokio, and a stage on which a ring plays.

mod clock;
mod counter;
mod faulty;
mod passed_on;
mod stage;

pub(crate) use clock::PausedClock;
pub(crate) use counter::{Count, Counter, count_of, marks_of};
pub(crate) use faulty::{Call, Fault, FaultyStore};
pub(crate) use stage::{Stage, issue, metadata, play, ports, quiet_panics, settle};
