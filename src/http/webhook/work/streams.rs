use conductor_actors::{Answer, Coordinator, Rejected, Request, Routed};
use conductor_core::decider::{Decider, Outcome};
use conductor_core::identity::{IssueRef, PrRef, Sha, StreamId};
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::PortFuture;
use conductor_core::pull_request::{PullRequestCommand, PullRequestDecider};
use conductor_core::rig::{RigCommand, RigDecider};

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Accepted, or so already.
    pub(super) outcome: Outcome,
    /// The head that a pull request has since.
    pub(super) head: Option<Sha>,
}

type Asking<'a> = PortFuture<'a, Result<Asked, Rejected>>;

/// The streams that a delivery may be about.
pub(super) trait Streams: Send + Sync {
    fn ask_issue(&self, issue: IssueRef, request: Request<IssueCommand>) -> Asking<'_>;
    fn ask_pull_request(&self, pull_request: PrRef, request: Request<PullRequestCommand>) -> Asking<'_>;
    fn ask_rig(&self, request: Request<RigCommand>) -> Asking<'_>;
}

impl Streams for Coordinator {
    fn ask_issue(&self, issue: IssueRef, request: Request<IssueCommand>) -> Asking<'_> {
        Box::pin(ask::<IssueDecider>(self, StreamId::Issue(issue), request))
    }

    fn ask_pull_request(&self, pull_request: PrRef, request: Request<PullRequestCommand>) -> Asking<'_> {
        Box::pin(ask::<PullRequestDecider>(self, StreamId::PullRequest(pull_request), request))
    }

    fn ask_rig(&self, request: Request<RigCommand>) -> Asking<'_> {
        Box::pin(ask::<RigDecider>(self, StreamId::Rig, request))
    }
}

async fn ask<D: Routed>(
    streams: &Coordinator,
    stream: StreamId,
    request: Request<D::Command>,
) -> Result<Asked, Rejected> {
    let answer: Answer<<D as Decider>::State> = streams.execute::<D>(stream, request).await?;
    Ok(Asked { outcome: answer.outcome, head: D::columns(&answer.state).head })
}
