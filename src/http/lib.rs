//! The HTTP edge on actix-web. **It only routes: parse, identify, map, answer.** Every rule is asked inside.
//!
//! | Part | What it does |
//! |---|---|
//! | [`server`] · [`routes`] | sockets, limits, which path leads where |
//! | [`endpoint`] | one file per resource: parse, ask, word the answer |
//! | [`caller`] | who calls: the one place where a request gets its identity, and is let in or not |
//! | [`report`] · [`subject`] · [`repo_names`] | the flat reports of clients as commands; what a number of a repository is; which repository a name is |
//! | [`json`] · [`query`] · [`paging`] | foreign text in, within limits; long answers out, with bounded memory |
//! | [`wire`] | the shapes that clients see |
//! | [`error`] | the one table from everything that can go wrong to a status and a code |
//! | [`openapi`] | the API's description, made of what stands beside each endpoint |
//! | [`live`] · [`lines`] | the live feed: one tail of the log for all who read along · the same of agents' lines |
//! | [`idempotency`] · [`heartbeats`] · [`dependencies`] · [`health`] | first answers again; last heartbeats in batches; `blockedBy`; what the daemon needs |
//! | [`memory_use`] | what agents do with their memory, by following the log |
//! | [`webhook`] | GitHub's deliveries: verified, stored, answered, and worked off after |
//! | [`edge`] | what the endpoints are given, and the ports that the composition root fills |

pub mod backlog;
mod batch;
pub mod caller;
pub mod dependencies;
pub mod edge;
pub mod endpoint;
pub mod error;
pub mod health;
pub mod heartbeats;
pub mod idempotency;
pub mod json;
pub mod leases;
pub mod lines;
pub mod live;
pub mod memory_use;
pub mod numbers;
pub mod openapi;
pub mod paging;
pub mod query;
pub mod repo_names;
pub mod report;
pub mod routes;
pub mod server;
pub mod similar;
pub mod subject;
#[cfg(test)]
mod testing;
mod unread;
pub mod webhook;
pub mod wire;
