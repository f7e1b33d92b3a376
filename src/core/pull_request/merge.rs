//! What the merge gate ([`merge_gate`]) makes of this pull request, on record.

use crate::decider::{Decision, Given, StreamState};
use crate::event::{IssueState, MergeGateWaiting, PullRequestEvent};
use crate::identity::StreamId;
use crate::merge_gate;

use super::PullRequest;
use super::draft::Draft;

/// Says what the merge waits for, where that is something else than was said last. Kept for every pull request that is current
/// for an issue in review or ready to merge, drafts and those that a person merges by hand too; of others the last word stands.
pub(super) fn decide(pull: &PullRequest, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if is_at_the_gate(pull, given) {
        let open = merge_gate::waits_for(pull, given.neighbours, given.policy);
        let waiting_for = merge_gate::names(&open);
        if waiting_for != pull.waiting_for {
            let facts: Vec<String> = open.iter().map(merge_gate::Condition::why).collect();
            draft.rule("merge_gate", facts, MergeGateWaiting { waiting_for });
        }
    }
    draft.accept_or_unchanged(pull.version)
}

fn is_at_the_gate(pull: &PullRequest, given: &Given<'_>) -> bool {
    pull.issues().into_iter().any(|issue| match given.neighbours.get(&StreamId::Issue(issue)) {
        Some(StreamState::Issue(issue)) => {
            issue.current.as_ref() == Some(&pull.reference)
                && matches!(issue.state(), Some(IssueState::InReview | IssueState::ReadyToMerge))
        }
        Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => false,
    })
}
