use crate::event::AgentEvent;

/// What may be asked of an agent's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentCommand {
    /// The agent reports: HEARTBEAT, AGENT_QUOTA_REPORTED, GUARD_BLOCKED, telemetry.
    Report(Box<AgentEvent>),
    /// Hold it, or let it go on.
    Pause {
        /// Hold?
        paused: bool,
        /// Why.
        reason: Option<String>,
    },
    /// It was not heard from for too long.
    WentSilent,
}
