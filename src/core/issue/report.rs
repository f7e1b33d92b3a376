//! What claimants report about their own work: only the lease's holder moves the issue.

use crate::decider::{Decision, Given, Refusal};
use crate::event::{BranchCreated, IssueEvent, PrReported, PrRole, StaleLeaseRefused, WorkStarted};
use crate::identity::{Claimant, IssueRef};
use crate::quota;
use crate::roster::{GitHubMode, UnknownAgents};

use super::draft::Draft;
use super::{Claim, ClaimVia, HolderReport, Issue, Phase, Reported, claim};

pub(super) fn decide(issue: &Issue, report: &HolderReport, given: &Given<'_>) -> Decision<IssueEvent> {
    if let Some(since) = said_before(issue, report, given) {
        return Decision::unchanged(since);
    }
    if issue.phase == Phase::Unapproved {
        // Kept, and no more: nobody approved this issue, so it has no state to move.
        let mut draft = Draft::of(issue, given);
        record(&mut draft, report);
        return draft.accept();
    }
    let held = issue.lease.as_ref().is_some_and(|lease| lease.is_held_by(&report.by, report.token.as_deref()));
    if !held {
        return match &report.what {
            Reported::Started { .. } if hook_may_claim(issue, report, given) => claim_by_hook(issue, report, given),
            Reported::PullRequest { .. } if is_hook(report, given) && issue.lease.is_none() => {
                let mut draft = Draft::of(issue, given);
                record(&mut draft, report);
                draft.accept()
            }
            Reported::Started { .. }
            | Reported::Branch { .. }
            | Reported::PullRequest { .. }
            | Reported::Stuck { .. } => refuse_stale(issue, report, given),
        };
    }
    let mut draft = Draft::of(issue, given);
    record(&mut draft, report);
    draft.accept()
}

/// The version at which the same was said and accepted before.
fn said_before(issue: &Issue, report: &HolderReport, given: &Given<'_>) -> Option<u64> {
    let lease = issue.lease.as_ref().filter(|lease| lease.is_held_by(&report.by, report.token.as_deref()));
    match &report.what {
        Reported::Started { branch } => {
            let known = branch.as_ref().is_none_or(|branch| issue.branches.contains_key(branch));
            lease.filter(|_| known).and_then(|lease| lease.started_version)
        }
        Reported::Branch { branch } => lease
            .filter(|lease| lease.started() && issue.branches.get(branch) == Some(&lease.epoch))
            .and_then(|lease| lease.started_version),
        Reported::PullRequest { repo, number, head_sha, .. } => {
            let pr = IssueRef::new(repo.clone(), *number)?;
            // Without GitHub nobody else tells of a new head.
            let known = issue.pulls.get(&pr).and_then(|pull| pull.standing.head_sha.as_ref());
            let pushed = head_sha.is_some() && known.is_some() && known != head_sha.as_ref();
            if pushed && given.policy.github == GitHubMode::None {
                return None;
            }
            let reported = issue.reported.get(&pr) == Some(&report.by.agent);
            let current = issue
                .pulls
                .get(&pr)
                .is_some_and(|pull| pull.role == PrRole::Current && pull.agent.as_ref() == Some(&report.by.agent));
            (reported || current).then_some(issue.state_version)
        }
        Reported::Stuck { .. } => {
            let last = issue.last_stuck.as_ref()?;
            let same = last.agent == report.by.agent && last.epoch == issue.epoch && issue.lease.is_none();
            same.then_some(last.version)
        }
    }
}

fn record(draft: &mut Draft<'_>, report: &HolderReport) {
    let agent = report.by.agent.clone();
    match &report.what {
        Reported::Started { branch } => draft.fact(WorkStarted { agent, branch: branch.clone() }),
        Reported::Branch { branch } => draft.fact(BranchCreated { agent: Some(agent), branch: branch.clone() }),
        Reported::PullRequest { repo, number, url, branch, head_sha } => {
            let provisional = match draft.given.policy.github {
                GitHubMode::None => false,
                GitHubMode::Webhook | GitHubMode::Connected => true,
            };
            let pr = IssueRef::new(repo.clone(), *number);
            if let Some(current) =
                draft.issue.current.clone().filter(|current| !provisional && Some(current) != pr.as_ref())
            {
                draft.supersede(&current, None, "replaced");
            }
            draft.fact(PrReported {
                agent: Some(agent),
                author: None,
                pr_repo: repo.clone(),
                pr_number: *number,
                pr_url: url.clone(),
                branch: branch.clone(),
                head_sha: head_sha.clone(),
                provisional,
            });
        }
        Reported::Stuck { reason } => match (draft.issue.phase, quota::ran_dry(reason)) {
            (Phase::Unapproved, _) => {
                let event = crate::event::AgentStuck { agent, reason: reason.clone(), attempt: 0 };
                draft.fact(event);
            }
            // Nor does a person's hook earn a strike.
            (_, false) if draft.issue.lease.as_ref().is_some_and(|lease| lease.hook) => {
                draft.fact(crate::event::IssueUnassigned { agent, reason: reason.clone() });
            }
            // A provider that has run dry is not the agent's failure.
            (_, true) => {
                let facts = [format!("reported: {reason}")];
                draft.rule(
                    "provider_quota",
                    facts,
                    crate::event::IssueUnassigned { agent, reason: quota::WORD.to_owned() },
                );
            }
            (_, false) => draft.strike(agent, reason.clone()),
        },
    }
}

/// Runs reported complete without progress that are a strike.
const RUNS: u32 = 3;

/// What is made of a completed run: whoever isn't the holder any more, or a person's hook, moves nothing by it.
pub(super) fn run(
    issue: &Issue,
    by: &Claimant,
    token: Option<&str>,
    runs: u32,
    given: &Given<'_>,
) -> Decision<IssueEvent> {
    let lease = issue.lease.as_ref().filter(|lease| !lease.hook && lease.is_held_by(by, token));
    let Some(lease) = lease.filter(|_| runs >= RUNS) else { return Decision::unchanged(issue.state_version) };
    let mut draft = Draft::of(issue, given);
    draft.strike(lease.claimant.agent.clone(), format!("no_progress: {runs} runs completed"));
    draft.accept()
}

fn is_hook(report: &HolderReport, given: &Given<'_>) -> bool {
    given.policy.unknown_agents == UnknownAgents::Hook && given.policy.roster.agent(&report.by.agent).is_none()
}

fn hook_may_claim(issue: &Issue, report: &HolderReport, given: &Given<'_>) -> bool {
    is_hook(report, given) && issue.wants_a_holder() && issue.current.is_none()
}

fn claim_by_hook(issue: &Issue, report: &HolderReport, given: &Given<'_>) -> Decision<IssueEvent> {
    let mut draft = Draft::of(issue, given);
    claim::assign(&mut draft, &Claim { claimant: report.by.clone(), via: ClaimVia::Hook }, false);
    record(&mut draft, report);
    draft.accept()
}

fn refuse_stale(issue: &Issue, report: &HolderReport, given: &Given<'_>) -> Decision<IssueEvent> {
    let holder = issue.lease.as_ref().map(|lease| lease.claimant.clone());
    let mut draft = Draft::of(issue, given);
    draft.rule(
        "stale_lease",
        [format!("state {}", issue.state().map_or("unapproved", crate::event::IssueState::as_str))],
        StaleLeaseRefused {
            agent: report.by.agent.clone(),
            instance: report.by.instance.as_deref().map(str::to_owned),
            event_type: report.what.type_name().to_owned(),
            holder: holder.clone(),
            epoch: issue.epoch,
        },
    );
    draft.refuse(Refusal::StaleLease { by: report.by.clone(), holder, epoch: issue.epoch })
}
