//! The names of the keys. Agents, consumers and scalers know them: they never change.

use conductor_core::identity::{AgentId, EventId, IssueRef};

const ASSIGNMENTS: &str = "assignments:";

/// The agent's stream.
pub(super) fn stream(agent: &AgentId) -> String {
    format!("{ASSIGNMENTS}{agent}")
}

/// Matches every agent's stream.
pub(super) fn any_stream() -> String {
    format!("{ASSIGNMENTS}*")
}

/// Whose stream it is.
pub(super) fn agent_of(stream: &str) -> Option<AgentId> {
    AgentId::parse(stream.strip_prefix(ASSIGNMENTS)?)
}

/// The agent's list of signals.
pub(super) fn signals(agent: &AgentId) -> String {
    format!("signal:{agent}")
}

/// What remembers that an entry was added for an event.
pub(super) fn dispatched(event: EventId) -> String {
    format!("dispatched:{event}")
}

/// An agent's memory of a conversation.
pub(super) fn session(about: &IssueRef) -> String {
    format!("session:{}#{}", about.repo, about.number)
}

/// The channel of an agent's log lines.
pub(super) fn logs(agent: &AgentId) -> String {
    format!("logs:{agent}")
}
