//! Why does nobody get this: each agent, and what keeps the issue from it.

use crate::claim::Wanted;
use crate::claim::obstacle::{self, Obstacle};
use crate::event::IssueState;
use crate::identity::{IssueRef, StreamId};
use crate::issue::Issue;
use crate::overrule::OverrideKind;

use super::{AroundIssue, Candidate, Explanation, overrule};

/// Names in one sentence; the rest stands in the list.
const NAMED: usize = 5;

/// Adds everything that an issue without a holder waits for.
pub(super) fn wanted(explanation: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let wanted = Wanted::of(issue);
    let open: Vec<&IssueRef> = issue.depends_on.iter().filter(|on| is_open(on, around)).collect();
    let held_back: Vec<Obstacle> = obstacle::of_issue(&wanted, Some(around.rig), open).collect();
    for obstacle in &held_back {
        hold_back(explanation, obstacle, issue, around);
    }
    if !issue.cycle.is_empty() {
        let members: Vec<String> = issue.cycle.iter().map(ToString::to_string).collect();
        explanation.waits("dependency_cycle", format!("it waits for itself, by way of {}", members.join(" → ")));
        explanation.moved("one of them that no longer depends on the next: edit \"Depends on\" in its body");
    }
    explanation.agents = candidates(&wanted, around);
    if held_back.is_empty() {
        ask_somebody(explanation, issue, around);
    }
}

fn candidates(wanted: &Wanted<'_>, around: &AroundIssue<'_>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = around
        .agents
        .iter()
        .map(|known| Candidate {
            agent: known.id.clone(),
            online: known.is_online(around.policy, around.now),
            heard: known.heard,
            obstacles: obstacle::for_agent(wanted, known.state, known.claimant(around.policy), known.held, around.now)
                .collect(),
        })
        .collect();
    // Stable: among equals the roster's order, which decides ties elsewhere too.
    all.sort_by_key(|candidate| (candidate.obstacles.len(), !candidate.online));
    all
}

/// Whether a dependency keeps the gate shut; one of which nothing is known does.
fn is_open(on: &IssueRef, around: &AroundIssue<'_>) -> bool {
    around.dependencies.get(on).is_none_or(|dependency| !dependency.frees_dependants())
}

fn hold_back(explanation: &mut Explanation, obstacle: &Obstacle, issue: &Issue, around: &AroundIssue<'_>) {
    let rule = obstacle.rule();
    let resume = |target: &str| overrule(OverrideKind::Resume, target);
    match obstacle {
        Obstacle::IssuePaused => {
            let stream = StreamId::Issue(issue.reference.clone());
            explanation.waits_on(rule, "an operator paused it", stream, issue.pause_version);
            explanation.moved(resume(&issue.reference.to_string()));
        }
        Obstacle::RigPaused => {
            explanation.waits_on(rule, "an operator paused the rig", StreamId::Rig, Some(around.rig.pause_version));
            explanation.moved(resume("rig"));
        }
        Obstacle::RepoPaused(repo) => {
            let why = format!("an operator paused {repo}");
            explanation.waits_on(rule, why, StreamId::Rig, Some(around.rig.pause_version));
            explanation.moved(resume(repo.as_str()));
        }
        Obstacle::DependencyOpen(open) => {
            let known = around.dependencies.get(open);
            let state = known.and_then(Issue::state);
            let why = match state {
                Some(state) => format!("{open} must be done first, and is {state}"),
                None => format!("{open} must be done first, and nothing is known of it"),
            };
            let version = known.map(|known| known.state_version);
            explanation.waits_on(rule, why, StreamId::Issue(open.clone()), version);
            explanation.moved(match state {
                Some(IssueState::Cancelled | IssueState::Escalated) | None => {
                    format!("a person: {open} won't be done by itself; bring it back, or take the dependency away")
                }
                Some(
                    IssueState::Queued
                    | IssueState::Assigned
                    | IssueState::InProgress
                    | IssueState::InReview
                    | IssueState::ChangesRequested
                    | IssueState::ReadyToMerge
                    | IssueState::Deploying
                    | IssueState::Done,
                ) => format!("{open} is done"),
            });
        }
        // What keeps a single agent from it stands beside that agent.
        Obstacle::AgentPaused
        | Obstacle::QuotaExhausted
        | Obstacle::Rests(_)
        | Obstacle::Excluded
        | Obstacle::NotInRoster
        | Obstacle::Misfit(_)
        | Obstacle::AuthorFirst { .. }
        | Obstacle::Full { .. } => explanation.waits(rule, obstacle.to_string()),
    }
}

/// Nothing holds the issue back: so it is up to the agents.
fn ask_somebody(explanation: &mut Explanation, issue: &Issue, around: &AroundIssue<'_>) {
    let named = |wanted: fn(&Candidate) -> bool| {
        let names: Vec<String> =
            explanation.agents.iter().filter(|one| wanted(one)).map(|one| one.agent.to_string()).collect();
        let more = names.len().saturating_sub(NAMED);
        let text = names[..names.len() - more].join(", ");
        (!names.is_empty()).then(|| if more > 0 { format!("{text} and {more} more") } else { text })
    };
    let there = named(|one| one.obstacles.is_empty() && one.online);
    let away = named(|one| one.obstacles.is_empty() && !one.online);
    let before = around.place.map_or(0, |(place, _)| place - 1);
    let order = if before > 0 { format!("; {before} wait before it") } else { String::new() };
    match (there, away) {
        (Some(there), _) => {
            explanation.waits("claim", format!("an agent that asks: {there} may take it{order}"));
            explanation.moved("GET /api/assignments/next by one of them".to_owned());
        }
        (None, Some(away)) => {
            explanation.waits("silence", format!("an agent that is there: {away} may take it, and is not heard from"));
            explanation.moved("one of them that is started, and asks".to_owned());
        }
        (None, None) => {
            explanation.waits("no_agent", "an agent that fits: none may take it now, each for its own reason");
            explanation.moved("an agent whose reason ends: it is resumed, has room, its quota is back".to_owned());
            let assign = overrule(OverrideKind::Assign, format!("{} --agent <id> --force", issue.reference));
            explanation.moved(format!("a person: {assign}"));
        }
    }
}
