//! Agents' lines, what they have learned, and what they say of their memory.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig};

async fn lines_and_notes_survive_a_restart(rig: &mut Rig) {
    let line = |message: &str| json!({"ts": "2026-11-21T09:30:00Z", "agentId": "dev-e-node", "level": "progress", "message": message});
    let lines = json!({"agentId": "dev-e-node/pod", "entries": [line("one"), line("two")]});
    assert_eq!(rig.post_to("/api/agent-logs", &lines).await.expect(200), json!({"kept": 2}));
    for value in ["npm test", "npm run test"] {
        let note = json!({"repo": REPO, "key": "test", "value": value, "agentId": "dev-e-node"});
        rig.post_to("/api/repo-learnings", &note).await.expect(200);
    }
    rig.daemon.kill9();
    rig.daemon.restart().await;
    let found = rig.read("/api/agent-logs?agentId=dev-e-node&level=progress").await;
    let messages: Vec<&Value> = found.as_array().unwrap().iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["two", "one"]);
    let notes = rig.read(&format!("/api/repo-learnings?repo={REPO}")).await;
    assert_eq!((notes.as_array().unwrap().len(), &notes[0]["value"]), (1, &json!("npm run test")));
}

/// Telemetry is taken, kept as it came, and moves no issue.
async fn what_agents_say_of_their_memory_is_on_record(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    let before = rig.row(1).await["version"].clone();
    let memory = [
        json!({"type": "MEMORY_WRITE", "agentId": "dev-e-node", "scope": "repo", "kind": "decision", "memoryId": "m1", "tokens": 40, "repo": REPO}),
        json!({"type": "MEMORY_READ", "agentId": "dev-e-node/pod", "query": "how to log in", "hits": 3, "tokensLoaded": 120}),
        json!({"type": "MEMORY_HIT_USED", "agentId": "dev-e-node", "memoryId": "m1", "usedInOutput": true}),
    ];
    for event in &memory {
        assert_eq!(rig.report(event).await["streamId"], "dev-e-node");
    }
    let events = rig.read("/api/events?type=MemoryWrite,MemoryRead,MemoryHitUsed").await;
    let kinds: Vec<&Value> = events.as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["MemoryWrite", "MemoryRead", "MemoryHitUsed"]);
    assert_eq!((&events[0]["data"]["memoryId"], &events[1]["data"]["tokensLoaded"]), (&json!("m1"), &json!(120)));
    assert_eq!(rig.row(1).await["version"], before);
    let sums = json!({"writes": 1, "tokensWritten": 40, "reads": 1, "hits": 3, "tokensLoaded": 120, "hitsUsed": 1});
    assert_eq!(rig.read("/api/usage").await["memory"], sums);
    rig.daemon.kill9();
    rig.daemon.restart().await;
    assert_eq!(rig.read("/api/usage?days=2").await["memory"], sums);
}

on_both_stores! {
    alone {
        lines_and_notes_survive_a_restart,
        what_agents_say_of_their_memory_is_on_record,
    }
}
