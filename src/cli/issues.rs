use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::age;

/// Which issues.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e issues                                  all of them, by repository and number
  conductor-e issues --state escalated                what waits for a person
  conductor-e issues --agent dev-e-node               what an agent holds
  conductor-e issues --json | jq -r '.[].streamId'    for scripts

AGENT is who holds it; in brackets, where nobody does, who wrote its pull request.")]
pub(super) struct IssuesArguments {
    /// Only in these states: queued, assigned, in_progress, in_review, changes_requested, ready_to_merge, deploying,
    /// escalated, done, cancelled.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// Only of this repository.
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<String>,
    /// Only held by this agent.
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only with this priority: critical, high, normal.
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// `issues`: the rows that match.
pub(super) async fn issues(
    arguments: &IssuesArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let states = arguments.state.join(",");
    let filters = [
        ("state", (!states.is_empty()).then_some(states.as_str())),
        ("repo", arguments.repo.as_deref()),
        ("agentId", arguments.agent.as_deref()),
        ("priority", arguments.priority.as_deref()),
    ];
    let query: Vec<(&str, &str)> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let answer = daemon.get(&["api", "issues"], &query).await?;
    let narrowed = !query.is_empty();
    reading::show(answer, arguments.form, screen, |rows: Vec<Row>, look| words(&rows, narrowed, look)).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    stream_id: String,
    title: String,
    state: String,
    priority: String,
    agent_id: Option<String>,
    /// Absent in answers of older daemons.
    #[serde(default)]
    author: Option<String>,
    pr_number: Option<u64>,
    ci: String,
    updated_at: Option<String>,
}

fn words(rows: &[Row], narrowed: bool, look: &Look) -> String {
    if rows.is_empty() {
        return match narrowed {
            true => "No issue matches. `conductor-e issues` shows all of them.".to_owned(),
            false => "No issues yet: put the label agent-ready on one, or report ISSUE_APPROVED.".to_owned(),
        };
    }
    let mut table = Table::of(&["ISSUE", "STATE", "PRIORITY", "AGENT", "PR", "CI", "UPDATED", "TITLE"], look);
    for row in rows {
        table.row(&[
            Column::Text(&row.stream_id),
            Column::State(&row.state),
            Column::State(&row.priority),
            Column::Text(&whose(row)),
            Column::Text(&row.pr_number.map_or_else(|| "-".to_owned(), |number| format!("#{number}"))),
            Column::State(if row.pr_number.is_some() { &row.ci } else { "-" }),
            Column::Figure(row.updated_at.as_ref().map_or_else(|| "-".to_owned(), |at| age(at, look.now))),
            Column::Text(&row.title),
        ]);
    }
    table.text()
}

/// Who holds it; where nobody does, in brackets who wrote its pull request.
fn whose(row: &Row) -> String {
    match (&row.agent_id, &row.author) {
        (Some(holder), _) => holder.clone(),
        (None, Some(author)) => format!("({author})"),
        (None, None) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_lines() {
        let rows: Vec<Row> = serde_json::from_value(json!([
            {"streamId": "acme/web#4", "title": "Mend the door", "state": "in_review", "priority": "high",
             "agentId": null, "author": "dev-e-python", "prNumber": 57, "ci": "pending", "updatedAt": "2026-11-21T11:57:00.000Z", "more": 1},
            {"streamId": "acme/web#12", "title": "Paint it", "state": "queued", "priority": "normal",
             "agentId": "dev-e-node", "prNumber": null, "ci": "unknown", "updatedAt": null},
        ]))
        .unwrap();
        assert_eq!(
            words(&rows, false, &look(None)),
            "ISSUE        STATE      PRIORITY  AGENT           PR   CI       UPDATED  TITLE\n\
             acme/web#4   in_review  high      (dev-e-python)  #57  pending       3m  Mend the door\n\
             acme/web#12  queued     normal    dev-e-node      -    -              -  Paint it"
        );
    }

    #[test]
    fn nothing_is_said_in_words() {
        assert!(words(&[], true, &look(None)).starts_with("No issue matches."));
        assert!(words(&[], false, &look(None)).starts_with("No issues yet:"));
    }
}
