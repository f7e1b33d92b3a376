//! What the merge gate ([`merge_gate`]) makes of this pull request, on record.

use std::time::Duration;

use crate::decider::{Decision, Given, StreamState};
use crate::event::{Escalated, IssueState, MergeGateReminder, MergeGateWaiting, PullRequestEvent};
use crate::identity::StreamId;
use crate::merge_gate::{self, Condition, Overdue};
use crate::roster::GitHubMode;

use super::PullRequest;
use super::draft::Draft;

/// The rule's name in the log, and why a person is called.
const BLOCKED: &str = "merge_blocked";

/// Says what the merge waits for, where that is something else than was said last, and tells people where it is the same for too
/// long. Kept for every pull request that is current for an issue in review or ready to merge, drafts and those that a person
/// merges by hand too; of others the last word stands.
pub(super) fn decide(pull: &PullRequest, given: &Given<'_>) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    if is_at_the_gate(pull, given) {
        let open = merge_gate::waits_for(pull, given.neighbours, given.policy);
        let waiting_for = merge_gate::names(&open);
        if waiting_for != pull.waiting_for {
            let mut facts: Vec<String> = open.iter().map(Condition::why).collect();
            if facts.is_empty() {
                facts.push("nothing that is known here stands in its way".to_owned());
            }
            draft.rule("merge_gate", facts, MergeGateWaiting { waiting_for });
        } else if let Some(overdue) = merge_gate::overdue(pull, &open, given.neighbours, given.policy, given.now) {
            tell(&mut draft, overdue, given.policy.github);
        }
    }
    draft.accept_or_unchanged(pull.version)
}

fn tell(draft: &mut Draft<'_>, overdue: Overdue, github: GitHubMode) {
    match overdue {
        Overdue::Remind { waited, open } => {
            let needs = needs(&open, github);
            let (wait_minutes, waiting_for) = (minutes(waited), merge_gate::names(&open));
            draft.rule(BLOCKED, [], MergeGateReminder { wait_minutes, waiting_for, needs });
        }
        Overdue::Escalate { waited, open } => {
            let facts =
                std::iter::once(format!("the same for {} minutes", minutes(waited))).chain(needs(&open, github));
            draft.rule(BLOCKED, facts, Escalated { reason: BLOCKED.to_owned(), attempts: 0 });
        }
    }
}

/// What each waits for, and what would meet it.
fn needs(open: &[Condition], github: GitHubMode) -> Vec<String> {
    open.iter().map(|condition| format!("{}; met by {}", condition.why(), condition.moved_by(github))).collect()
}

fn minutes(span: Duration) -> u32 {
    u32::try_from(span.as_secs() / 60).unwrap_or(u32::MAX)
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
