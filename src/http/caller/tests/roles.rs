//! The description's word on who may what, held against the door.

use std::str::FromStr;

use super::*;
use crate::openapi::{Role, document};

/// A request of that operation as a program would send it, as far as who sends it matters.
fn request(path: &str, method: &str, operation: &Value) -> TestRequest {
    let uri = path.replace("{number}", "1").replace(['{', '}'], "");
    let query = match path {
        "/api/assignments/next" => "?agentId=dev-e-node",
        "/api/reviews/next" => "?agentId=dev-e-node",
        "/api/events/stream" => "?id=rig",
        // They would never end; whoever is told that this is malformed was let in.
        "/api/events/live" => "?after=x",
        "/api/agent-logs/live" => "?level=x",
        _ => "",
    };
    let method = Method::from_str(&method.to_ascii_uppercase()).unwrap();
    let request = TestRequest::default().method(method).uri(&format!("{uri}{query}"));
    let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
    match examples.as_object().and_then(|examples| examples.values().next()) {
        Some(example) => request.set_payload(example["value"].to_string()),
        None => request,
    }
}

#[actix_web::test]
async fn who_is_described_to_be_let_in_is_let_in_and_nobody_else() {
    let daemon = daemon(IdentityMode::Token).await;
    let mut tokens = Vec::new();
    for (role, name) in [(Role::Agent, "dev-e-node"), (Role::Operator, "ada"), (Role::Viewer, "eve")] {
        tokens.push((role, daemon.token(role.as_str(), name).await.0));
    }
    let mut asked = 0;
    for (path, methods) in document()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap().iter().filter(|_| path != crate::webhook::PATH) {
            let security = operation["security"].as_array().unwrap();
            let at = format!("{method} {path}");
            let status = daemon.send_from(STRANGER, request(path, method, operation)).await.status;
            assert_eq!(status == 401, !security.is_empty(), "{at} by nobody: {status}");
            let status = daemon.send_from(PEER, request(path, method, operation)).await.status;
            let is_near = security.iter().any(|one| one == &json!({}));
            assert_eq!(status == 401, !security.is_empty() && !is_near, "{at} by a neighbour: {status}");
            for (role, token) in &tokens {
                let described = security.is_empty() || security.contains(&json!({ "token": [role.as_str()] }));
                let status = daemon.send_from(STRANGER, with(token, request(path, method, operation))).await.status;
                // What an agent or an operator may report is the roster's business, and which agents are asked for verdicts.
                let by_roster = (path == "/api/events" && method == "post") || path == "/api/reviews/next";
                let let_in = status != 401 && (status != 403 || by_roster);
                let by_role = if described { let_in } else { status == 403 };
                assert!(by_role, "{at} by {}: {status}", role.as_str());
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "{asked}");
}
