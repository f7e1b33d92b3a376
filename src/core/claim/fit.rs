use crate::issue::Issue;
use crate::roster::{AgentProfile, Role};

/// Why an agent isn't for an issue, whatever its load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Only developers hold work leases.
    Role(Role),
    /// It doesn't serve the stack.
    Stack(String),
    /// It doesn't serve the tag.
    Tag(String),
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Role(role) => write!(f, "its role is {role}, and only developers hold work"),
            Self::Stack(stack) => write!(f, "it does not serve the stack {stack}"),
            Self::Tag(tag) => write!(f, "it does not serve the tag {tag}"),
        }
    }
}

/// Whether the agent is one for this issue: role, stack and escalation tags. An issue without a stack fits every developer.
///
/// # Errors
/// The first thing that doesn't fit.
pub fn fits(issue: &Issue, agent: &AgentProfile) -> Result<(), Misfit> {
    serves(agent, issue.stack.as_deref(), &issue.escalate)
}

/// The same of what an issue wants.
pub(super) fn serves(agent: &AgentProfile, stack: Option<&str>, tags: &[String]) -> Result<(), Misfit> {
    match agent.role {
        Role::Developer => {}
        Role::Reviewer | Role::Monitor | Role::Architect | Role::Coordinator => return Err(Misfit::Role(agent.role)),
    }
    let serves = |offered: &[String], wanted: &str| offered.iter().any(|held| held.eq_ignore_ascii_case(wanted));
    if let Some(stack) = stack.filter(|stack| !agent.stacks.is_empty() && !serves(&agent.stacks, stack)) {
        return Err(Misfit::Stack(stack.to_owned()));
    }
    match tags.iter().find(|tag| !serves(&agent.tags, tag)) {
        Some(tag) => Err(Misfit::Tag(tag.clone())),
        None => Ok(()),
    }
}
