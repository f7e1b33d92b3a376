use std::collections::BTreeMap;

use crate::decider::StreamState;
use crate::event::{IssueState, PullRequestState};
use crate::identity::StreamId;
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::rig::Rig;
use crate::roster::Policy;

use super::{Condition, change};

/// The states of [`looks_at`], where those streams exist.
pub type Neighbours = BTreeMap<StreamId, StreamState>;

/// The streams whose states the gate looks at beside that of the pull request.
#[must_use]
pub fn looks_at(pull: &PullRequest) -> Vec<StreamId> {
    pull.issues().into_iter().map(StreamId::Issue).chain([StreamId::Rig]).collect()
}

/// All that its merge waits for; empty where nothing that is known stands in its way. `neighbours` has the states of [`looks_at`].
#[must_use]
pub fn waits_for(pull: &PullRequest, neighbours: &Neighbours, policy: &Policy) -> Vec<Condition> {
    if !pull.known || pull.shown_state() != PullRequestState::Open {
        return vec![Condition::NotOpen];
    }
    let followers: Vec<&Issue> = followers(pull, neighbours).collect();
    let mut open = Vec::new();
    if followers.is_empty() {
        open.push(Condition::NoIssue);
    }
    if called(pull, &followers) || followers.iter().any(|issue| issue.state() == Some(IssueState::Escalated)) {
        open.push(Condition::Escalated);
    }
    let held = rig(neighbours).is_some_and(|rig| rig.holds(&pull.reference.repo));
    if held || followers.iter().any(|issue| issue.paused) {
        open.push(Condition::Paused);
    }
    open.extend(change(&pull.standing(), Some(pull), policy));
    open
}

/// Whether a person was called for its head and has not acted since: a new life of an issue is an act.
fn called(pull: &PullRequest, followers: &[&Issue]) -> bool {
    let born = followers.iter().filter_map(|issue| issue.life_since).max();
    // A life may begin in the very millisecond in which a person was called, never the other way round.
    let since_then = pull.current_head().is_some_and(|head| head.escalated_at > born);
    pull.escalated && since_then
}

pub(super) fn rig(neighbours: &Neighbours) -> Option<&Rig> {
    match neighbours.get(&StreamId::Rig) {
        Some(StreamState::Rig(rig)) => Some(rig),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => None,
    }
}

/// The issues whose current pull request this is.
pub(super) fn followers<'a>(pull: &'a PullRequest, neighbours: &'a Neighbours) -> impl Iterator<Item = &'a Issue> {
    pull.issues().into_iter().filter_map(move |issue| match neighbours.get(&StreamId::Issue(issue)) {
        Some(StreamState::Issue(issue)) if issue.current.as_ref() == Some(&pull.reference) => Some(&**issue),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_))
        | None => None,
    })
}

/// Their names, as rows and events list them.
#[must_use]
pub fn names(open: &[Condition]) -> Vec<String> {
    open.iter().map(ToString::to_string).collect()
}
