//! Repositories that change their names: what is kept of one is found under each of them, and never mixed with another's.

use serde_json::{Value, json};

use crate::rig::{PATIENCE, Rig};

/// GitHub tells of an issue of the repository with that id, which is called so.
async fn labelled(rig: &Rig, (id, repo): (u64, &str), number: u64, title: &str) {
    let body = json!({
        "action": "labeled", "label": {"name": "agent-ready"}, "sender": {"login": "alice"},
        "repository": {"id": id, "full_name": repo},
        "issue": {
            "number": number, "title": title, "body": "", "html_url": format!("https://github.com/{repo}/issues/{number}"),
            "state": "open", "state_reason": null, "labels": [{"name": "agent-ready"}], "milestone": null,
            "updated_at": "2026-01-05T10:00:00Z",
        },
    });
    assert_eq!(rig.deliver("issues", &format!("{id}-{repo}-{number}"), &body).await.status, 202);
}

/// GitHub tells of a new name.
async fn renamed(rig: &Rig, id: u64, from: &str, to: &str) {
    let body = json!({
        "action": "renamed", "sender": {"login": "alice"}, "repository": {"id": id, "full_name": to},
        "changes": {"repository": {"name": {"from": from.rsplit_once('/').unwrap().1}}},
    });
    assert_eq!(rig.deliver("repository", &format!("{id}-{to}"), &body).await.status, 202);
}

/// Waits until the rig has said this; gives what it has said so far.
async fn rig_says(rig: &Rig, last: &str) -> Vec<String> {
    let types = |events: &Value| -> Vec<String> {
        events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    let says = |events: &Value| types(events).last().is_some_and(|said| said == last);
    types(&rig.eventually("/api/events/stream?id=rig", last, says).await)
}

async fn waits(rig: &Rig, stream: &str) -> Value {
    let found = |rows: &Value| rows.as_array().unwrap().iter().any(|row| row["streamId"] == stream);
    rig.eventually("/api/issues", stream, found).await
}

async fn every_endpoint_knows_a_repository_by_each_of_its_names(rig: &mut Rig) {
    labelled(rig, (11, "acme/web"), 1, "Mend the door").await;
    waits(rig, "acme/web#1").await;
    rig.claims("dev-e-node", 1).await;
    renamed(rig, 11, "acme/web", "acme/site").await;
    assert_eq!(rig_says(rig, "RepoRenamed").await, ["RepoIdentified", "RepoRenamed"]);

    let by_new_name = |kind: &str, more| {
        crate::rig::merged(json!({"type": kind, "repo": "acme/site", "issueNumber": 1, "agentId": "dev-e-node"}), more)
    };
    assert_eq!(rig.report(&by_new_name("WORK_STARTED", json!({}))).await["streamId"], "acme/web#1");
    rig.reaches(1, "in_progress").await;
    let depends = json!({"type": "ISSUE_APPROVED", "repo": "ACME/Site", "issueNumber": 2, "title": "x", "dependsOn": ["acme/site#1", 1]});
    assert_eq!(rig.report(&depends).await["streamId"], "acme/web#2");
    assert_eq!(rig.row(2).await["dependsOn"], json!(["acme/web#1", "acme/web#1"]));
    let spent = json!({"model": "m", "inputTokens": 1, "outputTokens": 1, "costUsd": 0.5, "category": "work"});
    rig.report(&by_new_name("TOKEN_USAGE", spent)).await;
    rig.report(&json!({"type": "HEARTBEAT", "agentId": "dev-e-node", "currentRepo": "acme/site", "currentIssue": 1}))
        .await;
    assert_eq!(rig.read("/api/agents/dev-e-node").await["currentRepo"], "acme/web");
    assert_eq!(rig.read("/api/costs/summary").await["byRepo"][0]["repo"], "acme/web");
    let run = json!({"repo": "acme/site", "issueNumber": 1, "agentId": "dev-e-node", "status": "running", "model": "m", "steps": []});
    rig.post_to("/api/execution-logs", &run).await.expect(201);
    let line = json!({"agentId": "dev-e-node", "entries": [{"level": "info", "message": "m", "repo": "acme/site", "issueNumber": 1}]});
    rig.post_to("/api/agent-logs", &line).await.expect(200);
    let note = json!({"repo": "acme/site", "key": "test", "value": "v", "agentId": "dev-e-node"});
    rig.post_to("/api/repo-learnings", &note).await.expect(200);
    let merge = json!({"repo": "acme/site", "prNumber": 1});
    rig.post_to("/api/merge", &merge).await.refused(400, "malformed");

    for restarted in [false, true] {
        if restarted {
            assert!(rig.daemon.sigterm(PATIENCE).await.success());
            rig.daemon.restart().await;
        }
        for name in ["acme/site", "ACME/SITE", "acme/web", "Acme/Web"] {
            let row = rig.read(&format!("/api/issues/{name}/1")).await;
            assert_eq!((&row["streamId"], &row["state"]), (&json!("acme/web#1"), &json!("in_progress")), "{name}");
            assert_eq!(row["executionLogs"].as_array().unwrap().len(), 1, "{name}");
            let many = async |path: &str| rig.read(path).await.as_array().unwrap().len();
            assert_eq!(many(&format!("/api/issues?repo={name}")).await, 2, "{name}");
            assert!(many(&format!("/api/events/stream?id={name}%231")).await > 2, "{name}");
            assert_eq!(many(&format!("/api/execution-logs?repo={name}&issueNumber=1")).await, 1, "{name}");
            assert_eq!(many(&format!("/api/agent-logs?repo={name}")).await, 1, "{name}");
            assert_eq!(many(&format!("/api/repo-learnings?repo={name}")).await, 1, "{name}");
            assert_eq!(many(&format!("/api/pulls?repo={name}")).await, 0, "{name}");
            assert_eq!(rig.get(&format!("/api/explain?id={name}%231")).await.status, 200, "{name}");
            for kind in ["pause", "resume"] {
                for target in [name.to_owned(), format!("{name}#1")] {
                    let overrule = json!({"kind": kind, "target": target, "reason": "a person says so"});
                    assert_eq!(rig.overrule(&overrule).await.status, 200, "{overrule}");
                }
            }
        }
    }
}

async fn a_rename_that_was_missed_makes_no_second_issue(rig: &mut Rig) {
    labelled(rig, (11, "acme/web"), 1, "Mend the door").await;
    waits(rig, "acme/web#1").await;
    rig.claims("dev-e-node", 1).await;
    labelled(rig, (11, "acme/third"), 1, "Mend the door").await;
    assert_eq!(rig_says(rig, "RepoRenamed").await, ["RepoIdentified", "RepoRenamed"]);
    labelled(rig, (11, "acme/third"), 2, "Paint it").await;
    let rows = waits(rig, "acme/web#2").await;
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(rig.row(1).await["state"], "assigned");
    assert_eq!(rig.read("/api/issues/acme/third/2").await["title"], "Paint it");
}

async fn another_repository_under_an_old_name_overwrites_nothing(rig: &mut Rig) {
    labelled(rig, (11, "acme/web"), 1, "Ours").await;
    waits(rig, "acme/web#1").await;
    renamed(rig, 11, "acme/web", "acme/site").await;
    rig_says(rig, "RepoRenamed").await;
    labelled(rig, (12, "acme/web"), 1, "Theirs").await;
    let said = rig_says(rig, "RepoRefused").await;
    assert_eq!(said, ["RepoIdentified", "RepoRenamed", "RepoRefused"]);
    let refused = rig.read("/api/events/stream?id=rig").await[2].clone();
    assert_eq!(refused["data"], json!({"repo": "acme/web", "repositoryId": 12, "keptFor": 11}));
    labelled(rig, (12, "acme/web"), 2, "Theirs").await;
    labelled(rig, (11, "acme/site"), 3, "Ours").await;
    let rows = waits(rig, "acme/web#3").await;
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(rig.row(1).await["title"], "Ours");
    // A person renames it, and it is taken up.
    renamed(rig, 12, "acme/web", "acme/web2").await;
    assert_eq!(rig_says(rig, "RepoIdentified").await.len(), 4);
    labelled(rig, (12, "acme/web2"), 1, "Theirs").await;
    waits(rig, "acme/web2#1").await;
    assert_eq!(rig.read("/api/issues/acme/web2/1").await["title"], "Theirs");
    assert_eq!(rig.row(1).await["title"], "Ours");
}

on_both_stores! {
    with_github {
        every_endpoint_knows_a_repository_by_each_of_its_names,
        a_rename_that_was_missed_makes_no_second_issue,
        another_repository_under_an_old_name_overwrites_nothing,
    }
}
