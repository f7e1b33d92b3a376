//! A repository that was renamed at GitHub is one thing, by its old name and by its new one.

use serde_json::{Value, json};

use crate::museum::{github, label};
use crate::rig::{Rig, merged};

fn spent(repo: &str, cost: f64) -> Value {
    json!({"type": "TOKEN_USAGE", "agentId": "dev-e-node", "repo": repo, "issueNumber": 1, "model": "m", "inputTokens": 1,
           "outputTokens": 1, "costUsd": cost})
}

async fn a_renamed_repository_is_one_by_either_name(rig: &mut Rig) {
    label(rig, 1).await;
    rig.report(&spent("acme/web", 0.1)).await;
    let renamed = json!({
        "action": "renamed", "repository": {"full_name": "acme/site", "id": 1}, "sender": {"login": "ada"},
        "changes": {"repository": {"name": {"from": "web"}}},
    });
    github(rig, "repository", &renamed).await;
    rig.eventually("/api/explain?id=acme/site%231", "the new name to be known", |told| told["state"] == "queued").await;
    rig.report(&spent("Acme/Site", 0.2)).await;
    let handed = rig.claims("dev-e-node", 1).await;
    let started = json!({"type": "WORK_STARTED", "agentId": "dev-e-node", "repo": "acme/site", "issueNumber": 1});
    let answer = rig.report(&merged(started, json!({"leaseToken": handed["lease"]["token"]}))).await;
    assert_eq!(answer["streamId"], "acme/web#1", "its first name");
    let run = json!({"repo": "acme/site", "issueNumber": 1, "agentId": "dev-e-node", "status": "running"});
    rig.post_to("/api/execution-logs", &run).await.expect(201);
    let line = json!({"level": "info", "message": "x", "repo": "acme/site", "issueNumber": 1});
    rig.post_to("/api/agent-logs", &json!({"agentId": "dev-e-node", "entries": [line]})).await.expect(200);
    let note = json!({"repo": "acme/site", "key": "k", "value": "v", "agentId": "dev-e-node"});
    rig.post_to("/api/repo-learnings", &note).await.expect(200);

    // Two sums over the same days never differ, whatever the repository was called on them.
    let issues = rig.read("/api/costs/issue").await;
    assert_eq!(
        (issues["issues"].as_array().unwrap().len(), &issues["issues"][0]["costMicroUsd"]),
        (1, &json!(300_000))
    );
    assert_eq!(rig.read("/api/usage").await["byRepo"].as_array().unwrap().len(), 1);
    let row = rig.row(1).await;
    assert_eq!(
        (&row["state"], &row["cost"]["total"]["costMicroUsd"]),
        (&json!("in_progress"), &json!(300_000)),
        "{row}"
    );
    for path in [
        "/api/issues/{repo}/1",
        "/api/issues?repo={repo}",
        "/api/execution-logs?repo={repo}",
        "/api/agent-logs?repo={repo}",
        "/api/repo-learnings?repo={repo}",
        "/api/events/stream?id={repo}%231",
    ] {
        let of = async |repo: &str| rig.read(&path.replace("{repo}", repo)).await;
        let (old, new) = (of("acme/web").await, of("acme/site").await);
        assert_eq!(old, new, "{path}");
        assert_ne!(new, json!([]), "{path}");
    }
    let release = json!({"kind": "release", "target": "acme/site#1", "reason": "it sleeps"});
    rig.overrule(&release).await.expect(200);
    rig.daemon.kill9();
    rig.daemon.restart().await;
    assert_eq!(rig.read("/api/issues/acme/site/1").await["state"], "queued", "nobody forgets it");
}

on_both_stores! { with_github { a_renamed_repository_is_one_by_either_name } }
