//! What is read back: issues with filters and pages, streams, the log, agents, the queue.

use serde_json::{Value, json};

use crate::rig::{Reply, Rig, about};

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["streamId"].as_str().unwrap()).collect()
}

fn next_page(reply: &Reply) -> Option<String> {
    let link = reply.headers.get("link")?.to_str().unwrap();
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

async fn approve_in(rig: &Rig, repo: &str, number: u64, more: Value) {
    let approval = json!({"type": "ISSUE_APPROVED", "repo": repo, "issueNumber": number, "title": "x"});
    rig.report(&crate::rig::merged(approval, more)).await;
}

async fn issues_are_filtered_and_in_order(rig: &mut Rig) {
    approve_in(rig, "acme/web", 10, json!({"priority": "high"})).await;
    approve_in(rig, "acme/web", 9, json!({"stack": "python"})).await;
    approve_in(rig, "acme/api", 2, json!({})).await;
    approve_in(rig, "Acme/Zoo", 1, json!({})).await;
    rig.report(&json!({"type": "ESCALATED", "repo": "acme/api", "issueNumber": 2, "reason": "odd"})).await;
    let assign =
        json!({"type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 10, "agentId": "dev-e-node/ab12c"});
    rig.report(&assign).await;
    for (query, expected) in [
        ("", vec!["acme/api#2", "acme/web#9", "acme/web#10", "Acme/Zoo#1"]),
        ("?state=queued", vec!["acme/web#9", "Acme/Zoo#1"]),
        ("?state=assigned", vec!["acme/web#10"]),
        ("?state=failed", vec!["acme/api#2"]),
        ("?state=escalated", vec!["acme/api#2"]),
        ("?state=assigned,queued", vec!["acme/web#9", "acme/web#10", "Acme/Zoo#1"]),
        ("?repo=ACME%2Fweb", vec!["acme/web#9", "acme/web#10"]),
        ("?agentId=dev-e-node", vec!["acme/web#10"]),
        ("?priority=high", vec!["acme/web#10"]),
        ("?priority=high&state=queued", vec![]),
    ] {
        assert_eq!(names(&rig.read(&format!("/api/issues{query}")).await), expected, "{query}");
    }
}

async fn pages_follow_each_other_by_an_opaque_cursor(rig: &mut Rig) {
    let count = 23;
    for number in 1..=count {
        rig.approve(number, json!({})).await;
    }
    let (mut seen, mut at) = (Vec::new(), Some("/api/issues?limit=5".to_owned()));
    while let Some(path) = at {
        let page = rig.get(&path).await;
        let rows = page.expect(200);
        assert!(rows.as_array().unwrap().len() <= 5);
        seen.extend(names(&rows).into_iter().map(str::to_owned));
        at = next_page(&page);
    }
    let all: Vec<String> = (1..=count).map(|number| format!("acme/web#{number}")).collect();
    assert_eq!(seen, all, "without gap or repeat");
    let whole = rig.get("/api/issues").await;
    assert_eq!((names(&whole.expect(200)).len(), next_page(&whole)), (23, None), "without a limit it is everything");
    rig.get("/api/issues?limit=5&cursor=made-up").await.refused(400, "malformed");
}

async fn a_stream_has_the_documented_shape(rig: &mut Rig) {
    rig.approve(42, json!({"body": "text"})).await;
    let handed = rig.claims("dev-e-node", 42).await;
    let events = rig.read("/api/events/stream?id=acme%2Fweb%2342").await;
    let events = events.as_array().unwrap();
    let mut fields: Vec<&str> = events[0].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["data", "id", "metadata", "position", "timestamp", "type", "version"]);
    assert_eq!((&events[0]["type"], &events[1]["type"]), (&json!("IssueApproved"), &json!("IssueAssigned")));
    assert_eq!((&events[0]["version"], &events[1]["version"]), (&json!(1), &json!(2)));
    assert_eq!((&events[0]["data"]["title"], &events[0]["data"]["body"]), (&json!("Issue 42"), &json!("text")));
    assert_eq!(events[1]["data"]["agentId"], "dev-e-node");
    let time = events[0]["timestamp"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "RFC 3339 in UTC with milliseconds: {time}");
    let id = events[0]["id"].as_str().unwrap();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUID of version 7: {id}");
    let token = handed["lease"]["token"].as_str().unwrap();
    for path in ["/api/events/stream?id=acme/web%2342", "/api/events", "/api/issues/acme/web/42", "/api/agents"] {
        assert!(!rig.get(path).await.text.contains(token), "{path} shows a lease's token");
    }
    for unknown in ["acme/web%2343", "nobody", "%23"] {
        assert_eq!(rig.read(&format!("/api/events/stream?id={unknown}")).await, json!([]), "{unknown}");
    }
}

async fn the_log_is_read_in_order_of_position_and_by_type(rig: &mut Rig) {
    for number in 1..=12 {
        rig.approve(number, json!({})).await;
        rig.report(&about("PRIORITY_CHANGED", number, json!({"priority": "high"}))).await;
    }
    let (mut seen, mut at) = (Vec::new(), Some("/api/events?limit=7".to_owned()));
    while let Some(path) = at {
        let page = rig.get(&path).await;
        seen.extend(page.expect(200).as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()));
        at = next_page(&page);
    }
    assert_eq!(seen, (1..=24).collect::<Vec<u64>>());
    for spelling in ["PriorityChanged", "PRIORITY_CHANGED"] {
        let events = rig.read(&format!("/api/events?type={spelling}")).await;
        assert_eq!(events.as_array().unwrap().len(), 12, "{spelling}");
        assert_eq!(events[0]["streamId"], "acme/web#1");
    }
}

async fn agents_are_an_array_with_their_instances_folded(rig: &mut Rig) {
    rig.approve(42, json!({})).await;
    rig.claims("dev-e-node", 42).await;
    for (instance, status) in [("ab12c", "working"), ("xy34z", "idle")] {
        let beat = json!({
            "type": "HEARTBEAT", "agentId": format!("dev-e-node/{instance}"), "status": status, "currentIssue": "#42",
            "currentRepo": "acme/web", "activeProvider": "codex", "availableProviders": ["codex", "claude"],
            "providers": [{"name": "codex", "status": "ok", "active": true}],
            "integrations": [{"name": "mcp", "status": "down", "details": "no route"}],
            "uptimeSeconds": 5, "memoryMB": 100, "degraded": true, "degradedReasons": ["codex_quota_exhausted_until_x"],
        });
        rig.report(&beat).await;
    }
    let quota =
        json!({"type": "AGENT_QUOTA_REPORTED", "agentId": "dev-e-node", "quotaFiveHourPct": 40, "quotaWeeklyPct": 7.5});
    rig.report(&quota).await;
    let has_both =
        |row: &Value| row["instances"].as_array().unwrap().iter().filter(|one| one["isOnline"] == true).count() == 2;
    // Heartbeats are written in batches, at most a second late.
    let row = rig.eventually("/api/agents/dev-e-node", "both instances online", has_both).await;
    for (name, value) in [
        ("id", json!("dev-e-node")),
        ("isOnline", json!(true)),
        ("currentIssue", json!(42)),
        ("currentRepo", json!("acme/web")),
        ("activeProvider", json!("codex")),
        ("availableProviders", json!(["codex", "claude"])),
        ("providers", json!([{"name": "codex", "status": "ok", "details": null, "active": true}])),
        ("integrations", json!([{"name": "mcp", "status": "down", "details": "no route"}])),
        ("quotaFiveHourPct", json!(40.0)),
        ("quotaWeeklyPct", json!(7.5)),
        ("degraded", json!(true)),
        ("degradedReasons", json!(["codex_quota_exhausted_until_x"])),
        ("paused", json!(false)),
        ("capacity", json!(1)),
    ] {
        assert_eq!(row[name], value, "{name} in {row}");
    }
    assert!(row["lastHeartbeat"].is_string());
    assert_eq!(row["assignments"][0]["streamId"], "acme/web#42");
    let ids: Vec<&Value> = row["instances"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["dev-e-node/ab12c", "dev-e-node/xy34z"]);
    let rows = rig.read("/api/agents").await;
    let all: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(all.iter().filter(|id| id.starts_with("dev-e-node")).count(), 1, "{all:?}");
    assert!(all.contains(&"review-e") && all.iter().all(|id| !id.contains('#') && !id.contains('/')), "{all:?}");
    assert_eq!(rows.as_array().unwrap().iter().find(|row| row["id"] == "dev-e-node"), Some(&row));
}

async fn the_queue_is_in_the_order_of_hand_out(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.approve(2, json!({"priority": "high"})).await;
    rig.approve(3, json!({"priority": "critical", "dependsOn": [1]})).await;
    rig.approve(4, json!({"priority": "critical"})).await;
    let queue = rig.read("/api/queue").await;
    let order: Vec<&Value> = queue.as_array().unwrap().iter().map(|row| &row["issueNumber"]).collect();
    assert_eq!(order, [3, 4, 2, 1], "{queue}");
    let blocked = queue.as_array().unwrap().iter().find(|row| row["issueNumber"] == 3).unwrap();
    assert_eq!((&blocked["blockedBy"], &blocked["title"]), (&json!(["acme/web#1"]), &json!("Issue 3")));
    for (agent, number) in [("dev-e-node", 4), ("dev-e-python", 2), ("dev-e-dotnet", 1)] {
        rig.claims(agent, number).await;
    }
    let left = rig.read("/api/queue").await;
    assert_eq!(left.as_array().unwrap().len(), 1, "what is held waits no more: {left}");
    rig.report(&about("ISSUE_DONE", 1, json!({}))).await;
    rig.claims("dev-e-dotnet", 3).await;
    assert_eq!(rig.read("/api/queue").await, json!([]));
}

async fn health_says_what_the_store_is(rig: &mut Rig) {
    for path in ["/health", "/healthz/live", "/healthz/ready"] {
        rig.read(path).await;
    }
    let deep = rig.read("/healthz/deep").await;
    assert_eq!((&deep["overall"], &deep["dependencies"][0]["critical"]), (&json!("Ok"), &json!(true)), "{deep}");
    let name = deep["dependencies"][0]["name"].as_str().unwrap();
    assert!(["sqlite", "postgres"].contains(&name), "{deep}");
    let passes = rig.read("/healthz/actors").await;
    let names: Vec<&str> =
        passes["actors"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for pass in ["internal-lane", "inbox", "follow-log", "upkeep"] {
        assert!(names.contains(&pass), "{names:?}");
    }
}

on_both_stores! {
    alone {
        issues_are_filtered_and_in_order,
        pages_follow_each_other_by_an_opaque_cursor,
        a_stream_has_the_documented_shape,
        the_log_is_read_in_order_of_position_and_by_type,
        agents_are_an_array_with_their_instances_folded,
        the_queue_is_in_the_order_of_hand_out,
        health_says_what_the_store_is,
    }
}
