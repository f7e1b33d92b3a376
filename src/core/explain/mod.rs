//! Why something is where it is: what it waits for, by which rule, and what would move it.
//!
//! Pure, and without rules of its own: **what keeps an issue from an agent is asked of [`crate::claim::obstacle`]**, which the
//! claim asks too, and where an issue stands is its own [`state`](crate::issue::Issue::state). Sentences are for people at
//! three in the morning, rules' names for programs.

mod agent;
mod around;
mod candidates;
mod gate;
mod issue;
mod pull_request;
mod rig;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::explained;

pub use agent::agent;
pub use around::{AroundAgent, AroundIssue, Known};
pub use issue::issue;
pub use pull_request::pull_request;
pub use rig::rig;

use crate::claim::Obstacle;
use crate::identity::{AgentId, IssueRef, StreamId};
use crate::time::Timestamp;

/// Why something is where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What is explained.
    pub subject: StreamId,
    /// Where it stands, in one word.
    pub state: &'static str,
    /// The same in one sentence.
    pub summary: String,
    /// Version of the event that brought it there; the rule and the facts stand beside it in the log. `None` where no event did.
    pub decided_at: Option<u64>,
    /// What it waits for; empty at its end.
    pub waits_for: Vec<Wait>,
    /// What would move it, each in one sentence.
    pub moved_by: Vec<String>,
    /// Of an issue that wants a holder: each agent, and what keeps it from it. Whoever could take it stands first.
    pub agents: Vec<Candidate>,
    /// Of an agent: what waits in the queue, in its order, and what keeps each from it.
    pub issues: Vec<Offer>,
}

/// Something that is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// The rule's name.
    pub rule: &'static str,
    /// In one sentence.
    pub why: String,
    /// The stream that decides it, and the version of the event that says so, where there is one.
    pub on: Option<(StreamId, Option<u64>)>,
}

/// An agent, seen from an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which one.
    pub agent: AgentId,
    /// Heard from within the time for it. Silence is no obstacle: whoever comes back and asks may have the issue.
    pub online: bool,
    /// Last heartbeat.
    pub heard: Option<Timestamp>,
    /// What keeps the issue from it; nothing: it gets it when it asks, and others don't come first.
    pub obstacles: Vec<Obstacle>,
}

/// An issue that waits, seen from an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Which one.
    pub issue: IssueRef,
    /// What keeps it from the agent.
    pub obstacles: Vec<Obstacle>,
}

impl Explanation {
    fn new(subject: StreamId, state: &'static str, decided_at: u64) -> Self {
        Self {
            subject,
            state,
            summary: String::new(),
            decided_at: Some(decided_at).filter(|version| *version > 0),
            waits_for: Vec::new(),
            moved_by: Vec::new(),
            agents: Vec::new(),
            issues: Vec::new(),
        }
    }

    fn says(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    fn waits(&mut self, rule: &'static str, why: impl Into<String>) {
        self.waits_for.push(Wait { rule, why: why.into(), on: None });
    }

    fn waits_on(&mut self, rule: &'static str, why: impl Into<String>, stream: StreamId, version: Option<u64>) {
        self.waits_for.push(Wait { rule, why: why.into(), on: Some((stream, version)) });
    }

    fn moved(&mut self, by: impl Into<String>) {
        let by = by.into();
        if !self.moved_by.contains(&by) {
            self.moved_by.push(by);
        }
    }
}

/// The command that overrules, as a person types it.
fn overrule(kind: crate::overrule::OverrideKind, target: impl std::fmt::Display) -> String {
    format!("conductor-e override {kind} {target} --reason …")
}
