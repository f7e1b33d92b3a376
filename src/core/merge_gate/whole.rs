use std::collections::BTreeMap;

use crate::decider::StreamState;
use crate::event::{IssueState, PullRequestState};
use crate::identity::StreamId;
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::roster::Policy;

use super::{Condition, change};

/// The streams whose states the gate looks at beside that of the pull request.
#[must_use]
pub fn looks_at(pull: &PullRequest) -> Vec<StreamId> {
    pull.issues().into_iter().map(StreamId::Issue).chain([StreamId::Rig]).collect()
}

/// All that its merge waits for; empty where nothing that is known stands in its way. `neighbours` has the states of [`looks_at`].
#[must_use]
pub fn waits_for(pull: &PullRequest, neighbours: &BTreeMap<StreamId, StreamState>, policy: &Policy) -> Vec<Condition> {
    if !pull.known || pull.shown_state() != PullRequestState::Open {
        return vec![Condition::NotOpen];
    }
    let followers: Vec<&Issue> = followers(pull, neighbours).collect();
    let mut open = Vec::new();
    if followers.is_empty() {
        open.push(Condition::NoIssue);
    }
    if pull.escalated || followers.iter().any(|issue| issue.state() == Some(IssueState::Escalated)) {
        open.push(Condition::Escalated);
    }
    let held = match neighbours.get(&StreamId::Rig) {
        Some(StreamState::Rig(rig)) => rig.holds(&pull.reference.repo),
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => false,
    };
    if held || followers.iter().any(|issue| issue.paused) {
        open.push(Condition::Paused);
    }
    open.extend(change(&pull.standing(), Some(pull), policy));
    open
}

/// The issues whose current pull request this is.
fn followers<'a>(
    pull: &'a PullRequest,
    neighbours: &'a BTreeMap<StreamId, StreamState>,
) -> impl Iterator<Item = &'a Issue> {
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
