//! What one stream tells another, as commands.

use std::sync::Arc;

use conductor_actors::{Coordinator, Rejected, Request, Setback, Teller};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::StreamId;
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::{PendingEffect, PortFuture};
use conductor_core::pull_request::{PullRequestCommand, PullRequestDecider};
use conductor_core::reaction::Told;

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
    pub fn new(coordinator: Coordinator) -> Arc<Self> {
        Arc::new(Self { coordinator })
    }

    async fn tell(&self, told: Told, effect: &PendingEffect) -> Result<(), Setback> {
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
            Told::Issue { issue, .. } => {
                return Err(Setback::Failed(format!("tell a pull request of {issue}: it is no issue")));
            }
        };
        match told {
            Ok(()) => Ok(()),
            // The receiver has an answer of its own; telling it again would not change it.
            Err(Rejected::Refused(refusal)) => {
                tracing::warn!(effect = %effect.id, %refusal, "effect {} was refused: {refusal}", effect.id);
                Ok(())
            }
            Err(rejected) => Err(rejected.into()),
        }
    }
}

impl Teller for StreamTeller {
    fn tell<'a>(&'a self, told: Told, effect: &'a PendingEffect) -> PortFuture<'a, Result<(), Setback>> {
        Box::pin(Self::tell(self, told, effect))
    }
}
