use crate::event::Priority;
use crate::identity::EventId;
use crate::issue::Issue;
use crate::pull_request::PullRequest;

use super::{Entry, EntryOf, Job};

crate::words! {
    /// Why nobody is to be told any more.
    pub enum Moot {
        /// The lease ended, or another one is live.
        LeaseEnded = "lease_ended",
        /// Its holder learned of it otherwise, and began: an entry would start a second run.
        Started = "started",
        /// The dispatch was answered or ended, or another one is open.
        DispatchEnded = "dispatch_ended",
        /// The head that a verdict was wanted on is the current one no more.
        HeadMoved = "head_moved",
    }
}

/// The entry of a lease, as it stands now; `body` is the issue's text.
///
/// # Errors
/// When that lease is live and unstarted no more.
pub fn of_issue(issue: &Issue, body: Option<String>, entry: &EntryOf, event_id: EventId) -> Result<Entry, Moot> {
    let lease = issue.lease.as_ref().filter(|lease| lease.entry().as_ref() == Some(entry)).ok_or(Moot::LeaseEnded)?;
    if lease.started() {
        return Err(Moot::Started);
    }
    let pull = issue.current_pull();
    Ok(Entry {
        event_id,
        job: Job::Work {
            issue: issue.reference.clone(),
            lease_token: lease.token.clone(),
            branch_hint: lease.branch_hint.clone(),
            feedback: pull.and_then(|pull| pull.standing.feedback.clone()).or_else(|| issue.feedback.clone()),
            rework: pull.map(|pull| (pull.standing.pr.clone(), pull.standing.head_sha.clone())),
        },
        title: issue.title.clone(),
        priority: issue.priority,
        body: body.unwrap_or_default(),
        stack: issue.stack.clone(),
        test_command: issue.test_command.clone(),
        build_command: issue.build_command.clone(),
        tools: issue.tools.clone(),
        attempt: issue.attempt,
    })
}

/// The entry of a dispatch, as it stands now. What the pull request doesn't know (how to test, what was wanted) comes from an
/// issue that it is for, with that one's text.
///
/// # Errors
/// When that dispatch is open no more, or the current head is another one.
pub fn of_pull_request(
    pull: &PullRequest,
    wanted_by: Option<(&Issue, Option<String>)>,
    entry: &EntryOf,
    event_id: EventId,
) -> Result<Entry, Moot> {
    let dispatch = pull.dispatch.as_ref().filter(|dispatch| dispatch.entry() == *entry).ok_or(Moot::DispatchEnded)?;
    let asked_about = dispatch.head.as_ref().or(pull.head.as_ref());
    let head = asked_about.filter(|head| pull.head.as_ref() == Some(head)).ok_or(Moot::HeadMoved)?;
    let asked = pull.heads.get(head).map_or(1, |head| head.tries.len().max(1));
    let (issue, body) = wanted_by.unzip();
    let title = pull.title.clone().or_else(|| issue.map(|issue| issue.title.clone()));
    Ok(Entry {
        event_id,
        job: Job::Review { pr: pull.reference.clone(), head: head.clone() },
        title: title.unwrap_or_default(),
        priority: issue.map_or(Priority::Normal, |issue| issue.priority),
        body: body.flatten().unwrap_or_default(),
        stack: issue.and_then(|issue| issue.stack.clone()),
        test_command: issue.and_then(|issue| issue.test_command.clone()),
        build_command: issue.and_then(|issue| issue.build_command.clone()),
        tools: issue.map(|issue| issue.tools.clone()).unwrap_or_default(),
        attempt: u32::try_from(asked).unwrap_or(u32::MAX),
    })
}
