//! The store on PostgreSQL 15 or later.
//!
//! | File | What it holds |
//! |---|---|
//! | `append/` | the write side: one task, batches of one round trip each, the next one sent ahead |
//! | `log`, `stream_names`, `read_models`, `row_reader` | the read side, over a pool |
//! | `tail` | who waits for the log is woken, by whichever replica it grew |
//! | `outbox`, `inbox`, `dead_letters`, `answers`, `heartbeats`, `early_checks`, `tokens`, `leader`, `housekeeping` | one small table each |
//! | `rebuild` | rows of older projections, made anew when a store is opened |
//! | `migrate` | the schema (`migrations/postgres`), its lock, the serving role's rights |
//!
//! Replicas share nothing but the database: order, leases and uniqueness are decided under the log's lock there. A reader
//! that has seen position *p* has seen everything below, because positions are given under a lock that is held until after
//! the commit; so no reader needs to wait for other transactions, however long they stand open.

mod answers;
mod append;
mod connections;
mod costs;
mod dead_letters;
mod early_checks;
mod execution_logs;
mod failure;
mod generations;
mod heartbeats;
mod housekeeping;
mod inbox;
mod leader;
mod leases;
mod log;
mod migrate;
mod open_error;
mod options;
mod outbox;
mod pooling;
mod read_models;
mod rebuild;
mod row_reader;
mod rows;
mod runtime;
mod session_settings;
mod sql_types;
mod store;
mod stream_names;
mod tail;
#[cfg(test)]
mod tests;
mod tokens;

pub use migrate::migrate;
pub use open_error::OpenError;
pub use options::PostgresOptions;
pub use store::PostgresStore;
