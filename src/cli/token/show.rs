use conductor_http::caller::first_token::COMMAND;
use serde_json::Value;

use super::super::screen::Look;
use super::super::table::{Column, Table};
use super::super::words::clock;

/// A fresh token. The secret stands alone on standard output, so that `TOKEN=$(conductor-e token create …)` works.
pub(super) fn created(token: &Value, json: bool) {
    if json {
        println!("{token}");
        return;
    }
    println!("{}", text(token, "token"));
    let ends = token["expiresAt"]
        .as_str()
        .map_or("lasts until it is revoked".to_owned(), |at| format!("ends {} UTC", clock(at)));
    eprintln!("{} · id {} · {ends}", owner(token), text(token, "id"));
    eprintln!("It is shown this once: keep it now. Clients send it as \"Authorization: Bearer <token>\".");
}

/// All tokens, as a table.
pub(super) fn listed(tokens: &Value, json: bool) {
    if json {
        println!("{tokens}");
        return;
    }
    println!("{}", table(tokens, &Look::of_process()));
}

fn table(tokens: &Value, look: &Look) -> String {
    let rows = tokens.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return format!("No tokens yet: {COMMAND}");
    }
    let mut table = Table::of(&["ID", "OWNER", "STATE", "CREATED (UTC)", "EXPIRES (UTC)", "LAST USED (UTC)"], look);
    for token in rows {
        let time = |name| token[name].as_str().map_or_else(|| "-".to_owned(), clock);
        table.row(&[
            Column::Text(text(token, "id")),
            Column::Text(&owner(token)),
            Column::State(text(token, "state")),
            Column::Text(&time("createdAt")),
            Column::Text(&time("expiresAt")),
            Column::Text(&time("lastUsedAt")),
        ]);
    }
    table.text()
}

/// A token that was taken back.
pub(super) fn revoked(token: &Value, json: bool) {
    if json {
        println!("{token}");
        return;
    }
    println!("revoked {} of {}: it opens nothing any more", text(token, "id"), owner(token));
    println!("(a running daemon may remember it for three seconds)");
}

fn text<'a>(token: &'a Value, name: &str) -> &'a str {
    token[name].as_str().unwrap_or("-")
}

fn owner(token: &Value) -> String {
    match token["agentId"].as_str() {
        Some(agent) => format!("agent {agent}"),
        None => format!("{} {}", text(token, "role"), text(token, "person")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::screen::tests::look;
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_are_a_table_with_times_as_everywhere() {
        let rows = json!([
            {"id": "t1", "agentId": "dev-e-node", "state": "live", "createdAt": "2026-11-21T09:00:00.000Z",
             "expiresAt": "2027-02-19T09:00:00.000Z", "lastUsedAt": "2026-11-21T11:59:30.250Z"},
            {"id": "t2", "person": "ada", "role": "operator", "state": "revoked", "createdAt": "2026-11-21T09:00:00.000Z",
             "expiresAt": null, "lastUsedAt": null},
        ]);
        assert_eq!(
            table(&rows, &look(None)),
            "ID  OWNER             STATE    CREATED (UTC)        EXPIRES (UTC)        LAST USED (UTC)\n\
             t1  agent dev-e-node  live     2026-11-21 09:00:00  2027-02-19 09:00:00  2026-11-21 11:59:30\n\
             t2  operator ada      revoked  2026-11-21 09:00:00  -                    -"
        );
        assert!(table(&json!([]), &look(None)).contains("conductor-e token create"));
    }
}
