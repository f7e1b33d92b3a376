//! Who is there: instances folded, silence on record once, and the row exactly as its client reads it.

use serde_json::{Value, json};

use crate::rig::Rig;

fn beat(agent: &str, status: &str) -> Value {
    json!({"type": "HEARTBEAT", "agentId": agent, "status": status, "activeProvider": "codex", "availableProviders": ["codex"],
           "providers": [{"Name": "codex", "Status": "ok", "Active": true}],
           "integrations": [{"name": "github", "status": "ok", "details": null}]})
}

async fn kinds(rig: &Rig) -> Vec<String> {
    let events = rig.read("/api/events/stream?id=dev-e-node").await;
    events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// Gone once, back with the next word, whatever that says.
async fn whoever_falls_silent_is_offline_once_and_comes_back(rig: &mut Rig) {
    rig.report(&beat("dev-e-node/ab12c", "idle")).await;
    assert_eq!(kinds(rig).await, ["AgentOnline", "Heartbeat"]);
    let offline = |events: &Value| events.as_array().unwrap().iter().any(|event| event["type"] == "AgentOffline");
    let path = "/api/events/stream?id=dev-e-node";
    let events = rig.eventually(path, "the silent one to be offline", offline).await;
    let said = &events[2];
    assert!(said["data"]["lastHeartbeat"].is_string(), "{said}");
    assert_eq!(
        (&said["metadata"]["actor"], &said["metadata"]["rule"]["name"]),
        (&json!("daemon:silence"), &json!("silence"))
    );
    let row = rig.read("/api/agents/dev-e-node").await;
    assert_eq!((&row["isOnline"], &row["status"]), (&json!(false), &json!("offline")));
    rig.report(&beat("dev-e-node/ab12c", "idle")).await;
    assert_eq!(kinds(rig).await, ["AgentOnline", "Heartbeat", "AgentOffline", "AgentOnline"]);
    assert_eq!(rig.read("/api/agents/dev-e-node").await["isOnline"], true);
}

async fn an_agent_is_one_row_with_its_instances_and_what_they_hold(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node/ab12c").await;
    for instance in ["dev-e-node/ab12c", "dev-e-node/zz99z"] {
        rig.report(&beat(instance, "working")).await;
    }
    rig.report(&json!({"type": "AGENT_QUOTA_REPORTED", "agentId": "dev-e-node", "quotaFiveHourPct": 40, "quotaWeeklyPct": 12.5})).await;
    let degraded = json!({"type": "HEARTBEAT", "agentId": "dev-e-node/zz99z", "degraded": true,
                          "degradedReasons": ["codex_quota_exhausted_until_2026-11-21T12:00:00Z"]});
    rig.report(&degraded).await;
    let rows = rig.read("/api/agents").await;
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().all(|row| !row["id"].as_str().unwrap().contains(['#', '/'])), "{rows:?}");
    let mine: Vec<&Value> = rows.iter().filter(|row| row["id"] == "dev-e-node").collect();
    assert_eq!(mine.len(), 1);
    let row = mine[0];
    let instances: Vec<&Value> = row["instances"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(instances, ["dev-e-node/ab12c", "dev-e-node/zz99z"]);
    assert_eq!((&row["quotaFiveHourPct"], &row["quotaWeeklyPct"]), (&json!(40.0), &json!(12.5)));
    assert_eq!((&row["degraded"], &row["capacity"], &row["paused"]), (&json!(true), &json!(1), &json!(false)));
    assert_eq!(row["assignments"][0]["streamId"], "acme/web#1");
    assert_eq!(
        (&row["currentIssue"], &row["currentRepo"]),
        (&json!(1), &json!("acme/web")),
        "a heartbeat takes no work away"
    );
    assert_eq!(rig.row(1).await["state"], "in_progress");
}

on_both_stores! {
    with_short_silence { whoever_falls_silent_is_offline_once_and_comes_back }
    alone { an_agent_is_one_row_with_its_instances_and_what_they_hold }
}
