//! What a run means for the issue that it works on, told by way of the reports that `POST /api/events` takes.

use conductor_actors::Request;
use conductor_core::authority::{Caller, Membership, may_report, membership_of};
use conductor_core::data::Value;
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, EventType, Metadata};
use conductor_core::execution_log::{Execution, ExecutionStatus};
use conductor_core::identity::{Claimant, IssueRef, StreamId};
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::ExecutionFilter;
use conductor_core::roster::Role;

use crate::edge::Edge;
use crate::error::ApiError;
use crate::json::Properties;
use crate::report::{Place, Sought, translate};
use crate::subject;

/// Runs of an issue that are looked at, the latest first: more than can be complete in vain before it is a strike.
const LOOKED_AT: usize = 50;

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

/// A run told something: whoever it is of is there, and works on what it is about.
pub(super) fn goes_on(edge: &Edge, run: &Execution) {
    let (claimant, now) = (&run.header.claimant, edge.now());
    edge.leases.heard(claimant, None, now);
    if let Some(about) = run.header.about() {
        edge.leases.worked(claimant, None, &about, now);
    }
}

/// A run was complete. Its issue hears how many there were without progress; one that names a pull request is none of them, since
/// that one may still be on its way to us.
///
/// Nothing of it fails the request, as with [`started`].
pub(super) async fn completed(edge: &Edge, run: &Execution) {
    let Some(about) = run.header.about().filter(|_| in_vain(run)) else { return };
    if let Err(refused) = count(edge, run, &about).await {
        let agent = run.header.claimant.to_string();
        tracing::info!(
            agent, issue = %about, run = %run.id, code = refused.code(),
            "{about} was not told of the completed run of {agent}: {refused}"
        );
    }
}

async fn count(edge: &Edge, run: &Execution, about: &IssueRef) -> Result<(), ApiError> {
    let (store, by) = (&**edge.store(), run.header.claimant.clone());
    let stream = StreamId::Issue(about.clone());
    let Some(StreamState::Issue(issue)) = subject::state(store, &stream).await? else { return Ok(()) };
    if issue.lease.as_ref().is_none_or(|lease| lease.claimant.agent != by.agent) {
        return Ok(());
    }
    // Of whichever agent: it is the issue that makes no progress.
    let runs = store.executions(&ExecutionFilter::about(about), None, LOOKED_AT).await?;
    let since = |run: &Execution| run.end.as_ref().is_some_and(|(_, at)| Some(*at) > issue.runs_since);
    let runs = u32::try_from(runs.iter().filter(|run| in_vain(run) && since(run)).count()).unwrap_or(u32::MAX);
    let metadata = Metadata::by(Actor::Agent(by.agent.clone())).because_of(format!("run {}", run.id));
    let request = Request::new(IssueCommand::RunCompleted { by, token: None, runs }, metadata);
    edge.coordinator.execute::<IssueDecider>(stream, request).await?;
    Ok(())
}

/// Whether it was complete and names no pull request.
fn in_vain(run: &Execution) -> bool {
    run.status() == ExecutionStatus::Completed && run.end.as_ref().is_some_and(|(end, _)| end.pr_number.is_none())
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
