use crate::decider::Moment;
use crate::event::{
    CheckRecorded, CiState, GateState, HumanGateTriggered, PrCreated, PrUpdated, PullRequestEvent, PullRequestState,
};
use crate::identity::{AgentId, Login, Sha};
use crate::issue::digest;
use crate::time::Timestamp;

use super::head::{CheckFact, ReportedWord, VerdictFact};
use super::tries::OBSOLETE;
use super::{Dispatch, Gate, GateWait, Head, LastReport, PullRequest, Try, TryEnd, VerdictKind};

/// Folds one event in. Depends on nothing but state and event, so that a replay gives the same state.
pub(super) fn evolve(pull: &mut PullRequest, event: &PullRequestEvent, at: Moment) {
    let before = (pull.known, pull.state, pull.superseded);
    let head = pull.head.clone();
    let reviewable = pull.is_in_review().then(|| pull.head.clone());
    let entry = pull.dispatch.as_ref().map(Dispatch::entry);
    pull.version = at.version;
    pull.updated_at = Some(at.time);
    match event {
        PullRequestEvent::Created(created) => create(pull, created, at),
        PullRequestEvent::Updated(updated) => update(pull, updated),
        PullRequestEvent::Reopened(reopened) => {
            observed(pull, reopened.updated_at);
            pull.state = PullRequestState::Open;
        }
        PullRequestEvent::Closed(closed) => {
            observed(pull, closed.updated_at);
            pull.state = PullRequestState::Closed;
        }
        PullRequestEvent::Merged(merged) => {
            observed(pull, merged.updated_at);
            pull.state = PullRequestState::Merged;
            pull.merge_sha.clone_from(&merged.merge_sha);
        }
        PullRequestEvent::Superseded(_) => pull.superseded = true,
        PullRequestEvent::CheckRecorded(check) => record_check(pull, check, at),
        PullRequestEvent::CiPending(ci) => sum_up(pull, ci.head_sha.as_ref(), CiState::Pending, &[], at),
        PullRequestEvent::CiPassed(ci) => sum_up(pull, ci.head_sha.as_ref(), CiState::Passed, &[], at),
        PullRequestEvent::CiFailed(ci) => sum_up(pull, ci.head_sha.as_ref(), CiState::Failed, &ci.failed_checks, at),
        PullRequestEvent::ReviewAssigned(assigned) => {
            pull.dispatch = Some(Dispatch {
                reviewer: assigned.reviewer.clone(),
                head: assigned.head_sha.clone(),
                deadline: assigned.deadline,
                pushed: assigned.pushed,
                delivered_at: None,
                version: at.version,
            });
            let tried = Try { reviewer: assigned.reviewer.clone(), at: at.time, end: None, ended_at: None };
            head_of(pull, assigned.head_sha.as_ref()).tries.push(tried);
            pull.escalated = false;
        }
        PullRequestEvent::ReviewDelivered(delivered) => {
            if let Some(dispatch) = &mut pull.dispatch {
                dispatch.deadline = delivered.deadline;
                dispatch.delivered_at = Some(at.time);
            }
        }
        PullRequestEvent::ReviewPassed(review) => {
            let fact = verdict(
                VerdictKind::Approved,
                review.review_id,
                review.submitted_at,
                &review.body,
                &review.agent,
                review.allowed,
                at,
            );
            judge(pull, &review.reviewer, review.head_sha.as_ref(), fact, at);
        }
        PullRequestEvent::ReviewDisputed(review) => {
            let fact = verdict(
                VerdictKind::ChangesRequested,
                review.review_id,
                review.submitted_at,
                &review.body,
                &review.agent,
                review.allowed,
                at,
            );
            judge(pull, &review.reviewer, review.head_sha.as_ref(), fact, at);
        }
        PullRequestEvent::ReviewAbstained(review) => {
            answer_dispatch(pull, review.agent.as_ref(), review.head_sha.as_ref(), at);
            let newest = head_of(pull, review.head_sha.as_ref()).abstained.entry(review.reviewer.clone()).or_default();
            *newest = review.review_id.unwrap_or_default().max(*newest);
        }
        PullRequestEvent::ReviewDismissed(dismissed) => {
            pull.dismissed.insert(dismissed.review_id);
        }
        PullRequestEvent::ReviewFailed(failed) => {
            let ours = pull
                .dispatch
                .as_ref()
                .is_some_and(|dispatch| failed.reviewer.as_ref().is_none_or(|reviewer| *reviewer == dispatch.reviewer));
            if ours {
                end_dispatch(pull, TryEnd::of_failure(&failed.reason), at);
            }
            if failed.reason != OBSOLETE {
                head_of(pull, failed.head_sha.as_ref()).review_failed = true;
            }
        }
        PullRequestEvent::ApprovalRefused(refused) => {
            head_of(pull, refused.head_sha.as_ref()).verdicts.remove(&refused.reviewer);
        }
        PullRequestEvent::ApprovalCarried(carried) => {
            let verdicts = pull.heads.get(&carried.from_sha).map(|head| head.verdicts.clone());
            if let Some(verdicts) = verdicts {
                head_of(pull, Some(&carried.to_sha)).verdicts.extend(verdicts);
            }
        }
        PullRequestEvent::ReviewLoopExceeded(exceeded) => pull.loop_exceeded_at = exceeded.rounds,
        PullRequestEvent::Escalated(_) => {
            pull.escalated = true;
            head_of(pull, None).escalated_at = Some(at.time);
        }
        PullRequestEvent::HumanGateTriggered(gate) => open_gate(pull, gate, at),
        PullRequestEvent::HumanGateApproved(decided) => {
            decide_gate(pull, &decided.gate_id, GateState::Approved, decided.sha.as_ref());
        }
        PullRequestEvent::HumanGateRejected(decided) => {
            decide_gate(pull, &decided.gate_id, GateState::Rejected, decided.sha.as_ref());
            let head = head_of(pull, decided.sha.as_ref());
            head.gate_rejected = true;
            head.troubled = true;
            head.gate_reason.clone_from(&decided.reason);
        }
        PullRequestEvent::MergeGateWaiting(waiting) => {
            pull.waiting_for.clone_from(&waiting.waiting_for);
            pull.gate_wait = Some(GateWait { since: at.time, reminded: None });
        }
        PullRequestEvent::MergeGateReminder(_) => {
            if let Some(wait) = &mut pull.gate_wait {
                wait.reminded = Some(at.time);
            }
        }
        PullRequestEvent::MergeConflict(conflict) => {
            let head = head_of(pull, conflict.head_sha.as_ref());
            head.conflict = true;
            head.troubled = true;
            head.mergeable_at = head.mergeable_at.max(conflict.updated_at);
            if conflict.head_sha.is_none() || conflict.head_sha == pull.head {
                pull.mergeable = Some(false);
            }
        }
        PullRequestEvent::DeployedStaging(_)
        | PullRequestEvent::SmokePassed(_)
        | PullRequestEvent::SmokeFailed(_)
        | PullRequestEvent::E2ePassed(_)
        | PullRequestEvent::E2eFailed(_)
        | PullRequestEvent::DeployedProduction(_)
        | PullRequestEvent::Verified(_) => {
            pull.last_report = Some(LastReport {
                event_type: event.type_name().to_owned(),
                data: event.to_value().into_owned(),
                version: at.version,
            });
        }
        PullRequestEvent::ReviewReported(reported) => {
            let word = ReportedWord {
                verdict: reported.verdict.clone(),
                body: reported.body.as_deref().map(digest),
                version: at.version,
            };
            head_of(pull, reported.head_sha.as_ref()).reported.insert(reported.reviewer.clone(), word);
        }
        PullRequestEvent::ReReviewRequested(_)
        | PullRequestEvent::HumanGateReminder(_)
        | PullRequestEvent::HumanGateEscalated(_)
        | PullRequestEvent::MergeRequested(_)
        | PullRequestEvent::Override(_) => {}
    }
    if head != pull.head && pull.gate_wait.is_some() {
        pull.gate_wait = Some(GateWait { since: at.time, reminded: None });
    }
    pull.recalled = entry.filter(|entry| pull.dispatch.as_ref().map(Dispatch::entry).as_ref() != Some(entry));
    if (pull.known, pull.state, pull.superseded) != before {
        pull.state_version = at.version;
    }
    match (reviewable, pull.is_in_review()) {
        (Some(head), true) if head == pull.head => {}
        (Some(_) | None, true) => pull.reviewable_since = Some(at.time),
        (Some(_) | None, false) => pull.reviewable_since = None,
    }
}

fn observed(pull: &mut PullRequest, updated_at: Option<Timestamp>) {
    pull.github_updated_at = pull.github_updated_at.max(updated_at);
}

fn head_of<'a>(pull: &'a mut PullRequest, sha: Option<&Sha>) -> &'a mut Head {
    let sha = pull.head_named(sha);
    pull.heads.entry(sha).or_insert_with(Head::unknown)
}

fn create(pull: &mut PullRequest, created: &PrCreated, at: Moment) {
    observed(pull, created.updated_at);
    pull.known = true;
    pull.created_version = at.version;
    pull.url.clone_from(&created.pr_url);
    pull.title.clone_from(&created.title);
    pull.branch.clone_from(&created.branch);
    pull.author.clone_from(&created.author);
    pull.author_association.clone_from(&created.author_association);
    pull.agent.clone_from(&created.agent);
    pull.draft = created.draft;
    pull.labels.clone_from(&created.labels);
    link(pull, created.linked_issues.clone());
    if let Some(sha) = &created.head_sha {
        become_head(pull, sha);
    }
}

fn link(pull: &mut PullRequest, issues: Vec<crate::identity::IssueRef>) {
    pull.told.extend(issues.iter().cloned());
    pull.linked_issues = issues;
}

fn become_head(pull: &mut PullRequest, sha: &Sha) {
    pull.head = Some(sha.clone());
    pull.mergeable = None;
    pull.escalated = false;
    pull.head_order.retain(|known| known != sha);
    pull.head_order.push(sha.clone());
    pull.heads.entry(sha.clone()).or_insert_with(Head::unknown);
}

fn update(pull: &mut PullRequest, updated: &PrUpdated) {
    let late = updated.updated_at.is_some() && updated.updated_at < pull.github_updated_at;
    observed(pull, updated.updated_at);
    if let Some(sha) = &updated.head_sha {
        if late {
            // A head of the past that nobody told of: it counts, before the current one.
            let place = pull.head_order.len().saturating_sub(1);
            pull.head_order.insert(place, sha.clone());
            pull.heads.entry(sha.clone()).or_insert_with(Head::unknown);
        } else {
            become_head(pull, sha);
        }
    }
    pull.pushers.extend(updated.pushed_by.clone());
    if let Some(draft) = updated.draft {
        pull.draft = draft;
    }
    if let Some(labels) = &updated.labels {
        pull.labels.clone_from(labels);
    }
    if updated.title.is_some() {
        pull.title.clone_from(&updated.title);
    }
    if updated.branch.is_some() {
        pull.branch.clone_from(&updated.branch);
    }
    if let Some(linked) = &updated.linked_issues {
        link(pull, linked.clone());
    }
    if let Some(issue) = &updated.reported_for {
        pull.reported_for.insert(issue.clone());
        pull.told.insert(issue.clone());
    }
    if let Some(mergeable) = updated.mergeable {
        pull.mergeable = Some(mergeable);
        let head = head_of(pull, None);
        head.conflict = !mergeable;
        head.mergeable_at = head.mergeable_at.max(updated.updated_at);
    }
    if let (Some(thread), Some(unresolved)) = (&updated.thread, updated.thread_unresolved) {
        if unresolved {
            pull.threads.insert(thread.clone());
        } else {
            pull.threads.remove(thread);
        }
    }
    pull.files = updated.files.or(pull.files);
    pull.additions = updated.additions.or(pull.additions);
    pull.deletions = updated.deletions.or(pull.deletions);
}

fn record_check(pull: &mut PullRequest, check: &CheckRecorded, at: Moment) {
    let fact = CheckFact {
        run_id: check.run_id,
        attempt: check.attempt,
        at: check.at,
        conclusion: check.conclusion.clone(),
        version: at.version,
    };
    let head = pull.heads.entry(check.head_sha.clone()).or_insert_with(Head::unknown);
    head.checks.insert(check.name.clone(), fact);
}

fn sum_up(pull: &mut PullRequest, sha: Option<&Sha>, ci: CiState, failed: &[String], at: Moment) {
    let head = head_of(pull, sha);
    head.ci = ci;
    head.ci_version = at.version;
    head.failed_checks = failed.to_vec();
    match ci {
        CiState::Failed => {
            head.troubled = true;
            head.red = true;
        }
        CiState::Passed => head.red = false,
        CiState::Unknown | CiState::None | CiState::Pending => {}
    }
}

fn verdict(
    kind: VerdictKind,
    review_id: Option<u64>,
    submitted_at: Option<Timestamp>,
    body: &Option<String>,
    agent: &Option<AgentId>,
    allowed: bool,
    at: Moment,
) -> VerdictFact {
    VerdictFact {
        kind,
        review_id,
        submitted_at,
        body: body.clone(),
        agent: agent.clone(),
        allowed,
        version: at.version,
    }
}

fn judge(pull: &mut PullRequest, reviewer: &Login, sha: Option<&Sha>, fact: VerdictFact, at: Moment) {
    answer_dispatch(pull, fact.agent.as_ref(), sha, at);
    let head = head_of(pull, sha);
    let dispute = fact.allowed && fact.kind == VerdictKind::ChangesRequested;
    head.troubled |= dispute;
    let newer = head.verdicts.get(reviewer).is_none_or(|known| fact.rank() >= known.rank());
    if newer {
        head.verdicts.insert(reviewer.clone(), fact);
    }
}

/// Whoever was asked and answers has answered, whatever the answer is; a word on another head is none.
fn answer_dispatch(pull: &mut PullRequest, agent: Option<&AgentId>, sha: Option<&Sha>, at: Moment) {
    let asked =
        |dispatch: &Dispatch| Some(&dispatch.reviewer) == agent && (sha.is_none() || sha == dispatch.head.as_ref());
    if pull.dispatch.as_ref().is_some_and(asked) {
        end_dispatch(pull, TryEnd::Answered, at);
    }
}

fn end_dispatch(pull: &mut PullRequest, end: TryEnd, at: Moment) {
    pull.dispatch = None;
    // Looked for by being open: a dispatch about a change without a head ends when it gets one.
    let open = pull.heads.values_mut().flat_map(|head| &mut head.tries).find(|tried| tried.end.is_none());
    if let Some(tried) = open {
        tried.end = Some(end);
        tried.ended_at = Some(at.time);
    }
}

fn open_gate(pull: &mut PullRequest, gate: &HumanGateTriggered, at: Moment) {
    let opened = Gate {
        gate: gate.gate.clone(),
        state: GateState::Open,
        sha: gate.head_sha.clone(),
        since: Some(at.time),
        reason: gate.reason.clone(),
        files: gate.files.clone(),
    };
    pull.gates.insert(gate.gate_id.clone(), opened);
}

fn decide_gate(pull: &mut PullRequest, id: &str, state: GateState, sha: Option<&Sha>) {
    if let Some(gate) = pull.gates.get_mut(id) {
        gate.state = state;
        gate.sha = sha.cloned().or(gate.sha.take());
    }
}
