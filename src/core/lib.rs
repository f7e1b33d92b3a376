//! The innermost ring: what a coordinator of coding agents *decides*, and nothing about how it is stored, sent or shown.
//!
//! **Architecture invariant: this crate has no dependencies.** It speaks `std` only; `tests/run` checks that its
//! dependency tree has one line. JSON, SQL, HTTP and clocks live in the outer rings, which call inwards.
//!
//! | Room | What is decided there |
//! |---|---|
//! | [`event`] | every fact there is: typed payloads, wire names, the envelope around them |
//! | [`issue`] · [`pull_request`] · [`agent`] · [`rig`] | one decider per kind of stream: `decide`, `evolve`, initial state |
//! | [`claim`] | who gets which issue next: order, fit, dependencies, cycles |
//! | [`review`] · [`quota`] | who is asked for a verdict, when, how often · providers that run dry |
//! | [`expiry`] · [`hold`] | when a lease's time is up, and what makes clocks stand still |
//! | [`entry`] | what an agent finds in its stream, and whether it still holds |
//! | [`explain`] | why something is where it is, and what would move it |
//! | [`merge_gate`] | what stands before the merge of a change |
//! | [`overrule`] | what a person may overrule, in whose name, and why |
//! | [`authority`] · [`token`] | who may report which event · whose word a secret stands for |
//! | [`execution_log`] · [`agent_log`] · [`learning`] | what runtimes tell beside their events, which is kept beside the log |
//! | [`cost`] · [`memory_use`] | what was spent: the read model of TOKEN_USAGE · what agents do with their memory |
//! | [`github`] | what a webhook delivery means, as commands |
//! | [`reaction`] | what one stream's event means for another stream (the internal lane of the outbox) |
//! | [`silence`] | who is no longer heard from |
//! | [`reaper`] | which stream entries are those of the dead |
//! | [`roster`] | agents, people, repos and policies, as configured |
//! | [`port`] | what the rings outside must provide: event store, read models, inbox, outbox, leader's term, clock |
//! | [`data`] | the neutral tree in which records cross into JSON or SQL, and the macros that declare records once |

pub mod agent;
pub mod agent_log;
pub mod authority;
pub mod claim;
pub mod cost;
pub mod data;
pub mod decider;
pub mod entry;
pub mod event;
pub mod execution_log;
pub mod expiry;
pub mod explain;
pub mod github;
pub mod hold;
pub mod identity;
pub mod issue;
pub mod learning;
pub mod memory_use;
pub mod merge_gate;
pub mod overrule;
pub mod port;
pub mod pull_request;
pub mod quota;
pub mod reaction;
pub mod reaper;
pub mod review;
pub mod rig;
pub mod roster;
pub mod silence;
pub mod time;
pub mod token;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod world;
