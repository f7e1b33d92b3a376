//! What tests start, break and wait for. A dev-dependency alone: `tests/run` checks that no ring reaches it.
//!
//! | Noun | For |
//! |---|---|
//! | [`postgres_url`], [`fresh_database`] | an empty database on the server that `tests/run` started: the ordinary case |
//! | [`PostgresServer`] | a server of one's own, to be stopped, killed and started again |
//! | [`valkey_url`] · [`ValkeyServer`] | the Redis or Valkey of `tests/run` · one of one's own, to be killed, emptied, paused |
//! | [`FaultProxy`] | a network between the daemon and a server: cut, refused, stalled, slow, cut in the middle |
//! | [`Daemon`] | the real program as a process, to be killed, terminated and started again on the same data |
//! | [`wait_for`] | a fact, with a deadline: instead of a sleep |
//!
//! Everything here panics where it can't do what was asked: in a test that is the failure to be shown. Everything listens on
//! loopback alone and ends with the value that stands for it.

mod daemon;
mod database;
mod fault_proxy;
mod port;
mod postgres;
mod valkey;
mod wait;

pub use daemon::{Daemon, DaemonCommand};
pub use database::{execute, fresh_database, postgres_url};
pub use fault_proxy::{Direction, Fault, FaultProxy};
pub use port::free_port;
pub use postgres::{PostgresServer, Stop};
pub use valkey::{Reply, ValkeyServer, valkey_url};
pub use wait::wait_for;
