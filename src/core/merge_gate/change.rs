use crate::event::{CiState, ReviewState, Standing};
use crate::issue::has_label;
use crate::pull_request::PullRequest;
use crate::roster::Policy;

use super::Condition;

/// Labels by which people keep a change from being merged.
const BLOCKING: [&str; 2] = ["manual-merge", "needs-human"];
/// The label that lifts the limits of size.
const LARGE_OK: &str = "large-pr-ok";
/// Files that a change may touch: more is not reviewed well.
const MOST_FILES: u32 = 20;
/// Lines that a change may add and remove, together.
const MOST_LINES: u32 = 500;

/// What the change itself still needs, by the facts of its current head. Issues know a pull request by its standing; threads and
/// size, which that doesn't tell, need the pull request.
#[must_use]
pub fn change(standing: &Standing, pull: Option<&PullRequest>, policy: &Policy) -> Vec<Condition> {
    let mut open = Vec::new();
    match standing.review {
        ReviewState::Approved => {}
        ReviewState::Disputed => open.push(Condition::Dispute),
        ReviewState::None | ReviewState::Requested | ReviewState::Abstained | ReviewState::Failed => {
            open.push(Condition::Approval);
        }
    }
    match standing.ci {
        CiState::Passed => {}
        CiState::Unknown | CiState::None if policy.repo(&standing.pr.repo).ci_optional => {}
        CiState::Unknown | CiState::None => open.push(Condition::NoChecks),
        CiState::Pending => open.push(Condition::ChecksPending),
        CiState::Failed => open.push(Condition::RedChecks(standing.failed_checks.clone())),
    }
    open.extend(standing.gates.iter().cloned().map(Condition::HumanGate));
    if standing.gate_rejected {
        open.push(Condition::GateRejected);
    }
    open.extend(BLOCKING.into_iter().filter(|label| has_label(&standing.labels, label)).map(Condition::Label));
    if let Some(pull) = pull {
        open.extend(size(pull));
        if !pull.threads.is_empty() {
            open.push(Condition::Threads(pull.threads.len()));
        }
    }
    if standing.draft {
        open.push(Condition::Draft);
    }
    if standing.conflict || pull.is_some_and(|pull| pull.mergeable == Some(false)) {
        open.push(Condition::Conflict);
    }
    open
}

fn size(pull: &PullRequest) -> Option<Condition> {
    let files = pull.files.unwrap_or(0);
    let lines = pull.additions.unwrap_or(0).saturating_add(pull.deletions.unwrap_or(0));
    let large = files > MOST_FILES || lines > MOST_LINES;
    (large && !has_label(&pull.labels, LARGE_OK)).then_some(Condition::Size { files, lines })
}
