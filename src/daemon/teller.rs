//! What one stream tells another, as commands.

use conductor_actors::{Closed, Coordinator, Deliver, Rejected, Request, Setback};
use conductor_core::agent::{AgentCommand, AgentDecider};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::StreamId;
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::PendingEffect;
use conductor_core::pull_request::{PullRequestCommand, PullRequestDecider};
use conductor_core::reaction::{Destination, Effect, Told};

/// Turns what one stream tells another into a command for it.
///
/// No idempotency keys: a receiver knows what it was told already (an issue by the version of the pull request's stream, a
/// pull request by its own state), so a repeat changes nothing and leaves no row behind.
pub struct StreamTeller {
    coordinator: Coordinator,
}

impl StreamTeller {
    /// A teller by way of that coordinator.
    #[must_use]
    pub fn new(coordinator: Coordinator) -> Self {
        Self { coordinator }
    }

    async fn tell(&self, told: Told, effect: &PendingEffect) -> Result<Closed, Setback> {
        let by = Metadata::by(Actor::Daemon("internal-lane".to_owned())).because_of(effect.event_id.to_string());
        let told = match told {
            Told::PullRequest { issue, event, standing } => {
                let metadata = Metadata { correlation: Some(issue.to_string()), ..by };
                let request = Request::new(IssueCommand::FollowPullRequest { event, standing }, metadata);
                self.coordinator.execute::<IssueDecider>(issue, request).await.map(|_| ())
            }
            Told::Issue { pull_request, issue: StreamId::Issue(issue), event } => {
                let metadata = Metadata { correlation: Some(issue.to_string()), ..by };
                let request = Request::new(PullRequestCommand::FollowIssue { issue, event }, metadata);
                self.coordinator.execute::<PullRequestDecider>(pull_request, request).await.map(|_| ())
            }
            Told::Agent { agent, issue: StreamId::Issue(issue), .. } => {
                let metadata = Metadata { correlation: Some(issue.to_string()), ..by };
                let request = Request::new(AgentCommand::RanDry { issue, at: effect.since }, metadata);
                self.coordinator.execute::<AgentDecider>(agent, request).await.map(|_| ())
            }
            Told::Issue { issue, .. } | Told::Agent { issue, .. } => {
                return Err(Setback::Failed(format!("tell of {issue}: it is no issue")));
            }
        };
        match told {
            Ok(()) => Ok(Closed::Delivered),
            // The receiver has an answer of its own; telling it again would not change it.
            Err(Rejected::Refused(refusal)) => Ok(Closed::Obsolete(format!("refused: {refusal}"))),
            Err(rejected) => Err(rejected.into()),
        }
    }
}

impl Deliver for StreamTeller {
    const DESTINATION: Destination = Destination::Internal;

    /// Never by itself: what happened in one stream has happened, and the other one decides what it still means to it.
    async fn obsolete(&self, _: &PendingEffect) -> Result<Option<String>, Setback> {
        Ok(None)
    }

    async fn deliver(&self, effect: &PendingEffect) -> Result<Closed, Setback> {
        match &effect.effect {
            Effect::Tell(tell) => {
                let told = tell.read().map_err(|error| Setback::Failed(error.to_string()))?;
                self.tell(told, effect).await
            }
            effect @ (Effect::Offer(_) | Effect::Withdraw(_) | Effect::ForgetSession(_)) => {
                Err(Setback::Failed(format!("it is for {}, no stream of this log", effect.destination())))
            }
        }
    }
}
