//! The contract of all stores, and what this one does by PostgreSQL's own means. Every test has a database of its own.

mod append_only;
mod contract;
mod database;
mod effects;
mod log_lock;
mod many_readers;
mod migrations;
mod outages;
mod projections;
mod refused_values;
pub(super) mod story;
mod two_writers;
