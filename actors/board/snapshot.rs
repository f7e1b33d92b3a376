use std::collections::BTreeMap;

use conductor_core::time::Timestamp;

use crate::periodic::Counters;

/// What every supervised actor is doing, as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSnapshot {
    /// As of when.
    pub at: Timestamp,
    /// Shards with their stream actors taken together, then each stream actor that isn't well, then the passes.
    pub actors: Vec<ActorReport>,
}

impl BoardSnapshot {
    /// Whether all are well.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.actors.iter().all(|actor| actor.condition.is_healthy())
    }

    /// The actor of that name.
    #[must_use]
    pub fn actor(&self, name: &str) -> Option<&ActorReport> {
        self.actors.iter().find(|actor| actor.name == name)
    }
}

/// One actor, or a shard's stream actors taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct ActorReport {
    /// `issue/0` for a shard, `issue/acme/web#7` for a stream, a pass by its own name.
    pub name: String,
    /// What it is.
    pub kind: ActorKind,
    /// How it is.
    pub condition: Condition,
    /// In this condition since.
    pub since: Timestamp,
    /// When it last finished something.
    pub last_progress: Option<Timestamp>,
    /// Messages handled, or ticks.
    pub handled: u64,
    /// Being worked on now.
    pub in_flight: u64,
    /// Waiting in mailboxes.
    pub waiting: u64,
    /// Restarts from the log, by cause.
    pub restarts: RestartCounts,
    /// The last thing that went wrong.
    pub last_error: Option<LastError>,
}

/// What an actor is.
#[derive(Debug, Clone, PartialEq)]
pub enum ActorKind {
    /// A shard with its stream actors.
    Shard {
        /// How many of those are in memory.
        live: u64,
    },
    /// One stream actor.
    Stream,
    /// A periodic pass.
    Pass(PassReport),
}

/// How an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Working or ready to.
    Running,
    /// Ready to take over from another process that does the work.
    Standby,
    /// It crashed or failed and rests before it is tried again.
    Resting {
        /// Until then.
        until: Timestamp,
    },
    /// Something has been under way for longer than it ever should.
    Frozen,
    /// Finishing what it has.
    Draining,
    /// Ended on request.
    Stopped,
}

impl Condition {
    /// Whether nobody needs to look.
    #[must_use]
    pub fn is_healthy(self) -> bool {
        match self {
            Self::Running | Self::Standby | Self::Draining | Self::Stopped => true,
            Self::Resting { .. } | Self::Frozen => false,
        }
    }

    /// One word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Standby => "standby",
            Self::Resting { .. } => "resting",
            Self::Frozen => "frozen",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// How often an actor's state was thrown away and built anew from the log, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RestartCounts {
    /// Something panicked: the actor, a decider, a port.
    pub panic: u64,
    /// A port failed, so that it was unknown what the log holds.
    pub error: u64,
    /// A port did not answer in time, or the whole actor hung.
    pub frozen: u64,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// What a periodic pass has done and will do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PassReport {
    /// End of the last tick, well or not.
    pub last_pass: Option<Timestamp>,
    /// What the last good tick counted.
    pub counters: Counters,
    /// Sums over all ticks since the start.
    pub totals: BTreeMap<&'static str, u64>,
    /// When the next tick is due at the latest; `None` during one.
    pub next_pass: Option<Timestamp>,
}
