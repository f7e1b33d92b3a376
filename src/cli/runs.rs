use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::costs::dollars;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::age;

/// Which runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e runs                          the latest runs of all agents
  conductor-e runs --agent dev-e-node --limit 5
  conductor-e runs --repo acme/web --issue 42 --json | jq '.[0].id'")]
pub(super) struct RunsArguments {
    /// Of this agent, all its instances together.
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// In this repository.
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<String>,
    /// About this issue or pull request.
    #[arg(long, value_name = "N")]
    issue: Option<u64>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// `runs`: what agents' runtimes told of their runs, the latest first.
pub(super) async fn runs(arguments: &RunsArguments, daemon: &Client, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let (issue, limit) = (arguments.issue.map(|number| number.to_string()), arguments.limit.to_string());
    let given = [("agentId", &arguments.agent), ("repo", &arguments.repo), ("issueNumber", &issue)];
    let given = given.iter().filter_map(|(name, value)| value.as_deref().map(|value| (*name, value)));
    let query: Vec<(&str, &str)> = given.chain([("limit", limit.as_str())]).collect();
    let answer = daemon.get(&["api", "execution-logs"], &query).await?;
    reading::show(answer, arguments.form, screen, |rows: Vec<Run>, look| words(&rows, look)).await
}

/// A run, as the daemon tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Run {
    id: String,
    agent_id: String,
    repo: Option<String>,
    issue_number: Option<u64>,
    model: Option<String>,
    status: String,
    started_at: String,
    last_at: String,
    total_cost_usd: Option<f64>,
    total_turns: Option<u64>,
}

fn words(runs: &[Run], look: &Look) -> String {
    if runs.is_empty() { "No run was told of.".to_owned() } else { table(runs, look) }
}

/// Runs, one a line.
pub(super) fn table(runs: &[Run], look: &Look) -> String {
    let mut table =
        Table::of(&["AGENT", "ABOUT", "STATUS", "BEGAN", "LAST WORD", "TURNS", "COST", "MODEL", "ID"], look);
    for run in runs {
        let about = match (&run.repo, run.issue_number) {
            (Some(repo), Some(number)) => format!("{repo}#{number}"),
            (Some(repo), None) => repo.clone(),
            (None, _) => "-".to_owned(),
        };
        let or_dash = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
        table.row(&[
            Column::Text(&run.agent_id),
            Column::Text(&about),
            Column::State(&run.status),
            Column::Figure(age(&run.started_at, look.now)),
            Column::Figure(age(&run.last_at, look.now)),
            Column::Figure(or_dash(run.total_turns.map(|turns| turns.to_string()))),
            Column::Figure(or_dash(run.total_cost_usd.map(dollars))),
            Column::Text(run.model.as_deref().unwrap_or("-")),
            Column::Text(&run.id),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_says_whose_it_is_what_about_and_how_it_stands() {
        let runs: Vec<Run> = serde_json::from_value(json!([
            {"id": "r2", "agentId": "review-e", "repo": "acme/web", "issueNumber": 57, "model": null, "status": "running",
             "startedAt": "2026-11-21T11:59:00.000Z", "lastAt": "2026-11-21T11:59:58.000Z"},
            {"id": "r1", "agentId": "dev-e-node/a", "repo": null, "issueNumber": null, "model": "large-3", "status": "failed",
             "startedAt": "2026-11-21T09:00:00.000Z", "lastAt": "2026-11-21T10:00:00.000Z", "totalTurns": 14,
             "totalCostUsd": 0.4},
        ]))
        .unwrap();
        assert_eq!(
            words(&runs, &look(None)),
            "AGENT         ABOUT        STATUS   BEGAN  LAST WORD  TURNS  COST   MODEL    ID\n\
             review-e      acme/web#57  running     1m         2s      -      -  -        r2\n\
             dev-e-node/a  -            failed      3h         2h     14  $0.40  large-3  r1"
        );
        assert_eq!(words(&[], &look(None)), "No run was told of.");
    }
}
