use crate::event::AgentEvent;
use crate::identity::IssueRef;
use crate::overrule::Ruling;
use crate::time::Timestamp;

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
    /// Its provider ran dry while it worked.
    RanDry {
        /// On what.
        issue: IssueRef,
        /// When; the same once more changes nothing.
        at: Timestamp,
    },
    /// It was not heard from for too long ([`silence`](crate::silence)).
    WentSilent {
        /// When it was heard from last, if ever.
        last_heartbeat: Option<Timestamp>,
    },
}
