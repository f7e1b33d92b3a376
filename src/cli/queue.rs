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
  conductor-e queue                                                    the next one first
  conductor-e queue --json | jq '.[] | select(.blockedBy == [])'       what could be handed out now")]
pub(super) struct QueueArguments {
    #[command(flatten)]
    form: Form,
}

/// `queue`: what waits for a holder, in the order of hand-out.
pub(super) async fn queue(arguments: &QueueArguments, daemon: &Client, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let answer = daemon.get(&["api", "queue"], &[]).await?;
    reading::show(answer, arguments.form, screen, |rows: Vec<Row>, look| words(&rows, look)).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    stream_id: String,
    title: Option<String>,
    kind: String,
    priority: String,
    stack: Option<String>,
    escalate: Vec<String>,
    queued_at: String,
    blocked_by: Vec<String>,
    /// Absent in answers of older daemons.
    #[serde(default)]
    paused_by: Vec<String>,
}

fn words(rows: &[Row], look: &Look) -> String {
    if rows.is_empty() {
        return "Nothing waits: every issue is held, in review or at its end.".to_owned();
    }
    let mut table = Table::of(&["#", "ISSUE", "PRIORITY", "KIND", "NEEDS", "WAITS", "BLOCKED BY", "TITLE"], look);
    for (place, row) in rows.iter().enumerate() {
        let needs: Vec<&str> = row.stack.iter().chain(&row.escalate).map(String::as_str).collect();
        table.row(&[
            Column::Figure((place + 1).to_string()),
            Column::Text(&row.stream_id),
            Column::State(&row.priority),
            Column::Text(&row.kind),
            Column::Text(&or_dash(&needs.join(", "))),
            Column::Figure(age(&row.queued_at, look.now)),
            Column::Text(&or_dash(&held_back(row))),
            Column::Text(row.title.as_deref().unwrap_or_default()),
        ]);
    }
    table.text()
}

/// The pauses first: whatever else is done, they hold.
fn held_back(row: &Row) -> String {
    let pauses = row.paused_by.iter().map(|scope| format!("pause of the {scope}"));
    pauses.chain(row.blocked_by.iter().cloned()).collect::<Vec<_>>().join(", ")
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_next_one_stands_first_and_what_is_blocked_says_by_what() {
        let rows: Vec<Row> = serde_json::from_value(json!([
            {"streamId": "acme/web#4", "title": "Mend the door", "kind": "work", "priority": "critical", "stack": "node",
             "escalate": ["requires-macos"], "queuedAt": "2026-11-21T11:00:00.000Z", "blockedBy": []},
            {"streamId": "acme/web#9", "title": null, "kind": "rework", "priority": "normal", "stack": null,
             "escalate": [], "queuedAt": "2026-11-18T12:00:00.000Z", "blockedBy": ["acme/web#4"], "pausedBy": ["rig"]},
        ]))
        .unwrap();
        assert_eq!(
            words(&rows, &look(None)),
            "#  ISSUE       PRIORITY  KIND    NEEDS                 WAITS  BLOCKED BY                    TITLE\n\
             1  acme/web#4  critical  work    node, requires-macos     1h  -                             Mend the door\n\
             2  acme/web#9  normal    rework  -                        3d  pause of the rig, acme/web#4"
        );
        assert!(words(&[], &look(None)).starts_with("Nothing waits"));
    }
}
