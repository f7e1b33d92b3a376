use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::event::Event;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::{age, clock, plain, sentence};

/// What to explain.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e explain acme/web#42            why it is where it is, and why does nobody get it
  conductor-e explain acme/web#57            the same for a pull request
  conductor-e explain dev-e-node             why does it get nothing
  conductor-e explain rig                    is anything paused
  conductor-e explain acme/web#42 --json | jq '.agents[] | select(.fits) | .agentId'")]
pub(super) struct ExplainArguments {
    /// An issue or pull request (owner/repo#n), an agent's id, or rig.
    #[arg(value_name = "ISSUE|PR|AGENT")]
    id: String,
    #[command(flatten)]
    form: Form,
}

/// `explain`: why something is where it is.
pub(super) async fn explain(
    arguments: &ExplainArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let answer = daemon.get(&["api", "explain"], &[("id", &arguments.id)]).await?;
    reading::show(answer, arguments.form, screen, |told: Told, look| words(&told, look)).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    state: String,
    since: Option<String>,
    summary: String,
    waits_for: Vec<Wait>,
    moved_by: Vec<String>,
    decided_by: Option<Event>,
    agents: Vec<Agent>,
    agents_in_all: usize,
    issues: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
struct Wait {
    rule: String,
    why: String,
    on: Option<String>,
    version: Option<u64>,
    position: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Agent {
    agent_id: String,
    is_online: bool,
    last_heartbeat: Option<String>,
    reasons: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    stream_id: String,
    reasons: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
struct Reason {
    why: String,
}

/// The answer first, in one line; then what to wait for, what to do, and the proof.
fn words(told: &Told, look: &Look) -> String {
    let since = told.since.as_ref().map_or_else(String::new, |at| format!(" for {}", age(at, look.now)));
    let mut parts = vec![format!("{}  {}{since}\n  {}", plain(&told.id), plain(&told.state), sentence(&told.summary))];
    parts.extend(listed("Waits for", told.waits_for.iter().map(wait)));
    parts.extend(listed("Would be moved by", told.moved_by.iter().map(|by| sentence(by))));
    parts.extend(listed("Brought there by", told.decided_by.iter().map(event)));
    if !told.agents.is_empty() {
        parts.push(agents(told, look));
    }
    if !told.issues.is_empty() {
        parts.push(issues(told, look));
    }
    parts.join("\n\n")
}

fn listed(title: &str, lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<String> = lines.map(|line| format!("\n  {line}")).collect();
    (!lines.is_empty()).then(|| format!("{title}{}", lines.concat()))
}

fn wait(wait: &Wait) -> String {
    let said = match (&wait.on, wait.version, wait.position) {
        (Some(on), Some(version), Some(position)) => format!("; see version {version} of {on}, position {position}"),
        (Some(on), _, _) => format!("; see {on}"),
        (None, _, _) => String::new(),
    };
    format!("{} ({}{})", sentence(&wait.why), plain(&wait.rule), plain(&said))
}

fn event(event: &Event) -> String {
    let why = event.why();
    let because = if why.is_empty() { String::new() } else { format!(": {}", sentence(&why)) };
    format!(
        "{}, by {} at {} UTC{because} ({}, version {}, position {})",
        plain(&event.in_words()),
        plain(event.actor()),
        clock(&event.timestamp),
        plain(&event.kind),
        event.version,
        event.position
    )
}

fn agents(told: &Told, look: &Look) -> String {
    let mut table = Table::of(&["AGENT", "HEARD", "WHY NOT"], look).wrapping();
    for agent in &told.agents {
        let heard = agent.last_heartbeat.as_ref().map_or_else(|| "never".to_owned(), |at| age(at, look.now));
        let silent = if agent.is_online { "" } else { ", once it is heard from" };
        table.row(&[
            Column::Text(&agent.agent_id),
            Column::Figure(heard),
            Column::Text(&reasons(&agent.reasons, &format!("– it may take it{silent}"))),
        ]);
    }
    let more = told.agents_in_all.saturating_sub(told.agents.len());
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    format!("{}{more}", table.text())
}

fn issues(told: &Told, look: &Look) -> String {
    let mut table = Table::of(&["IN THE QUEUE", "WHY NOT"], look).wrapping();
    for issue in &told.issues {
        table.row(&[Column::Text(&issue.stream_id), Column::Text(&reasons(&issue.reasons, "– it may take it"))]);
    }
    table.text()
}

fn reasons(reasons: &[Reason], none: &str) -> String {
    let all: Vec<String> = reasons.iter().map(|reason| sentence(&reason.why)).collect();
    if all.is_empty() { none.to_owned() } else { all.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::{Value, json};

    fn told(more: Value) -> Told {
        let mut told = json!({
            "id": "acme/web#4", "kind": "issue", "state": "queued", "since": null, "summary": "it waits for an agent",
            "waitsFor": [], "movedBy": [], "decidedBy": null, "agents": [], "agentsInAll": 0, "issues": [],
        });
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn an_issue_that_nobody_gets_is_told_from_the_answer_to_the_proof() {
        let told = told(json!({
            "since": "2026-11-21T09:00:00.000Z",
            "waitsFor": [
                {"rule": "paused", "why": "an operator paused the rig", "on": "rig", "version": 2, "position": 3},
                {"rule": "no_agent", "why": "an agent that fits", "on": null, "version": null, "position": null},
            ],
            "movedBy": ["conductor-e override resume rig --reason …"],
            "decidedBy": {"id": "x", "type": "IssueUnassigned", "timestamp": "2026-11-21T09:00:00.000Z", "version": 5,
                          "position": 77, "data": {"reason": "the pod is gone"}, "metadata": {"actor": "operator:ada"}},
            "agents": [
                {"agentId": "dev-e-node", "fits": true, "isOnline": false, "lastHeartbeat": null, "reasons": []},
                {"agentId": "dev-e-python", "fits": false, "isOnline": true, "lastHeartbeat": "2026-11-21T11:59:30.000Z",
                 "reasons": [{"rule": "excluded", "why": "it had the issue before"}, {"rule": "paused", "why": "it is paused"}]},
            ],
            "agentsInAll": 3,
        }));
        assert_eq!(
            words(&told, &look(None)),
            "acme/web#4  queued for 3h\n\
             \u{20} it waits for an agent\n\
             \n\
             Waits for\n\
             \u{20} an operator paused the rig (paused; see version 2 of rig, position 3)\n\
             \u{20} an agent that fits (no_agent)\n\
             \n\
             Would be moved by\n\
             \u{20} conductor-e override resume rig --reason …\n\
             \n\
             Brought there by\n\
             \u{20} issue unassigned, by operator:ada at 2026-11-21 09:00:00 UTC: the pod is gone (IssueUnassigned, version 5, position 77)\n\
             \n\
             AGENT         HEARD  WHY NOT\n\
             dev-e-node    never  – it may take it, once it is heard from\n\
             dev-e-python    30s  it had the issue before; it is paused\n\
             … and 1 more"
        );
    }

    #[test]
    fn an_agent_is_told_what_waits_and_why_it_does_not_get_it() {
        let told = told(json!({
            "id": "dev-e-node", "state": "idle", "summary": "it is developer, and holds nothing",
            "issues": [{"streamId": "acme/web#9", "fits": false, "reasons": [{"rule": "no_fit", "why": "odd\u{1b}[2J"}]}],
        }));
        assert_eq!(
            words(&told, &look(None)),
            "dev-e-node  idle\n  it is developer, and holds nothing\n\nIN THE QUEUE  WHY NOT\nacme/web#9    odd\u{fffd}[2J"
        );
    }
}
