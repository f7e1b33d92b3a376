//! The ring of actors: mailboxes, timers, recovery and supervision around the pure rules of `conductor-core`.
//!
//! **Architecture invariant: nobody outside this crate sees an actor's address.** The other rings hold a [`Coordinator`],
//! a cloneable handle whose every call is bounded and answered. Stream actors never send to each other; what one stream's
//! event means for another goes through the outbox's internal lane ([`Deliver`]).
//!
//! ```text
//!   Coordinator ── gate ──▶ Shard<D> × n ──▶ StreamActor<D>     decide → append → evolve → publish → reply
//!        │                     owns its children, restarts them from the log, passivates them, drains them
//!        ├── Periodic<Pass>    internal lane, inbox, … : tick = nudge or period, re-armed at the end of a tick
//!        └── Leader            elected among the processes of one store; its passes run under a LeaderProof
//!   every one of them writes its state on the Board, which is read without asking a mailbox
//! ```
//!
//! **Single writer per stream is an optimisation; the expected version of the append is the truth.** Two daemons, or two
//! incarnations of one actor, may serve one stream side by side: one append wins, the other reloads and decides again.
//!
//! | What actix does | What is done here |
//! |---|---|
//! | a panic takes actor and mailbox away, nobody is told | [`shard`] runs each actor's future itself and is told by a guard that drops with it |
//! | two handlers that read, await and write lose updates | state is moved out while in doubt and put back by one `AtomicResponse` ([`stream`]) |
//! | mailbox bounds are soft | semaphores before the mailboxes; the permits travel in the message ([`gate`]) |
//! | `run_interval` fires all missed ticks at once | [`periodic`] re-arms at the end of a tick |
//! | stopping throws queued messages away | a pill at the end of each mailbox ([`drain`]) |
//!
//! The release profile needs `panic = "unwind"`: the guards of this crate are `catch_unwind`.

mod arbiters;
mod backoff;
mod board;
mod coordinator;
mod drain;
mod gate;
mod guard;
mod lane;
mod leader;
mod periodic;
mod ports;
mod request;
mod ring;
mod settings;
mod shard;
mod stream;
mod supervise;
#[cfg(test)]
mod testing;

pub use arbiters::{Arbiters, run_system};
pub use backoff::BackoffSettings;
pub use board::{ActorKind, ActorReport, BoardSnapshot, Condition, LastError, PassReport, RestartCounts};
pub use coordinator::{Coordinator, Routed};
pub use drain::DrainReport;
pub use lane::{Closed, Deliver, InboxLane, Interpreter, LaneSettings, Setback, lane};
pub use leader::{LeaderPass, LeaderProof, LeaderSettings};
pub use periodic::{Cadence, Counters, Pass};
pub use ports::{Ports, StateListener};
pub use request::{Answer, Rejected, Request};
pub use settings::Settings;
