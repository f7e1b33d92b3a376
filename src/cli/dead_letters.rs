use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};
use super::table::{Column, Table};
use super::words::{age, plain};

/// What to do with them.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  conductor-e dead-letters                                          what was given up on, the oldest first
  conductor-e dead-letters --json | jq -r '.[].id'                  their ids
  conductor-e dead-letters retry effect-01934c5a-0000-7000-8000-000000000007
  conductor-e dead-letters --json | jq -r '.[].id' | xargs -n1 conductor-e dead-letters retry     all of them"
)]
pub(super) struct DeadLettersArguments {
    #[command(subcommand)]
    command: Option<DeadLettersCommand>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum DeadLettersCommand {
    /// Have one tried again, with all its tries.
    Retry {
        /// Its id, as the list shows it.
        id: String,
        #[command(flatten)]
        form: Form,
    },
}

/// `dead-letters`: what lanes gave up on, or a second chance for one.
pub(super) async fn dead_letters(
    arguments: &DeadLettersArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    match &arguments.command {
        None => {
            let answer = daemon.get(&["api", "dead-letters"], &[]).await?;
            reading::show(answer, arguments.form, screen, |rows: Vec<Row>, look| words(&rows, look)).await
        }
        Some(DeadLettersCommand::Retry { id, form }) => {
            let request = daemon.request_to(Method::POST, &["api", "dead-letters", id, "retry"], &[]);
            let answer = daemon.send(request).await.map_err(|failure| failure.of_doing(&format!("retry {id}")))?;
            reading::show(answer, *form, screen, |retried: Retried, _: &Look| {
                format!("{}: {} for its next try.", plain(&retried.id), plain(&retried.state))
            })
            .await
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    lane: String,
    key: String,
    what: String,
    error: String,
    attempts: u64,
    since: String,
}

#[derive(Debug, Deserialize)]
struct Retried {
    id: String,
    state: String,
}

fn words(rows: &[Row], look: &Look) -> String {
    if rows.is_empty() {
        return "Nothing was given up on.".to_owned();
    }
    let mut table = Table::of(&["ID", "LANE", "WHAT", "KEY", "TRIES", "AGE", "LAST ERROR"], look);
    for row in rows {
        table.row(&[
            Column::Text(&row.id),
            Column::Text(&row.lane),
            Column::Text(&row.what),
            Column::Text(if row.key.is_empty() { "-" } else { &row.key }),
            Column::Figure(row.attempts.to_string()),
            Column::Figure(age(&row.since, look.now)),
            Column::Text(&row.error),
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
    fn what_was_given_up_on_stands_with_its_id_and_the_last_error() {
        let rows: Vec<Row> = serde_json::from_value(json!([
            {"id": "delivery-72d3162e", "lane": "inbox", "key": "", "what": "issues", "attempts": 15,
             "error": "read the delivery: no number", "since": "2026-11-21T11:00:00.000Z"},
        ]))
        .unwrap();
        assert_eq!(
            words(&rows, &look(None)),
            "ID                 LANE   WHAT    KEY  TRIES  AGE  LAST ERROR\n\
             delivery-72d3162e  inbox  issues  -       15   1h  read the delivery: no number"
        );
        assert_eq!(words(&[], &look(None)), "Nothing was given up on.");
    }
}
