use conductor_actors::{Answer, Coordinator, Rejected, Request};
use conductor_core::agent::{AgentCommand, AgentDecider};
use conductor_core::decider::Outcome;
use conductor_core::event::Metadata;
use conductor_core::identity::{AgentId, IssueRef, PrRef, StreamId};
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::{KeyedAnswer, Receipt};
use conductor_core::pull_request::{PullRequestCommand, PullRequestDecider};
use conductor_core::rig::{RigCommand, RigDecider};

/// A command with the stream that decides it.
#[derive(Debug, PartialEq)]
pub enum Asked {
    /// Of an issue.
    Issue(IssueRef, Box<IssueCommand>),
    /// Of a pull request.
    PullRequest(PrRef, PullRequestCommand),
    /// Of an agent.
    Agent(AgentId, AgentCommand),
    /// Of the rig.
    Rig(RigCommand),
}

/// What an answer to a report is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The stream that decided.
    pub stream: StreamId,
    /// Accepted or unchanged.
    pub outcome: Outcome,
    /// Where it stands in the log.
    pub receipt: Option<Receipt>,
}

impl Asked {
    /// Asks.
    ///
    /// # Errors
    /// Whatever the actors answer.
    pub async fn deliver(
        self,
        coordinator: &Coordinator,
        metadata: Metadata,
        key: Option<KeyedAnswer>,
    ) -> Result<Reply, Rejected> {
        match self {
            Self::Issue(issue, command) => {
                let request = Request { command: *command, metadata, key };
                coordinator.execute::<IssueDecider>(StreamId::Issue(issue), request).await.map(reply)
            }
            Self::PullRequest(pull_request, command) => {
                let request = Request { command, metadata, key };
                coordinator.execute::<PullRequestDecider>(StreamId::PullRequest(pull_request), request).await.map(reply)
            }
            Self::Agent(agent, command) => {
                let request = Request { command, metadata, key };
                coordinator.execute::<AgentDecider>(StreamId::Agent(agent), request).await.map(reply)
            }
            Self::Rig(command) => {
                let request = Request { command, metadata, key };
                coordinator.execute::<RigDecider>(StreamId::Rig, request).await.map(reply)
            }
        }
    }
}

fn reply<S>(answer: Answer<S>) -> Reply {
    Reply { stream: answer.stream, outcome: answer.outcome, receipt: answer.receipt }
}
