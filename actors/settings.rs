//! Limits and periods of the actors; each default has its reason beside it.

use std::time::Duration;

use conductor_core::decider::PORT_DEADLINE;

use crate::backoff::BackoffSettings;
use crate::leader::LeaderSettings;

/// How much may be under way, how long things may take, and what stays in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Requests under way in all, and as many again for agents' own streams; more are [`Busy`](crate::Rejected::Busy). At
    /// about 2 kB each this bounds queues to 16 MB.
    pub requests: usize,
    /// Requests under way for one stream, so that one hot stream can't take all the room.
    pub requests_per_stream: usize,
    /// What a caller who finds no room is told to wait.
    pub retry_after: Duration,
    /// How long a caller waits. Longer than one port call may take, so that a store's time-out is told as such.
    pub request_deadline: Duration,
    /// How often a command is decided again because another writer was faster, before the caller is told to come back.
    pub attempts: u32,
    /// An actor that was not asked anything for this long leaves memory; its next command brings it back.
    pub idle: Duration,
    /// Stream actors in memory per kind and shard; beyond it the one that was idle longest leaves.
    pub live_streams: usize,
    /// A command under way for longer turns its actor unhealthy, and the actor is restarted from the log.
    pub frozen_after: Duration,
    /// Rest after a crash, doubled with each further one.
    pub restart: BackoffSettings,
    /// What people call this process where several share a store.
    pub name: String,
    /// How one of them is elected leader.
    pub leader: LeaderSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests: 4096,
            requests_per_stream: 256,
            retry_after: Duration::from_secs(1),
            request_deadline: PORT_DEADLINE + Duration::from_secs(5),
            attempts: 8,
            idle: Duration::from_secs(60),
            live_streams: 10_000,
            // A command may wait for a load and an append, each within the port's deadline, before it is out of the ordinary.
            frozen_after: PORT_DEADLINE * 3,
            restart: BackoffSettings::default(),
            name: format!("pid {}", std::process::id()),
            leader: LeaderSettings::default(),
        }
    }
}
