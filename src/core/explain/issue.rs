//! Why an issue is where it is.

use crate::event::IssueState;
use crate::identity::StreamId;
use crate::issue::{Issue, KnownPull, Lease, ReworkCause};
use crate::overrule::OverrideKind;
use crate::roster::GitHubMode;

use super::candidates::wanted;
use super::{AroundIssue, Explanation, gate, overrule};

/// Explains an issue.
#[must_use]
pub fn issue(issue: &Issue, around: &AroundIssue<'_>) -> Explanation {
    let Some(state) = issue.state() else { return unapproved(issue, around) };
    let mut told = Explanation::new(StreamId::Issue(issue.reference.clone()), state.as_str(), issue.state_version);
    match state {
        IssueState::Queued => queued(&mut told, issue, around),
        IssueState::Assigned | IssueState::InProgress => held(&mut told, issue, around),
        IssueState::InReview => in_review(&mut told, issue, around),
        IssueState::ChangesRequested => changes_requested(&mut told, issue, around),
        IssueState::ReadyToMerge => ready_to_merge(&mut told, issue, around),
        IssueState::Deploying => deploying(&mut told, issue),
        IssueState::Escalated => escalated(&mut told, issue, around.policy.github),
        IssueState::Done => told.summary = "it is finished, and waits for nothing".to_owned(),
        IssueState::Cancelled => cancelled(&mut told, issue, around.policy.github),
    }
    if issue.paused && !state.is_final() && !told.waits_for.iter().any(|wait| wait.rule == "paused") {
        let stream = StreamId::Issue(issue.reference.clone());
        let why = "an operator paused it: who holds it goes on, and nobody else is handed it";
        told.waits_on("paused", why, stream, issue.pause_version);
        told.moved(overrule(OverrideKind::Resume, &issue.reference));
    }
    told
}

fn unapproved(issue: &Issue, around: &AroundIssue<'_>) -> Explanation {
    let mut told = Explanation::new(StreamId::Issue(issue.reference.clone()), "unapproved", issue.version)
        .says("nobody approved it: what was said of it is kept, and it is no work");
    told.waits("approval", "a person who hands it to the agents");
    match around.policy.github {
        GitHubMode::None => {}
        GitHubMode::Webhook | GitHubMode::Connected => told.moved("the label agent-ready at GitHub"),
    }
    told.moved("ISSUE_APPROVED by an operator or a coordinator");
    told
}

fn queued(told: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let place = around.place.map_or_else(String::new, |(place, of)| format!(", number {place} of {of} in the queue"));
    told.summary = format!("it waits for an agent{place}");
    if let Some(feedback) = &issue.feedback {
        told.summary.push_str(&format!("; the last word on it: {feedback}"));
    }
    wanted(told, issue, around);
}

fn held(told: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let Some(lease) = &issue.lease else { return };
    let at = lease.assigned_at;
    told.summary = if lease.started() {
        format!("{} works on it, in attempt {}, since {at}", lease.claimant, issue.attempt)
    } else {
        format!("{} was given it at {at}, and has not started", lease.claimant)
    };
    if lease.started() {
        told.waits("holder", format!("a pull request of {}, from {}", lease.claimant, lease.branch_hint));
        told.moved(match around.policy.github {
            GitHubMode::None => format!("a pull request of {} (it reports PR_CREATED)", lease.claimant),
            GitHubMode::Webhook | GitHubMode::Connected => format!("a pull request of {} at GitHub", lease.claimant),
        });
        told.moved("its giving up (it reports AGENT_STUCK): a strike, and another agent's turn");
    } else {
        told.waits("holder", format!("{} to start", lease.claimant));
        told.moved(format!("GET /api/assignments/next by {}, which gives it the same work again", lease.claimant));
        told.moved(format!("its beginning (it reports WORK_STARTED), or a pull request of {}", lease.claimant));
    }
    lease_of(told, lease, issue, around);
}

/// How long the holder's right lasts, and how a person ends it.
fn lease_of(told: &mut Explanation, lease: &Lease, issue: &Issue, around: &AroundIssue<'_>) {
    let (epoch, until) = (lease.epoch, lease.expires_at);
    let ran_out = around.now >= until;
    let why = if ran_out {
        format!("lease {epoch} was given until {until}, which is over")
    } else {
        format!("lease {epoch} runs until {until}")
    };
    told.waits_on("lease", why, StreamId::Issue(issue.reference.clone()), Some(lease.assigned_version));
    let silent = around.agents.iter().find(|known| *known.id == lease.claimant.agent);
    if let Some(known) = silent.filter(|known| !known.is_online(around.policy, around.now)) {
        let agent = &lease.claimant.agent;
        let silent = known.heard.map_or_else(
            || format!("{agent} was never heard from"),
            |at| format!("{agent} was not heard from since {at}"),
        );
        told.waits("silence", silent);
    }
    told.moved(format!("a person: {}", overrule(OverrideKind::Release, &issue.reference)));
}

fn in_review(told: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let Some(pull) = issue.current_pull() else { return };
    told.summary = format!("{} waits for a verdict", pull.standing.pr);
    let github = around.policy.github;
    gate::verdict(told, &pull.standing, around.pull, github);
    told.moved(format!("{}; or its end", gate::new_head(&pull.standing.pr, "its author", github)));
}

fn changes_requested(told: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let Some(pull) = issue.current_pull() else { return };
    let standing = &pull.standing;
    told.summary = format!("{} needs more commits", standing.pr);
    why_rework(told, pull);
    match &issue.lease {
        Some(lease) => {
            told.summary.push_str(&format!(", and {} is at it", lease.claimant));
            told.waits("holder", format!("a new head of {} by {}", standing.pr, lease.claimant));
            told.moved(gate::new_head(&standing.pr, &lease.claimant.to_string(), around.policy.github));
            lease_of(told, lease, issue, around);
        }
        None if issue.wants_a_holder() => {
            told.summary.push_str(", and nobody is at it");
            wanted(told, issue, around);
        }
        None => {
            let author = standing.author.as_ref().map_or_else(|| "its author".to_owned(), ToString::to_string);
            told.waits("author", format!("{author}: a person's pull request is handed to no agent"));
            told.moved(gate::new_head(&standing.pr, &author, around.policy.github));
            let assign = overrule(OverrideKind::Assign, format!("{} --agent <id>", issue.reference));
            told.moved(format!("a person: {assign}, to have an agent do it"));
        }
    }
}

fn why_rework(told: &mut Explanation, pull: &KnownPull) {
    let standing = &pull.standing;
    let on = || (StreamId::PullRequest(standing.pr.clone()), None);
    let mut wait = |rule: &'static str, why: String| {
        let (stream, version) = on();
        told.waits_on(rule, why, stream, version);
    };
    for cause in pull.rework_causes() {
        match cause {
            ReworkCause::Demanded => wait("assign", "an operator wants more commits on this head".into()),
            ReworkCause::Disputed => {
                let by = standing.reviewer.as_deref().unwrap_or("a reviewer");
                wait("review", format!("{by} asks for changes"));
            }
            ReworkCause::RedChecks => {
                wait("ci", format!("red checks: {}", standing.failed_checks.join(", ")));
            }
            ReworkCause::Conflict => wait("merge_conflict", "it conflicts with its base".into()),
            ReworkCause::GateRejected => wait("human_gate", "a person rejected it at a gate".into()),
        }
    }
}

fn ready_to_merge(told: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let Some(pull) = issue.current_pull() else { return };
    told.summary = format!("{} is approved, and waits to be merged", pull.standing.pr);
    gate::merge(told, &pull.standing, around.pull, around.policy);
}

fn deploying(told: &mut Explanation, issue: &Issue) {
    let pull = issue.delivered().map_or_else(|| "its change".to_owned(), |pull| pull.standing.pr.to_string());
    told.summary = format!("{pull} is merged, and not yet verified");
    told.waits("deployment", "a monitor that says VERIFIED");
    if issue.external_failures > 0 {
        let times = issue.external_failures;
        told.waits("external_dependency", format!("smoke tests failed {times} times by something outside"));
    }
    told.moved("VERIFIED: done; SMOKE_FAILED by the code or E2E_FAILED: new work, with the failure as feedback");
    told.moved(format!("a person: {}", overrule(OverrideKind::Requeue, &issue.reference)));
}

fn escalated(told: &mut Explanation, issue: &Issue, github: GitHubMode) {
    let reason = issue.escalation_reason.as_deref().unwrap_or("no reason given");
    told.summary = format!("it is before a person: {reason}");
    let strikes = if issue.strikes > 0 { format!(", after {} strikes", issue.strikes) } else { String::new() };
    told.waits("escalated", format!("a person who says how it goes on{strikes}"));
    told.moved(overrule(OverrideKind::Requeue, &issue.reference));
    told.moved(overrule(OverrideKind::Assign, format!("{} --agent <id>", issue.reference)));
    told.moved(overrule(OverrideKind::Cancel, &issue.reference));
    match github {
        GitHubMode::None => {}
        GitHubMode::Webhook | GitHubMode::Connected => {
            told.moved("the label agent-ready set anew by a person, or the issue closed, at GitHub");
        }
    }
}

fn cancelled(told: &mut Explanation, issue: &Issue, github: GitHubMode) {
    told.summary = "it is given up, and waits for nothing".to_owned();
    if issue.closed_at.is_some() {
        told.moved("reopening it at GitHub with the label agent-ready");
    } else {
        told.moved(overrule(OverrideKind::Requeue, &issue.reference));
        match github {
            GitHubMode::None => {}
            GitHubMode::Webhook | GitHubMode::Connected => told.moved("the label agent-ready set anew at GitHub"),
        }
    }
}
