use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::age;

/// Nothing to choose but the form.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e agents                                            who is there, what they hold
  conductor-e agents --json | jq '.[] | select(.isOnline).id'   for scripts")]
pub(super) struct AgentsArguments {
    #[command(flatten)]
    form: Form,
}

/// `agents`: everybody who was heard from, and whoever of the roster was not.
pub(super) async fn agents(
    arguments: &AgentsArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let answer = daemon.get(&["api", "agents"], &[]).await?;
    reading::show(answer, arguments.form, screen, |rows: Vec<Row>, look| words(&rows, look)).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    status: String,
    last_heartbeat: Option<String>,
    instances: Vec<serde::de::IgnoredAny>,
    quota_five_hour_pct: Option<f64>,
    quota_weekly_pct: Option<f64>,
    degraded: bool,
    degraded_reasons: Vec<String>,
    paused: bool,
    capacity: u32,
    assignments: Vec<Assignment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    stream_id: String,
    started: bool,
}

fn words(rows: &[Row], look: &Look) -> String {
    if rows.is_empty() {
        return "No agents: the roster is empty, and nobody was heard from.".to_owned();
    }
    let mut table = Table::of(&["AGENT", "STATUS", "HEARD", "HOLDS", "QUOTA 5H/WEEK", "NOW"], look);
    for row in rows {
        table.row(&[
            Column::Text(&row.id),
            Column::State(if row.paused { "paused" } else { &row.status }),
            Column::Figure(row.last_heartbeat.as_ref().map_or_else(|| "never".to_owned(), |at| age(at, look.now))),
            Column::Figure(format!("{}/{}", row.assignments.len(), row.capacity)),
            Column::Text(&quota(row)),
            Column::Text(&now(row)),
        ]);
    }
    table.text()
}

fn quota(row: &Row) -> String {
    let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}%"));
    match (row.quota_five_hour_pct, row.quota_weekly_pct) {
        (None, None) => "-".to_owned(),
        (hours, week) => format!("{}/{}", percent(hours), percent(week)),
    }
}

/// What it holds, and what is odd about it.
fn now(row: &Row) -> String {
    let held = row.assignments.iter().map(|held| match held.started {
        true => held.stream_id.clone(),
        false => format!("{} (not started)", held.stream_id),
    });
    let instances = (row.instances.len() > 1).then(|| format!("{} instances", row.instances.len()));
    let degraded = row.degraded.then(|| match row.degraded_reasons.join(", ") {
        reasons if reasons.is_empty() => "degraded".to_owned(),
        reasons => format!("degraded: {reasons}"),
    });
    held.chain(instances).chain(degraded).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::{Value, json};

    fn row(id: &str, more: Value) -> Value {
        let mut row = json!({
            "id": id, "status": "offline", "lastHeartbeat": null, "instances": [], "quotaFiveHourPct": null,
            "quotaWeeklyPct": null, "degraded": false, "degradedReasons": [], "paused": false, "capacity": 1,
            "assignments": [], "isOnline": false,
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    }

    #[test]
    fn rows_become_lines() {
        let busy = json!({
            "status": "working", "lastHeartbeat": "2026-11-21T11:59:30.000Z", "instances": [{}, {}], "quotaFiveHourPct": 41.6,
            "degraded": true, "degradedReasons": ["quota"],
            "assignments": [{"streamId": "acme/web#4", "started": true}, {"streamId": "acme/web#9", "started": false}],
        });
        let rows = json!([row("dev-e-node", busy), row("review-e", json!({"paused": true}))]);
        assert_eq!(
            words(&serde_json::from_value::<Vec<Row>>(rows).unwrap(), &look(None)),
            "AGENT       STATUS   HEARD  HOLDS  QUOTA 5H/WEEK  NOW\n\
             dev-e-node  working    30s    2/1  42%/-          acme/web#4 · acme/web#9 (not started) · 2 instances · degraded: quota\n\
             review-e    paused   never    0/1  -"
        );
        assert!(words(&[], &look(None)).starts_with("No agents:"));
    }
}
