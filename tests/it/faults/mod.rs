//! What a daemon does without: a server, a connection, a disk, a folder of its own. And what two of them do on one log.

mod embedded;
mod leader;
mod postgres_network;
mod postgres_server;
mod postgres_together;
mod valkey;
mod valkey_keys;
mod valkey_tls;
mod valkey_together;

use serde_json::json;

use crate::rig::{Rig, about};

/// While the store is away: 503 that says when to come back, for whoever needs it; alive and ready all the same.
async fn is_away(rig: &Rig) {
    let report = about("ISSUE_APPROVED", 1, json!({"title": "while it is away"}));
    let refused = rig.post(&report).await;
    assert!(
        ["store_unavailable", "outcome_unknown", "busy"].contains(&refused.json()["code"].as_str().unwrap()),
        "{refused:?}"
    );
    let code = refused.json()["code"].as_str().unwrap().to_owned();
    refused.refused(503, &code);
    rig.get("/api/issues").await.refused(503, "store_unavailable");
    rig.get("/api/events").await.refused(503, "store_unavailable");
    for path in ["/health", "/healthz/live", "/healthz/ready", "/healthz/actors"] {
        rig.read(path).await;
    }
    let deep = rig.get("/healthz/deep").await;
    let body = deep.json();
    assert_ne!(body["overall"], "Ok", "{body}");
    let unreachable = body["overall"] == "Unreachable";
    assert_eq!(deep.status, if unreachable { 503 } else { 200 }, "{body}");
    assert!(body["dependencies"][0]["reason"].is_string(), "{body}");
}

/// After it: everybody recovers without help.
async fn is_back(rig: &Rig) {
    rig.eventually("/healthz/deep", "the store to be well again", |deep| deep["overall"] == "Ok").await;
    rig.eventually("/healthz/actors", "every actor to be well again", |board| board["healthy"] == true).await;
    rig.eventually("/api/issues", "the issues to be read again", |rows| rows.is_array()).await;
}
