//! How long a merge may wait for the same things before people are told, and before a person is called.

use std::time::Duration;

use crate::hold::{Hold, running};
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::roster::{GitHubMode, Policy, Timers};
use crate::time::Timestamp;

use super::Condition;
use super::whole::{Neighbours, followers, rig};

/// Somebody is to hear that a merge waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// Whoever can meet one of these, for the first time.
    Remind {
        /// For how long it has waited for the same.
        waited: Duration,
        /// What for.
        open: Vec<Condition>,
    },
    /// A person, who takes it over.
    Escalate {
        /// For how long it has waited for the same.
        waited: Duration,
        /// What for.
        open: Vec<Condition>,
    },
}

/// Whether what the merge waits for – `open`, which is what was said last – is overdue. Its clock begins with that word, anew
/// with a head and with a life of an issue, and stands still while an operator holds any of it.
#[must_use]
pub fn overdue(
    pull: &PullRequest,
    open: &[Condition],
    neighbours: &Neighbours,
    policy: &Policy,
    now: Timestamp,
) -> Option<Overdue> {
    let open = nobody_else_reminds(open, policy);
    let wait = pull.gate_wait.as_ref().filter(|_| !open.is_empty())?;
    let born = followers(pull, neighbours).filter_map(|issue| issue.life_since).max();
    let since = born.map_or(wait.since, |born| wait.since.max(born));
    let waited = running(since, now, holds(pull, neighbours));
    let timers = &policy.timers;
    if waited >= timers.merge_blocked {
        return Some(Overdue::Escalate { waited, open });
    }
    let reminded = wait.reminded.is_some_and(|reminded| reminded >= since);
    (waited >= timers.merge_reminder && !reminded).then_some(Overdue::Remind { waited, open })
}

/// When it is worth looking whether that is overdue; by then it may not be, where a pause made the clock stand still.
#[must_use]
pub fn look_again(pull: &PullRequest, timers: &Timers) -> Option<Timestamp> {
    let wait = pull.gate_wait.as_ref()?;
    let span = if wait.reminded.is_some() { timers.merge_blocked } else { timers.merge_reminder };
    Some(wait.since.plus(span))
}

/// Those of them that nobody is reminded of elsewhere. A gate that stands open where nobody but a person can merge waits for one.
fn nobody_else_reminds(open: &[Condition], policy: &Policy) -> Vec<Condition> {
    if open.is_empty() && policy.github != GitHubMode::Connected {
        return vec![Condition::NotConnected];
    }
    let blocks = open.iter().any(|condition| match condition {
        // Human gates and pauses have reminders of their own; with what is escalated a person is busy.
        Condition::HumanGate(_) | Condition::Paused | Condition::Escalated | Condition::NotOpen => false,
        Condition::NoIssue
        | Condition::Approval
        | Condition::Dispute
        | Condition::NoChecks
        | Condition::ChecksPending
        | Condition::RedChecks(_)
        | Condition::GateRejected
        | Condition::Label(_)
        | Condition::Size { .. }
        | Condition::Threads(_)
        | Condition::Draft
        | Condition::Conflict
        | Condition::NotConnected => true,
    });
    if blocks { open.to_vec() } else { Vec::new() }
}

fn holds<'a>(pull: &'a PullRequest, neighbours: &'a Neighbours) -> impl Iterator<Item = &'a Hold> {
    let of_rig = rig(neighbours).into_iter().flat_map(|rig| rig.holds_of(&pull.reference.repo));
    let of_issue = |issue: &'a Issue| issue.held.as_ref();
    of_rig.chain(followers(pull, neighbours).filter_map(of_issue))
}
