use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};

/// Which days.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e costs                         what was spent, of all time
  conductor-e costs --days 7                today and the six days before it, in UTC
  conductor-e costs --json | jq .byAgent")]
pub(super) struct CostsArguments {
    /// Today and the days before it, so many in all; without it all time.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: Option<u32>,
    #[command(flatten)]
    form: Form,
}

/// `costs`: what was spent, by model, agent and repository.
pub(super) async fn costs(arguments: &CostsArguments, daemon: &Client, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let days = arguments.days.map(|days| days.to_string());
    let query: Vec<(&str, &str)> = days.iter().map(|days| ("days", days.as_str())).collect();
    let answer = daemon.get(&["api", "costs", "summary"], &query).await?;
    reading::show(answer, arguments.form, screen, |shown: Shown, look| words(&shown, look)).await
}

/// Tokens and dollars.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spent {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost_usd: f64,
    pub(super) reports: u64,
}

/// A sum under one of its names.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    model: Option<String>,
    agent_id: Option<String>,
    repo: Option<String>,
    #[serde(flatten)]
    spent: Spent,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Shown {
    since: Option<String>,
    total: Spent,
    by_model: Vec<Named>,
    by_agent: Vec<Named>,
    by_repo: Vec<Named>,
}

/// To the cent, and what is less than a cent to the first two digits that count.
pub(super) fn dollars(amount: f64) -> String {
    if amount >= 0.01 || amount == 0.0 { format!("${amount:.2}") } else { format!("${amount:.6}") }
}

fn words(shown: &Shown, look: &Look) -> String {
    let since = shown.since.as_ref().map_or_else(|| "of all time".to_owned(), |since| format!("since {since} (UTC)"));
    if shown.total.reports == 0 {
        return format!("Nothing was spent {since}.");
    }
    let mut table = Table::of(&["BY", "COST", "INPUT", "OUTPUT", "REPORTS", "NAME"], look);
    let mut row = |by: &str, spent: &Spent, name: &str| {
        table.row(&[
            Column::Text(by),
            Column::Figure(dollars(spent.cost_usd)),
            Column::Figure(spent.input_tokens.to_string()),
            Column::Figure(spent.output_tokens.to_string()),
            Column::Figure(spent.reports.to_string()),
            Column::Text(name),
        ]);
    };
    row("all", &shown.total, &since);
    for (by, sums) in [("model", &shown.by_model), ("agent", &shown.by_agent), ("repo", &shown.by_repo)] {
        for sum in sums {
            let name = sum.model.as_deref().or(sum.agent_id.as_deref()).or(sum.repo.as_deref());
            row(by, &sum.spent, name.unwrap_or("(none)"));
        }
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_stand_under_what_they_are_summed_by() {
        let spent = |cost: f64| json!({"inputTokens": 1200, "outputTokens": 30, "costUsd": cost, "reports": 2});
        let named = |name: &str, value: &str, cost: f64| {
            let mut sum = spent(cost);
            sum[name] = json!(value);
            sum
        };
        let mut nowhere = spent(0.000_5);
        nowhere["repo"] = json!(null);
        let shown: Shown = serde_json::from_value(json!({
            "days": 7, "since": "2026-11-15", "total": spent(1.2345), "byModel": [named("model", "large-3", 1.2345)],
            "byAgent": [named("agentId", "dev-e-node", 1.2345)], "byRepo": [named("repo", "acme/web", 1.234), nowhere],
        }))
        .unwrap();
        assert_eq!(
            words(&shown, &look(None)),
            "BY     COST       INPUT  OUTPUT  REPORTS  NAME\n\
             all        $1.23   1200      30        2  since 2026-11-15 (UTC)\n\
             model      $1.23   1200      30        2  large-3\n\
             agent      $1.23   1200      30        2  dev-e-node\n\
             repo       $1.23   1200      30        2  acme/web\n\
             repo   $0.000500   1200      30        2  (none)"
        );
        assert_eq!(words(&Shown::default(), &look(None)), "Nothing was spent of all time.");
    }
}
