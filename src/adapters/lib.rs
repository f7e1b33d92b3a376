//! The ring that touches the world: implementations of the ports that `conductor_core::port` declares.
//!
//! What belongs here: whatever speaks SQL, JSON in storage, a system call, or another service's protocol. What doesn't:
//! any rule of the domain (that is core's), any HTTP route, any actor. Nothing here knows a caller.
//!
//! | Room | What it is |
//! |---|---|
//! | [`codec`] | core's records as JSON text and back: events with their schema versions, documents, effects |
//! | [`replay`] | what a stream's events add up to, and the number of the projections that made a stored row |
//! | [`read_ahead`] | the whole log, page by page, for whoever folds all of it |
//! | [`memory`] · [`sqlite`] · [`postgres`] | the stores; each passes the one suite in `contract` |
//! | [`valkey`] | the broker that wakes agents; it and its fake in [`memory`] pass one suite too |
//! | [`system_clock`] · [`system_entropy`] · [`host_name`] | time and randomness of the machine, and what it is called |
//!
//! **Architecture invariant: the stores hold no rule twice.** What they share (encoding, replay, the order of checks of an
//! append) stands in [`codec`], [`replay`] and the contract suite; an adapter adds only how its database does it.

pub mod codec;
#[cfg(any(test, feature = "contract"))]
#[doc(hidden)]
pub mod contract;

mod cost_sums;
pub mod host_name;
pub mod memory;
pub mod postgres;
pub mod read_ahead;
pub mod replay;
mod retention;
mod sole_term;
pub mod sqlite;

pub mod store_time;
pub mod system_clock;
pub mod system_entropy;
mod tail;
pub mod valkey;
