use clap::Args;
use conductor_core::identity::IssueRef;
use serde::Deserialize;

use super::client::Client;
use super::costs::{Spent, dollars};
use super::event::Event;
use super::failure::Failure;
use super::reading::{self, Form};
use super::runs::{self, Run};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::{age, clock, plain};

/// Which issue.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e issue acme/web#42              where it stands, and every event with who and why
  conductor-e issue acme/web#57              the same for a pull request
  conductor-e issue acme/web#42 --json | jq .waitingFor")]
pub(super) struct IssueArguments {
    /// The issue or pull request, as owner/repo#number.
    #[arg(value_name = "OWNER/REPO#N", value_parser = reference)]
    issue: IssueRef,
    #[command(flatten)]
    form: Form,
}

fn reference(text: &str) -> Result<IssueRef, &'static str> {
    IssueRef::parse(text).ok_or("it must be an issue such as owner/repo#42")
}

/// `issue`: where it stands and how it came there.
pub(super) async fn issue(arguments: &IssueArguments, daemon: &Client, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let (repo, number) = (arguments.issue.repo.as_str(), arguments.issue.number.to_string());
    let (owner, name) = repo.split_once('/').unwrap_or((repo, ""));
    let answer = daemon.get(&["api", "issues", owner, name, &number], &[]).await?;
    reading::show(answer, arguments.form, screen, words).await
}

/// An issue's row or a pull request's, with the timeline.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Shown {
    stream_id: String,
    title: Option<String>,
    url: Option<String>,
    state: String,
    priority: Option<String>,
    agent_id: Option<String>,
    attempt: Option<u32>,
    strikes: Option<u32>,
    branch: Option<String>,
    pr_repo: Option<String>,
    pr_number: Option<u64>,
    pr_url: Option<String>,
    head_sha: Option<String>,
    ci: String,
    failed_checks: Vec<String>,
    review: String,
    reviewer: Option<String>,
    linked_issues: Vec<String>,
    depends_on: Vec<String>,
    blocked_by: Vec<String>,
    waiting_for: Vec<String>,
    updated_at: Option<String>,
    /// Absent in answers of older daemons, as are the runs.
    cost: Option<Cost>,
    execution_logs: Vec<Run>,
    timeline: Vec<Event>,
}

#[derive(Debug, Default, Deserialize)]
struct Cost {
    total: Spent,
}

fn words(shown: Shown, look: &Look) -> String {
    let mut lines = vec![headline(&shown)];
    lines.extend(facts(&shown, look).into_iter().map(|(name, fact)| format!("  {name:<10} {}", plain(&fact))));
    if !shown.execution_logs.is_empty() {
        lines.extend([String::new(), runs::table(&shown.execution_logs, look)]);
    }
    lines.push(String::new());
    lines.push(timeline(&shown.timeline, look));
    lines.join("\n")
}

fn headline(shown: &Shown) -> String {
    match &shown.title {
        Some(title) => format!("{}  {}", shown.stream_id, plain(title)),
        None => shown.stream_id.clone(),
    }
}

/// What is known, and nothing about what isn't.
fn facts(shown: &Shown, look: &Look) -> Vec<(&'static str, String)> {
    let joined = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let counted =
        |name: &str, count: Option<u32>| count.filter(|count| *count > 0).map(|count| format!("{name} {count}"));
    let of_pull = |name: &str, word: &str| (shown.pr_number.is_some()).then(|| format!("{name} {word}"));
    let pull = shown.pr_number.map(|number| format!("{}#{number}", shown.pr_repo.as_deref().unwrap_or_default()));
    // A pull request's own row has no prRepo: it is the headline already.
    let pull = pull.filter(|_| shown.pr_repo.is_some());
    let head = shown.head_sha.as_ref().map(|sha| format!("head {}", sha.get(..12).unwrap_or(sha)));
    let review = of_pull("review", &shown.review)
        .map(|review| shown.reviewer.as_ref().map_or(review.clone(), |reviewer| format!("{review} ({reviewer})")));
    let facts = [
        (
            "state",
            joined(vec![
                Some(shown.state.clone()),
                shown.priority.as_ref().map(|priority| format!("priority {priority}")),
                counted("attempt", shown.attempt),
                counted("strikes", shown.strikes),
                shown.updated_at.as_ref().map(|at| format!("updated {} ago", age(at, look.now))),
            ]),
        ),
        ("agent", joined(vec![shown.agent_id.clone()])),
        ("branch", joined(vec![shown.branch.clone()])),
        ("pull", joined(vec![pull, head, of_pull("CI", &shown.ci), review])),
        ("failed", shown.failed_checks.join(", ")),
        ("closes", shown.linked_issues.join(", ")),
        ("depends on", shown.depends_on.join(", ")),
        ("blocked by", shown.blocked_by.join(", ")),
        ("waits for", shown.waiting_for.join(", ")),
        ("cost", spent(shown.cost.as_ref())),
        ("at GitHub", joined(vec![shown.url.clone().or_else(|| shown.pr_url.clone())])),
    ];
    facts.into_iter().filter(|(_, fact)| !fact.is_empty()).collect()
}

/// What it has cost, its reviews included; nothing where nothing was spent.
fn spent(cost: Option<&Cost>) -> String {
    let Some(spent) = cost.map(|cost| &cost.total).filter(|spent| spent.reports > 0) else { return String::new() };
    format!("{} · {} tokens in, {} out", dollars(spent.cost_usd), spent.input_tokens, spent.output_tokens)
}

fn timeline(events: &[Event], look: &Look) -> String {
    if events.is_empty() {
        return "No events yet.".to_owned();
    }
    let mut table = Table::of(&["V", "WHEN (UTC)", "EVENT", "BY", "WHY"], look).wrapping();
    for event in events {
        table.row(&[
            Column::Figure(event.version.to_string()),
            Column::Text(&clock(&event.timestamp)),
            Column::Text(&event.kind),
            Column::Text(event.actor()),
            Column::Text(&event.why()),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    fn event(version: u64, kind: &str, by: &str, rule: serde_json::Value) -> serde_json::Value {
        json!({"id": "x", "type": kind, "timestamp": "2026-11-21T09:00:00.000Z", "version": version, "position": version,
               "data": {}, "metadata": {"actor": by, "rule": rule}})
    }

    #[test]
    fn an_issue_is_told_with_what_is_known_and_how_it_came_there() {
        let shown = serde_json::from_value(json!({
            "streamId": "acme/web#4", "title": "Mend the door", "url": "https://github.com/acme/web/issues/4",
            "state": "changes_requested", "priority": "high", "agentId": "dev-e-node", "attempt": 2, "strikes": 0,
            "branch": "agent/issue-4-2", "prRepo": "acme/web", "prNumber": 57, "prUrl": null,
            "headSha": "c0ffee0123456789c0ffee0123456789c0ffee01", "ci": "failed", "review": "disputed",
            "reviewer": "review-e", "dependsOn": ["acme/web#1"], "blockedBy": [], "updatedAt": "2026-11-21T09:00:00.000Z",
            "cost": {"total": {"inputTokens": 1200, "outputTokens": 30, "costUsd": 0.4, "reports": 2}},
            "executionLogs": [{"id": "r1", "agentId": "dev-e-node", "repo": "acme/web", "issueNumber": 4, "status": "failed",
                               "startedAt": "2026-11-21T09:00:00.000Z", "lastAt": "2026-11-21T10:00:00.000Z"}],
            "timeline": [
                event(1, "IssueApproved", "github:alice", json!(null)),
                event(2, "IssueAssigned", "daemon:claims", json!({"name": "queue_order", "facts": ["priority high", "first"]})),
            ],
        }));
        assert_eq!(
            words(shown.unwrap(), &look(None)),
            "acme/web#4  Mend the door\n\
             \u{20} state      changes_requested · priority high · attempt 2 · updated 3h ago\n\
             \u{20} agent      dev-e-node\n\
             \u{20} branch     agent/issue-4-2\n\
             \u{20} pull       acme/web#57 · head c0ffee012345 · CI failed · review disputed (review-e)\n\
             \u{20} depends on acme/web#1\n\
             \u{20} cost       $0.40 · 1200 tokens in, 30 out\n\
             \u{20} at GitHub  https://github.com/acme/web/issues/4\n\
             \n\
             AGENT       ABOUT       STATUS  BEGAN  LAST WORD  TURNS  COST  MODEL  ID\n\
             dev-e-node  acme/web#4  failed     3h         2h      -     -  -      r1\n\
             \n\
             V  WHEN (UTC)           EVENT          BY             WHY\n\
             1  2026-11-21 09:00:00  IssueApproved  github:alice\n\
             2  2026-11-21 09:00:00  IssueAssigned  daemon:claims  queue_order: priority high, first"
        );
    }

    #[test]
    fn a_pull_request_is_told_by_the_same_command() {
        let shown = serde_json::from_value(json!({
            "streamId": "acme/web#57", "title": null, "state": "open", "prNumber": 57, "prUrl": "https://x/57", "ci": "none",
            "failedChecks": ["build"], "review": "none", "linkedIssues": ["acme/web#4"], "waitingFor": ["review"],
            "timeline": [],
        }));
        assert_eq!(
            words(shown.unwrap(), &look(None)),
            "acme/web#57\n\
             \u{20} state      open\n\
             \u{20} pull       CI none · review none\n\
             \u{20} failed     build\n\
             \u{20} closes     acme/web#4\n\
             \u{20} waits for  review\n\
             \u{20} at GitHub  https://x/57\n\
             \n\
             No events yet."
        );
    }

    #[test]
    fn only_a_whole_reference_names_an_issue() {
        assert!(reference("acme/web#42").is_ok());
        for text in ["42", "#42", "acme/web", "acme/web#0", "acme/web/42"] {
            assert!(reference(text).is_err(), "{text}");
        }
    }
}
