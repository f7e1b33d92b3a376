//! The agent: presence, capacity, quota, pause.
//!
//! A heartbeat becomes an event only when something in it changed; what is left of the others is the operational table of
//! last heartbeats. Ten thousand agents that say the same every 30 seconds leave the log alone.

mod command;
mod decide;
mod state;

pub use command::AgentCommand;
pub use decide::AgentDecider;
pub use state::{Agent, Instance};
