//! What GitHub says an issue looks like. Every delivery carries the whole issue, so an older one never overrides a newer
//! one, and one that was lost is made up for by the next.

use crate::decider::{Decision, Given};
use crate::event::{
    DependenciesChanged, IssueApproved, IssueCancelled, IssueDone, IssueEdited, IssueEvent, IssueReopened, IssueState,
    IssueWithdrawn, PriorityChanged,
};
use crate::github::dependencies_in;
use crate::time::Timestamp;

use super::draft::Draft;
use super::state::{UNLABELED, digest, has_label};
use super::{Issue, IssueAction, IssueObservation, Phase, READY_LABEL, priority_of_labels};

pub(super) fn decide(issue: &Issue, seen: &IssueObservation, given: &Given<'_>) -> Decision<IssueEvent> {
    let seen = &reconciled(issue, seen);
    let mut draft = Draft::of(issue, given);
    if let IssueAction::Gone { how } = seen.action {
        cancel(&mut draft, how, seen);
        if draft.is_empty() && issue.phase == Phase::Unapproved {
            note_label(&mut draft, seen);
        }
        return draft.accept_or_unchanged(issue.state_version);
    }
    if issue.github_updated_at.is_some_and(|newest| seen.updated_at < newest) {
        // Reopening is told by its own delivery alone; the labels are those that are known since.
        if seen.action == IssueAction::Reopened && seen.open {
            reopen(&mut draft, &IssueObservation { labels: issue.labels.clone(), ..seen.clone() });
        }
        return draft.accept_or_unchanged(issue.state_version);
    }
    if issue.phase == Phase::Unapproved {
        meet(&mut draft, seen);
    } else {
        follow_labels(&mut draft, seen);
        follow_text(&mut draft, seen);
        follow_openness(&mut draft, seen);
        if draft.is_empty() && issue.github_updated_at.is_none_or(|newest| seen.updated_at > newest) {
            // Nothing changed, but an older observation that comes late must know that it is older.
            draft.fact(edit(seen));
        }
    }
    draft.accept_or_unchanged(issue.state_version)
}

/// Two deliveries of one second can't be told apart by time: then only what the action itself says is taken.
fn reconciled(issue: &Issue, seen: &IssueObservation) -> IssueObservation {
    let mut seen = seen.clone();
    if issue.github_updated_at == Some(seen.updated_at) && issue.phase != Phase::Unapproved {
        seen.labels.clone_from(&issue.labels);
    }
    match &seen.action {
        IssueAction::Labeled(label) if !has_label(&seen.labels, label) => seen.labels.push(label.clone()),
        IssueAction::Unlabeled(label) => {
            let label = label.clone();
            seen.labels.retain(|held| !held.eq_ignore_ascii_case(&label));
        }
        IssueAction::Labeled(_)
        | IssueAction::Closed
        | IssueAction::Reopened
        | IssueAction::Gone { .. }
        | IssueAction::Other => {}
    }
    seen
}

fn meet(draft: &mut Draft<'_>, seen: &IssueObservation) {
    // Closed with the label on: it was labelled before, and that delivery is late. Then it is as if both had come in order.
    let was_labelled = seen.action == IssueAction::Closed;
    if (seen.open || was_labelled) && has_label(&seen.labels, READY_LABEL) {
        let approved = approval(draft, seen, false);
        draft.fact(approved);
        // Nobody knows when it was labelled that is closed by now: before all that is known of its pull requests.
        draft.link_known_pulls(Some(if seen.open { seen.updated_at } else { Timestamp::default() }));
        follow_openness(draft, seen);
    } else if !seen.open && is_completed(seen) && !draft.issue.closed_as_completed {
        // Dependants of an issue that was never approved are freed all the same.
        draft.fact(IssueDone {
            duration_minutes: None,
            by: "closed_as_completed".to_owned(),
            updated_at: Some(seen.updated_at),
        });
    } else if seen.open && draft.issue.closed_as_completed {
        draft.fact(IssueReopened { new_life: false, updated_at: Some(seen.updated_at) });
    } else {
        note_label(draft, seen);
    }
}

/// Without approval only the time is kept, and only where a delivery of before could still bring the label: what was closed,
/// unlabelled or deleted since is not to be worked on.
fn note_label(draft: &mut Draft<'_>, seen: &IssueObservation) {
    let unlabelled = matches!(&seen.action, IssueAction::Unlabeled(label) if label.eq_ignore_ascii_case(READY_LABEL));
    let newer = draft.issue.github_updated_at.is_none_or(|newest| seen.updated_at > newest);
    if newer && (unlabelled || has_label(&seen.labels, READY_LABEL)) {
        draft.fact(edit(seen));
    }
}

fn approval(draft: &Draft<'_>, seen: &IssueObservation, new_life: bool) -> IssueApproved {
    let repo = &draft.issue.reference.repo;
    let mac = "requires-macos";
    IssueApproved {
        title: seen.title.clone(),
        url: seen.url.clone(),
        body: seen.body.clone(),
        priority: priority_of_labels(&seen.labels),
        depends_on: dependencies_in(seen.body.as_deref().unwrap_or_default(), repo),
        stack: draft.given.policy.repo(repo).stack.clone(),
        escalate: if has_label(&seen.labels, mac) { vec![mac.to_owned()] } else { Vec::new() },
        tools: Vec::new(),
        test_command: None,
        build_command: None,
        milestone: seen.milestone.clone(),
        labels: seen.labels.clone(),
        source: "webhook".to_owned(),
        new_life,
        updated_at: Some(seen.updated_at),
    }
}

fn edit(seen: &IssueObservation) -> IssueEdited {
    IssueEdited {
        title: None,
        body: None,
        labels: None,
        milestone: None,
        closed: Some(!seen.open),
        updated_at: Some(seen.updated_at),
    }
}

fn follow_labels(draft: &mut Draft<'_>, seen: &IssueObservation) {
    let (had, has) = (draft.issue.has_ready_label(), has_label(&seen.labels, READY_LABEL));
    let set_now = matches!(&seen.action, IssueAction::Labeled(label) if label.eq_ignore_ascii_case(READY_LABEL));
    let anew = has && (!had || set_now) && seen.open;
    let out_of_hands = matches!(draft.issue.phase, Phase::Cancelled | Phase::Escalated);
    let since_then = draft.issue.phase_since.is_none_or(|since| seen.updated_at >= since);
    // An agent that set the label would give itself the attempt that only a person may give.
    let set_by_an_agent = set_now && sent_by_an_agent(draft, seen);
    if anew && out_of_hands && since_then && !set_by_an_agent {
        let approved = approval(draft, seen, true);
        draft.fact(approved);
        draft.link_known_pulls(Some(seen.updated_at));
        return;
    }
    if anew && draft.issue.withdrawn {
        // The body is followed below, with what it depends on.
        let approved = IssueApproved { body: None, ..approval(draft, seen, false) };
        draft.fact(approved);
        return;
    }
    let before = priority_of_labels(&draft.issue.labels);
    let after = priority_of_labels(&seen.labels);
    if draft.issue.labels != seen.labels {
        draft.fact(IssueEdited { labels: Some(seen.labels.clone()), ..edit(seen) });
    }
    if before != after && draft.issue.priority != after {
        draft.fact(PriorityChanged { priority: after, updated_at: Some(seen.updated_at) });
    }
    if had && !has && !draft.issue.withdrawn {
        match draft.issue.state() {
            Some(IssueState::Queued) => cancel(draft, UNLABELED, seen),
            Some(
                IssueState::Assigned
                | IssueState::InProgress
                | IssueState::InReview
                | IssueState::ChangesRequested
                | IssueState::ReadyToMerge,
            ) => draft.fact(IssueWithdrawn { updated_at: Some(seen.updated_at) }),
            Some(IssueState::Deploying | IssueState::Escalated | IssueState::Done | IssueState::Cancelled) | None => {}
        }
    }
}

fn follow_text(draft: &mut Draft<'_>, seen: &IssueObservation) {
    let issue = &draft.issue;
    let title = (issue.title != seen.title).then(|| seen.title.clone());
    let body_text = seen.body.as_deref().unwrap_or_default();
    let body =
        (issue.body_digest.clone().unwrap_or_else(|| digest("")) != digest(body_text)).then(|| body_text.to_owned());
    let milestone = (issue.milestone != seen.milestone).then(|| seen.milestone.clone().unwrap_or_default());
    if title.is_none() && body.is_none() && milestone.is_none() {
        return;
    }
    let body_changed = body.is_some();
    draft.fact(IssueEdited { title, body, milestone, ..edit(seen) });
    let depends_on = dependencies_in(body_text, &draft.issue.reference.repo);
    if body_changed && draft.issue.depends_on != depends_on {
        draft.fact(DependenciesChanged { depends_on, updated_at: Some(seen.updated_at) });
    }
}

fn follow_openness(draft: &mut Draft<'_>, seen: &IssueObservation) {
    if seen.open {
        if seen.action == IssueAction::Reopened {
            reopen(draft, seen);
        }
        return;
    }
    // A merge has closed it already; while its failed deployment is worked on, only a closing of since then is a person's.
    let since_then = draft.issue.phase_since.is_none_or(|since| seen.updated_at >= since);
    if draft.issue.deploy_failures > 0 && !(seen.action == IssueAction::Closed && since_then) {
        return;
    }
    match (draft.issue.phase, is_completed(seen)) {
        // MERGED wins over a person's closing, in whatever order they arrive.
        (Phase::Done | Phase::Deploying | Phase::Unapproved, _) | (Phase::Cancelled, false) => {}
        // An agent that closes it would take it out of a person's hands.
        (Phase::Escalated, _) if sent_by_an_agent(draft, seen) => {}
        (Phase::Open | Phase::Escalated | Phase::Cancelled, true) => {
            let duration_minutes = draft.issue.queued_at.map(|queued| draft.given.now.since(queued).as_secs() / 60);
            draft.fact(IssueDone {
                duration_minutes,
                by: "closed_as_completed".to_owned(),
                updated_at: Some(seen.updated_at),
            });
        }
        (Phase::Open | Phase::Escalated, false) => {
            let reason = seen.state_reason.clone().unwrap_or_else(|| "not_planned".to_owned());
            cancel(draft, &reason, seen);
        }
    }
}

fn sent_by_an_agent(draft: &Draft<'_>, seen: &IssueObservation) -> bool {
    let roster = &draft.given.policy.roster;
    seen.sender.as_ref().is_some_and(|login| roster.agents_of(login).next().is_some())
}

/// GitHub's older clients send no reason: closing then means completion.
fn is_completed(seen: &IssueObservation) -> bool {
    !seen.open && seen.state_reason.as_deref().is_none_or(|reason| reason == "completed")
}

fn reopen(draft: &mut Draft<'_>, seen: &IssueObservation) {
    let ended = matches!(draft.issue.phase, Phase::Done | Phase::Cancelled);
    let since = draft.issue.phase_since.max(draft.issue.closed_at);
    let since_then = since.is_none_or(|since| seen.updated_at >= since);
    if ended && since_then && has_label(&seen.labels, READY_LABEL) {
        let new_life = draft.issue.phase == Phase::Done;
        draft.fact(IssueReopened { new_life, updated_at: Some(seen.updated_at) });
        draft.link_known_pulls(Some(seen.updated_at));
    }
}

fn cancel(draft: &mut Draft<'_>, reason: &str, seen: &IssueObservation) {
    match draft.issue.phase {
        Phase::Open | Phase::Escalated | Phase::Deploying => {
            draft.fact(IssueCancelled { reason: reason.to_owned(), updated_at: Some(seen.updated_at) });
        }
        Phase::Unapproved | Phase::Done | Phase::Cancelled => {}
    }
}
