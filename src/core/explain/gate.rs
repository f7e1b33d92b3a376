//! What a pull request still needs: a verdict, and whatever else stands before its merge. Said from its facts alone; it opens
//! and shuts nothing.

use crate::event::{ReviewState, Standing};
use crate::identity::{PrRef, StreamId};
use crate::merge_gate::{self, Condition};
use crate::pull_request::PullRequest;
use crate::roster::{GitHubMode, Policy};

use super::Explanation;

/// What a head without a verdict waits for.
pub(super) fn verdict(told: &mut Explanation, standing: &Standing, pull: Option<&PullRequest>, github: GitHubMode) {
    let dispatch = pull.and_then(|pull| pull.dispatch.as_ref());
    let stream = StreamId::PullRequest(standing.pr.clone());
    match (dispatch, standing.review) {
        (Some(dispatch), _) if dispatch.is_on_its_way() => {
            let why = format!("a verdict of {}, to whom the question is on its way", dispatch.reviewer);
            told.waits_on("review", why, stream, Some(dispatch.version));
        }
        (Some(dispatch), _) => {
            let why = format!("a verdict of {}, who was asked and has until {}", dispatch.reviewer, dispatch.deadline);
            told.waits_on("review", why, stream, Some(dispatch.version));
        }
        (None, ReviewState::Abstained) => told.waits_on("review", "a verdict: who looked only commented", stream, None),
        (None, ReviewState::Failed) => {
            told.waits_on("review", "a verdict: the last reviewer could not give one", stream, None);
        }
        (None, ReviewState::None | ReviewState::Requested | ReviewState::Approved | ReviewState::Disputed) => {
            told.waits_on("review", "a verdict of an allowed reviewer on its head", stream, None);
        }
    }
    let author = standing.author.as_ref().map_or_else(String::new, |author| format!(", which {author} is not"));
    told.moved(match (github, dispatch) {
        (GitHubMode::None, Some(dispatch)) => {
            format!("REVIEW_PASSED or REVIEW_DISPUTED, reported by {}", dispatch.reviewer)
        }
        (GitHubMode::None, None) => {
            format!("REVIEW_PASSED or REVIEW_DISPUTED, reported by the reviewer who is asked{author}")
        }
        (GitHubMode::Webhook | GitHubMode::Connected, _) => {
            format!("an approval or a dispute by a reviewer who did not produce it{author}")
        }
    });
}

/// How a new head of it comes to be known.
pub(super) fn new_head(pull: &PrRef, by: &str, github: GitHubMode) -> String {
    match github {
        GitHubMode::None => format!("PR_CREATED for {pull} with its new headSha, by {by}"),
        GitHubMode::Webhook | GitHubMode::Connected => format!("a push to {pull} by {by}"),
    }
}

/// What stands before the merge of an approved head, by the one gate.
pub(super) fn merge(told: &mut Explanation, standing: &Standing, pull: Option<&PullRequest>, policy: &Policy) {
    let stream = || StreamId::PullRequest(standing.pr.clone());
    let open = merge_gate::change(standing, pull, policy);
    for condition in &open {
        told.waits_on(condition.rule(), condition.why(), stream(), None);
        told.moved(condition.moved_by(policy.github));
    }
    if open.is_empty() {
        told.waits_on("merge", "its merge: nothing that is known here stands in its way", stream(), None);
    }
    told.moved(Condition::NotConnected.moved_by(policy.github));
}
