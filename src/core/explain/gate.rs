//! What a pull request still needs: a verdict, and whatever else stands before its merge. Said from its facts alone; it opens
//! and shuts nothing.

use crate::event::{CiState, ReviewState, Standing};
use crate::identity::StreamId;
use crate::pull_request::PullRequest;
use crate::roster::Policy;

use super::Explanation;

/// Labels by which people keep a change from being merged.
const BLOCKING: [&str; 2] = ["manual-merge", "needs-human"];

/// What a head without a verdict waits for.
pub(super) fn verdict(told: &mut Explanation, standing: &Standing, pull: Option<&PullRequest>) {
    let dispatch = pull.and_then(|pull| pull.dispatch.as_ref());
    let stream = StreamId::PullRequest(standing.pr.clone());
    match (dispatch, standing.review) {
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
    told.moved(format!("an approval or a dispute by a reviewer who did not produce it{author}"));
}

/// What stands before the merge of an approved head.
pub(super) fn merge(told: &mut Explanation, standing: &Standing, pull: Option<&PullRequest>, policy: &Policy) {
    let before = told.waits_for.len();
    let stream = || StreamId::PullRequest(standing.pr.clone());
    let optional = policy.repo(&standing.pr.repo).ci_optional;
    match standing.ci {
        CiState::Passed => {}
        CiState::Unknown | CiState::None if optional => {}
        CiState::Unknown | CiState::None => {
            told.waits_on("ci", "checks of its head: none was seen", stream(), None);
            told.moved("a check of its head that finishes well");
        }
        CiState::Pending => {
            told.waits_on("ci", "checks of its head that have not finished", stream(), None);
            told.moved("the checks of its head finish");
        }
        CiState::Failed => {
            told.waits_on("ci", format!("red checks: {}", standing.failed_checks.join(", ")), stream(), None);
            told.moved("a push that mends them");
        }
    }
    for gate in &standing.gates {
        told.waits_on("human_gate", format!("a person at the gate {gate}"), stream(), None);
        told.moved("a person with the right to, at GitHub");
    }
    for label in BLOCKING.iter().filter(|label| crate::issue::has_label(&standing.labels, label)) {
        told.waits_on("blocking_label", format!("the label {label}"), stream(), None);
        told.moved("a person: merge it at GitHub, or take the label off");
    }
    if standing.draft {
        told.waits_on("draft", "its author to say that it is ready: it is a draft", stream(), None);
        told.moved("ready for review, at GitHub");
    }
    let threads = pull.map_or(0, |pull| pull.threads.len());
    if threads > 0 {
        told.waits_on("unresolved_threads", format!("{threads} threads that wait for an answer"), stream(), None);
        told.moved("the threads are resolved");
    }
    if standing.conflict {
        told.waits_on("merge_conflict", "its author: it conflicts with its base", stream(), None);
        told.moved("a push that mends it");
    }
    if told.waits_for.len() == before {
        told.waits_on("merge", "its merge: nothing that is known here stands in its way", stream(), None);
    }
    told.moved("its merge at GitHub");
}
