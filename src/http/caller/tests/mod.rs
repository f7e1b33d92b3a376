//! The lines of the guarantees on identity, tokens and limits, over the whole edge.

mod duties;
mod letting_in;
mod limits;
mod roles;
mod speaking;
mod tokens;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use conductor_core::authority::IdentityMode;
use conductor_core::roster::{GitHubMode, Policy, UnknownAgents};
use serde_json::{Value, json};

use super::{AdmissionSettings, Rate, RateSettings};
use crate::testing::{Daemon, Reply};

/// An address outside every network that is trusted here.
const STRANGER: &str = "203.0.113.9";
/// One inside.
const PEER: &str = "10.1.2.3";

async fn daemon(mode: IdentityMode) -> Daemon {
    let trusted_networks = vec!["10.0.0.0/8".parse().unwrap()];
    let admission = AdmissionSettings { mode, trusted_networks, rates: None };
    let unknown_agents = match mode {
        IdentityMode::Open => UnknownAgents::Allow,
        IdentityMode::TrustedNetwork => UnknownAgents::Hook,
        IdentityMode::Token => UnknownAgents::Refuse,
    };
    Daemon::admitting(admission, Policy { unknown_agents, ..Policy::built_in(GitHubMode::None) }).await
}

fn get(uri: &str) -> TestRequest {
    TestRequest::get().uri(uri)
}

fn post(body: &Value) -> TestRequest {
    TestRequest::post().uri("/api/events").set_payload(body.to_string())
}

fn with(token: &str, request: TestRequest) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {token}")))
}

fn approval() -> Value {
    json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "Broken", "stack": "node" })
}

fn beat(agent: &str) -> Value {
    json!({ "type": "HEARTBEAT", "agentId": agent, "status": "idle" })
}
