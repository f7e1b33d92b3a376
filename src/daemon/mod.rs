//! The composition root: the only place that knows all rings, and the daemon's life from start to drain.
//!
//! | File | What it does |
//! |---|---|
//! | [`start`] | store, actors, passes and HTTP, in this order; and the way back |
//! | [`open_store`] | which store, and waiting for a database that isn't there yet |
//! | [`work_index`] · [`dispatch`] | who holds and who wants what, in memory; claims by way of the issue's own stream |
//! | [`push`] | the pass that hands work out to agents that didn't ask |
//! | [`reviews`] | who is asked for a verdict: the pass that pushes, the reviewer that pulls |
//! | [`teller`] | what one stream tells another, as commands |
//! | [`broker`] · [`entries`] · [`entry_streams`] | Valkey, where there is one: who is told by an entry, and streams kept in order |
//! | [`follow`] · [`cycles`] · [`upkeep`] | passes: what other replicas wrote; who waits for itself; what is past its time |
//! | [`ear`] · [`leases`] | whether the daemon listened all the time; the pass that ends leases whose time is up |
//! | [`reaper`] | the pass that takes entries back from the dead |
//! | [`silence`] · [`merge_gate`] | passes: agents that are no longer heard from; what merges wait for, on record |
//! | [`way_in`] | whether anybody gets in where callers show tokens |
//! | [`token_uses`] | the pass that notes which tokens are still needed |
//! | [`descriptors`] | how many connections the system has room for |
//! | [`logging`] | what the daemon tells about itself |

pub mod broker;
pub mod cycles;
pub mod descriptors;
pub mod dispatch;
pub mod ear;
pub mod entries;
pub mod entry_streams;
pub mod follow;
pub mod leases;
pub mod logging;
pub mod merge_gate;
pub mod open_store;
pub mod push;
pub mod reaper;
pub mod reviews;
pub mod silence;
pub mod start;
pub mod teller;
#[cfg(test)]
mod testing;
pub mod token_uses;
pub mod upkeep;
mod way_in;
pub mod work_index;
