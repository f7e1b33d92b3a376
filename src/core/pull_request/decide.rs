use crate::decider::{Decider, Decision, Given, Moment, Refusal, StreamState};
use crate::event::{CiState, Event, PrUpdated, PullRequestEvent, PullRequestState};
use crate::identity::{IssueRef, StreamId, StreamKind};
use crate::port::Columns;
use crate::reaction::{Effect, Tell};

use super::checks::is_news;
use super::draft::Draft;
use super::{PullRequest, PullRequestCommand, dispatch, entries, evolve, follow, merge, observe, review};

/// The rules of a pull request.
#[derive(Debug)]
pub struct PullRequestDecider;

impl Decider for PullRequestDecider {
    type State = PullRequest;
    type Command = PullRequestCommand;
    type Event = PullRequestEvent;

    const KIND: StreamKind = StreamKind::PullRequest;

    fn initial(stream: &StreamId) -> PullRequest {
        match stream {
            StreamId::Issue(reference) | StreamId::PullRequest(reference) => PullRequest::unknown(reference.clone()),
            StreamId::Agent(_) | StreamId::Rig => unreachable!("the shard gives every decider streams of its own kind"),
        }
    }

    fn reads(pull: &PullRequest, command: &PullRequestCommand) -> Vec<StreamId> {
        match command {
            // Whoever held a lease of a linked issue produced the change; taking the link away doesn't undo that.
            PullRequestCommand::Review(_) | PullRequestCommand::ReviewReport { .. } => issues(pull.told.clone()),
            PullRequestCommand::SeeToReview { .. } | PullRequestCommand::EndDispatch { .. } => {
                crate::review::looks_at(pull)
            }
            PullRequestCommand::SeeToMerge => crate::merge_gate::looks_at(pull),
            // Whether a verdict is still wanted.
            PullRequestCommand::FollowIssue { .. } if pull.dispatch.is_some() => issues(pull.issues()),
            PullRequestCommand::Observe(seen) if !pull.known && !pull.heads.is_empty() => {
                issues(seen.linked_issues.clone().unwrap_or_default())
            }
            PullRequestCommand::Observe(_)
            | PullRequestCommand::RecordCheck(_)
            | PullRequestCommand::Dismiss { .. }
            | PullRequestCommand::Thread { .. }
            | PullRequestCommand::Delivered { .. }
            | PullRequestCommand::Undelivered { .. }
            | PullRequestCommand::Record(_)
            | PullRequestCommand::FollowIssue { .. } => Vec::new(),
        }
    }

    fn decide(pull: &PullRequest, command: &PullRequestCommand, given: &Given<'_>) -> Decision<PullRequestEvent> {
        match command {
            PullRequestCommand::Observe(seen) => observe::decide(pull, seen, given),
            PullRequestCommand::RecordCheck(check) => {
                let known = pull.heads.get(&check.head_sha).and_then(|head| head.checks.get(&check.name));
                let mut draft = Draft::of(pull, given);
                if is_news(known, check) {
                    draft.fact(check.clone());
                }
                draft.accept_or_unchanged(known.map_or(0, |known| known.version))
            }
            PullRequestCommand::Review(verdict) => review::from_github(pull, verdict, given),
            PullRequestCommand::Dismiss { review_id } => review::dismiss(pull, *review_id, given),
            PullRequestCommand::Thread { id, unresolved } => {
                let mut draft = Draft::of(pull, given);
                if pull.threads.contains(id) != *unresolved {
                    let (thread, thread_unresolved) = (Some(id.clone()), Some(*unresolved));
                    draft.fact(PrUpdated { thread, thread_unresolved, ..PrUpdated::nothing() });
                }
                draft.accept_or_unchanged(pull.state_version)
            }
            PullRequestCommand::SeeToReview { crew } => dispatch::decide(pull, crew, given),
            PullRequestCommand::EndDispatch { version, silence } => dispatch::end(pull, *version, silence, given),
            PullRequestCommand::Delivered { dispatch } => dispatch::delivered(pull, *dispatch, given),
            PullRequestCommand::Undelivered { dispatch } => dispatch::undelivered(pull, *dispatch, given),
            PullRequestCommand::SeeToMerge => merge::decide(pull, given),
            PullRequestCommand::ReviewReport { reviewer, what, head_sha } => {
                review::from_agent(pull, reviewer, what, head_sha.as_ref(), given)
            }
            PullRequestCommand::Record(event) => record(pull, event, given),
            PullRequestCommand::FollowIssue { issue, event } => follow::decide(pull, issue, event, given),
        }
    }

    fn evolve(pull: &mut PullRequest, event: &PullRequestEvent, at: Moment) {
        evolve::evolve(pull, event, at);
    }

    fn reactions(pull: &PullRequest, event: &PullRequestEvent) -> Vec<Effect> {
        let entries = entries::reactions(pull, event);
        if !pull.known || !concerns_issues(event) {
            return entries.collect();
        }
        let source = StreamId::PullRequest(pull.reference.clone());
        let tell = |issue: &IssueRef| Tell::issue(&StreamId::Issue(issue.clone()), &source, event, pull.standing());
        pull.told.iter().map(tell).chain(entries).collect()
    }

    fn columns(pull: &PullRequest) -> Columns {
        Columns {
            shown: pull.known,
            repo: Some(pull.reference.repo.clone()),
            number: Some(pull.reference.number),
            state: pull.known.then(|| pull.shown_state().as_str()),
            priority: None,
            holder: None,
            unstarted: false,
            head: pull.head.clone(),
        }
    }

    fn body(_event: &PullRequestEvent) -> Option<&str> {
        None
    }

    fn wrap(event: PullRequestEvent) -> Event {
        Event::PullRequest(event)
    }

    fn unwrap(event: Event) -> Option<PullRequestEvent> {
        match event {
            Event::PullRequest(event) => Some(event),
            Event::Issue(_) | Event::Agent(_) | Event::Rig(_) => None,
        }
    }

    fn wrap_state(pull: PullRequest) -> StreamState {
        StreamState::PullRequest(Box::new(pull))
    }

    fn unwrap_state(state: StreamState) -> Option<PullRequest> {
        match state {
            StreamState::PullRequest(pull) => Some(*pull),
            StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        }
    }
}

fn issues(issues: impl IntoIterator<Item = IssueRef>) -> Vec<StreamId> {
    issues.into_iter().map(StreamId::Issue).collect()
}

/// Whether the event can change a field of an issue's row; what can't stays on this stream.
fn concerns_issues(event: &PullRequestEvent) -> bool {
    match event {
        PullRequestEvent::CheckRecorded(_)
        | PullRequestEvent::ReviewDelivered(_)
        | PullRequestEvent::ReviewReported(_)
        | PullRequestEvent::HumanGateReminder(_)
        | PullRequestEvent::MergeGateWaiting(_)
        | PullRequestEvent::MergeGateReminder(_)
        | PullRequestEvent::Override(_) => false,
        PullRequestEvent::Updated(updated) => {
            *updated != PrUpdated { updated_at: updated.updated_at, ..PrUpdated::nothing() }
        }
        PullRequestEvent::Created(_)
        | PullRequestEvent::Reopened(_)
        | PullRequestEvent::Closed(_)
        | PullRequestEvent::Superseded(_)
        | PullRequestEvent::CiPending(_)
        | PullRequestEvent::CiPassed(_)
        | PullRequestEvent::CiFailed(_)
        | PullRequestEvent::ReviewAssigned(_)
        | PullRequestEvent::ReviewPassed(_)
        | PullRequestEvent::ReviewDisputed(_)
        | PullRequestEvent::ReviewAbstained(_)
        | PullRequestEvent::ReviewDismissed(_)
        | PullRequestEvent::ReviewFailed(_)
        | PullRequestEvent::ReReviewRequested(_)
        | PullRequestEvent::ApprovalRefused(_)
        | PullRequestEvent::ApprovalCarried(_)
        | PullRequestEvent::ReviewLoopExceeded(_)
        | PullRequestEvent::Escalated(_)
        | PullRequestEvent::HumanGateTriggered(_)
        | PullRequestEvent::HumanGateEscalated(_)
        | PullRequestEvent::HumanGateApproved(_)
        | PullRequestEvent::HumanGateRejected(_)
        | PullRequestEvent::MergeConflict(_)
        | PullRequestEvent::MergeRequested(_)
        | PullRequestEvent::Merged(_)
        | PullRequestEvent::DeployedStaging(_)
        | PullRequestEvent::SmokePassed(_)
        | PullRequestEvent::SmokeFailed(_)
        | PullRequestEvent::E2ePassed(_)
        | PullRequestEvent::E2eFailed(_)
        | PullRequestEvent::DeployedProduction(_)
        | PullRequestEvent::Verified(_) => true,
    }
}

/// What monitors, coordinators and operators report. Whether they may is decided before (authority).
fn record(pull: &PullRequest, event: &PullRequestEvent, given: &Given<'_>) -> Decision<PullRequestEvent> {
    if !pull.known {
        let what = format!("pull request {}: report PR_CREATED first", pull.reference);
        return Decision::refuse(Refusal::Unknown { what });
    }
    if let Some(since) = said_before(pull, event) {
        return Decision::unchanged(since);
    }
    let mut draft = Draft::of(pull, given);
    draft.fact(event.clone());
    draft.accept_or_unchanged(pull.version)
}

/// The version since which the state says already what the event says.
fn said_before(pull: &PullRequest, event: &PullRequestEvent) -> Option<u64> {
    let ci = |sha: Option<&crate::identity::Sha>, wanted: CiState| {
        pull.facts_of(sha).filter(|head| head.ci == wanted).map(|head| head.ci_version)
    };
    if let Some(last) = pull.last_report.as_ref().filter(|last| last.event_type == event.type_name()) {
        return (last.data == event.to_value()).then_some(last.version);
    }
    if let PullRequestEvent::CiPending(event) = event {
        return ci(event.head_sha.as_ref(), CiState::Pending);
    }
    if let PullRequestEvent::CiPassed(event) = event {
        return ci(event.head_sha.as_ref(), CiState::Passed);
    }
    if let PullRequestEvent::CiFailed(event) = event {
        let head = pull.facts_of(event.head_sha.as_ref());
        let same = head.is_some_and(|head| head.failed_checks == event.failed_checks);
        return ci(event.head_sha.as_ref(), CiState::Failed).filter(|_| same);
    }
    let ended = matches!(
        (event, pull.state),
        (PullRequestEvent::Merged(_), PullRequestState::Merged)
            // A merge wins over a closing, in whatever order they are reported.
            | (PullRequestEvent::Closed(_), PullRequestState::Closed | PullRequestState::Merged)
    );
    ended.then_some(pull.state_version)
}
