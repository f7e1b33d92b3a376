use crate::event::AgentEvent;
use crate::overrule::Ruling;

/// What may be asked of an agent's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentCommand {
    /// The agent reports: HEARTBEAT, AGENT_QUOTA_REPORTED, GUARD_BLOCKED, telemetry.
    Report(Box<AgentEvent>),
    /// Hold it, or let it go on.
    Pause {
        /// Hold?
        paused: bool,
        /// In whose name, and why.
        by: Ruling,
    },
    /// It was not heard from for too long.
    WentSilent,
}
