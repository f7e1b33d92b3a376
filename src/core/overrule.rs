//! Overrides: what a person may overrule, of what, in whose name, and why.
//!
//! An override is a command like any other: the stream of its target decides it by the same rules, and puts OPERATOR_OVERRIDE
//! before the events that follow from it. None of them approves, merges or opens a gate, and none takes anybody off the list of
//! those who produced a change: separation of duties stands above them.

use crate::event::OperatorOverride;
use crate::identity::{AgentId, IssueRef, RepoName};

crate::words! {
    /// What a person may overrule.
    pub enum OverrideKind {
        /// End the lease; no strike.
        Release = "release",
        /// Begin a new life.
        Requeue = "requeue",
        /// Begin a new life with this agent.
        Assign = "assign",
        /// Give the issue up.
        Cancel = "cancel",
        /// Give an issue up that is closed or gone at GitHub, which the log doesn't know.
        CloseZombie = "close-zombie",
        /// Hand nothing out; running work keeps its lease.
        Pause = "pause",
        /// Go on.
        Resume = "resume",
    }
}

/// What an override is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everything: `rig`.
    Rig,
    /// One repository: `owner/repo`.
    Repo(RepoName),
    /// One issue: `owner/repo#42`.
    Issue(IssueRef),
    /// One agent: `agent:dev-e-node`.
    Agent(AgentId),
}

impl Target {
    /// How targets are written.
    pub const FORM: &'static str = "must be rig, owner/repo, owner/repo#42 or agent:<id>";

    /// Reads a target.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "rig" {
            return Some(Self::Rig);
        }
        match text.strip_prefix("agent:") {
            Some(id) => AgentId::parse(id).map(Self::Agent),
            None => IssueRef::parse(text).map(Self::Issue).or_else(|| RepoName::parse(text).map(Self::Repo)),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rig => f.write_str("rig"),
            Self::Repo(repo) => repo.fmt(f),
            Self::Issue(issue) => issue.fmt(f),
            Self::Agent(agent) => write!(f, "agent:{agent}"),
        }
    }
}

/// Why, in a person's words: never empty, of a length that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// How reasons are written.
    pub const FORM: &'static str = "must say why, in 1 to 1000 characters";
    /// The most characters.
    pub const LONGEST: usize = 1_000;

    /// Reads a reason; blanks around it don't count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.chars().count() <= Self::LONGEST).then(|| Self(text.to_owned()))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who overrules, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The operator, by the name under which the edge let them in; never what a request says of itself.
    pub operator: String,
    /// Why.
    pub reason: Reason,
}

impl Ruling {
    /// As the target's stream records it.
    #[must_use]
    pub fn on(&self, kind: OverrideKind, target: &Target) -> OperatorOverride {
        OperatorOverride {
            kind: kind.as_str().to_owned(),
            target: target.to_string(),
            reason: self.reason.0.clone(),
            operator: self.operator.clone(),
            agent: None,
            decision: None,
            force: false,
        }
    }

    /// The words of the reason.
    #[must_use]
    pub fn why(&self) -> String {
        self.reason.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_back_as_written() {
        for text in ["rig", "acme/web", "acme/web#42", "agent:dev-e-node", "agent:rig"] {
            assert_eq!(Target::parse(text).map(|target| target.to_string()).as_deref(), Some(text));
        }
        for text in ["", "Rig", "dev-e-node", "agent:", "agent:a/b", "acme/web#0", "acme/", "acme/web/4"] {
            assert_eq!(Target::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_reason_says_something_and_not_a_novel() {
        assert_eq!(Reason::parse(" stuck since noon\n").map(|reason| reason.0).as_deref(), Some("stuck since noon"));
        assert!(Reason::parse(&"é".repeat(1_000)).is_some());
        for text in ["", " \t\n", &"x".repeat(1_001)] {
            assert_eq!(Reason::parse(text), None);
        }
    }
}
