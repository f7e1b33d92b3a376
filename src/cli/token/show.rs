use serde_json::Value;

/// A fresh token. The secret stands alone on standard output, so that `TOKEN=$(conductor-e token create …)` works.
pub(super) fn created(token: &Value, json: bool) {
    if json {
        println!("{token}");
        return;
    }
    println!("{}", text(token, "token"));
    let ends = token["expiresAt"].as_str().map_or("lasts until it is revoked".to_owned(), |at| format!("ends {at}"));
    eprintln!("{} · id {} · {ends}", owner(token), text(token, "id"));
    eprintln!("It is shown this once: keep it now. Clients send it as \"Authorization: Bearer <token>\".");
}

/// All tokens, as a table.
pub(super) fn listed(tokens: &Value, json: bool) {
    if json {
        println!("{tokens}");
        return;
    }
    let row = |cells: [&str; 6]| {
        let [id, owner, state, created, expires, used] = cells;
        println!("{id:<18} {owner:<34} {state:<8} {created:<24} {expires:<24} {used}");
    };
    row(["ID", "OWNER", "STATE", "CREATED", "EXPIRES", "LAST USED"]);
    for token in tokens.as_array().into_iter().flatten() {
        let cell = |name| text(token, name);
        row([cell("id"), &owner(token), cell("state"), cell("createdAt"), cell("expiresAt"), cell("lastUsedAt")]);
    }
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
