//! What a run means for the issue that it works on, told by way of the reports that `POST /api/events` takes.

use conductor_core::authority::{Caller, Membership, may_report, membership_of};
use conductor_core::data::Value;
use conductor_core::decider::StreamState;
use conductor_core::event::{EventType, Metadata};
use conductor_core::execution_log::Execution;
use conductor_core::identity::{Claimant, IssueRef, StreamId};
use conductor_core::roster::Role;

use crate::edge::Edge;
use crate::error::ApiError;
use crate::json::Properties;
use crate::report::{Place, Sought, translate};
use crate::subject;

/// A run of the holder that begins is WORK_STARTED: the runtime of the streams says nothing else in between.
///
/// Nothing of it fails the request: old clients rely upon its 201, and repeat nothing. What was refused is in the log of the daemon,
/// and on record where the issue has put it there.
pub(super) async fn started(edge: &Edge, run: &Execution, lease_token: Option<String>) {
    let Some(about) = run.header.about() else { return };
    if let Err(refused) = tell(edge, run, about.clone(), lease_token).await {
        let agent = run.header.claimant.to_string();
        tracing::info!(
            agent, issue = %about, run = %run.id, code = refused.code(),
            "the run of {agent} is no start of work on {about}: {refused}"
        );
    }
}

async fn tell(edge: &Edge, run: &Execution, about: IssueRef, lease_token: Option<String>) -> Result<(), ApiError> {
    let (policy, claimant) = (edge.policy(), &run.header.claimant);
    let membership = membership_of(policy, &claimant.agent)?;
    let hook = match membership {
        Membership::Role(Role::Developer) => false,
        Membership::Hook => true,
        // Those hold no work: their runs are reviews and watches.
        Membership::Role(Role::Reviewer | Role::Monitor | Role::Architect | Role::Coordinator) => return Ok(()),
    };
    let (caller, event_type) = (Caller::Agent(claimant.clone()), work_started());
    may_report(policy, &caller, event_type)?;
    let mut properties = Properties::of(Value::Map(vec![
        ("repo".into(), Value::Text(about.repo.to_string().into())),
        ("issueNumber".into(), Value::Int(i64::try_from(about.number).unwrap_or(i64::MAX))),
        ("leaseToken".into(), lease_token.map_or(Value::Null, |token| Value::Text(token.into()))),
    ]))?;
    let place = Place::take(&mut properties, &**edge.store(), &edge.numbers, Sought::Issue).await?;
    if !concerns(edge, &place.the_issue()?, claimant, hook).await? {
        return Ok(());
    }
    let report = translate(event_type, &caller, policy, &place, properties)?;
    let metadata = Metadata::by(caller.actor()).because_of(format!("run {}", run.id));
    report.asked.deliver(&edge.coordinator, metadata, None).await?;
    Ok(())
}

/// Whether the issue is to hear of it. One that was never approved has nobody's work. A person's hook claims by its own word
/// WORK_STARTED; that it logs a run is none.
async fn concerns(edge: &Edge, issue: &IssueRef, claimant: &Claimant, hook: bool) -> Result<bool, ApiError> {
    Ok(match subject::state(&**edge.store(), &StreamId::Issue(issue.clone())).await? {
        Some(StreamState::Issue(issue)) => {
            let holds = issue.lease.as_ref().is_some_and(|lease| lease.claimant.agent == claimant.agent);
            holds || (!hook && issue.state().is_some())
        }
        Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => false,
    })
}

fn work_started() -> EventType {
    EventType::parse("WORK_STARTED").expect("what a holder says when it begins is in the list of event types")
}
