//! What a number of a repository is: issues and pull requests share one sequence at GitHub, and clients mix them up.

use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, PrRef, StreamId, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::port::{Store, StoreFailure};
use conductor_core::pull_request::PullRequest;

use crate::edge::Edge;

/// Whether a number is an issue or a pull request; `None` where the log knows neither.
///
/// **Every endpoint asks here**, so that `(repo, n)` means the same everywhere.
///
/// # Errors
/// When the store can't answer.
pub async fn kind_of(store: &dyn Store, reference: &IssueRef) -> Result<Option<StreamKind>, StoreFailure> {
    store.kind_of(reference).await
}

/// The stream that a client's text names: `owner/repo#n`, `rig`, or an agent's id. `None` where no stream can be called so,
/// or the log knows no such number.
///
/// # Errors
/// When the store can't answer.
pub async fn stream_named(edge: &Edge, text: &str) -> Result<Option<StreamId>, StoreFailure> {
    if let Some(reference) = IssueRef::parse(text).map(|reference| edge.first_named(reference)) {
        return Ok(match kind_of(&**edge.store(), &reference).await? {
            Some(StreamKind::Issue) => Some(StreamId::Issue(reference)),
            Some(StreamKind::PullRequest) => Some(StreamId::PullRequest(reference)),
            Some(StreamKind::Agent | StreamKind::Rig) | None => None,
        });
    }
    Ok(StreamId::parse(StreamKind::Rig, text).or_else(|| StreamId::parse(StreamKind::Agent, text)))
}

/// The state of a stream.
///
/// # Errors
/// When the store can't answer.
pub async fn state(store: &dyn Store, stream: &StreamId) -> Result<Option<StreamState>, StoreFailure> {
    Ok(store.load(stream).await?.map(|(_, state)| state))
}

/// The issue that a pull request of that number stands for.
///
/// # Errors
/// When the store can't answer.
pub async fn issue_of_pull_request(store: &dyn Store, pull: &PrRef) -> Result<Option<IssueRef>, StoreFailure> {
    Ok(match state(store, &StreamId::PullRequest(pull.clone())).await? {
        Some(StreamState::PullRequest(state)) => issue_of(&state),
        Some(StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => None,
    })
}

/// The pull request that an issue stands for: the one that its row shows, else the only one that was reported for it.
#[must_use]
pub fn pull_request_of(issue: &Issue) -> Option<PrRef> {
    let reported = || {
        let mut reported = issue.reported.keys();
        reported.next().filter(|_| reported.next().is_none())
    };
    issue.shown.as_ref().or_else(reported).cloned()
}

/// The issue that a pull request stands for, where it names exactly one.
#[must_use]
pub fn issue_of(pull_request: &PullRequest) -> Option<IssueRef> {
    match pull_request.issues().as_slice() {
        [only] => Some(only.clone()),
        [] | [_, _, ..] => None,
    }
}
