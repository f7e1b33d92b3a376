//! May this be merged? The gate says, and nobody else.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about};

fn merge() -> Value {
    json!({"repo": REPO, "prNumber": 51, "text": "I approve, approved, APPROVE!"})
}

/// Elsewhere any text with "approve" in it triggered a merge.
async fn museum_a_callers_word_merges_nothing_and_the_gate_decides(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 51).await;
    let waits = async |rig: &Rig| {
        let refused = rig.post_to("/api/merge", &merge()).await;
        refused.refused(409, "github_not_connected");
        assert_eq!(refused.json()["merged"], false);
        refused.json()["waitingFor"].clone()
    };
    assert_eq!(waits(rig).await, json!(["review", "ci:none", "github_connection"]));
    // What the row says is on record, by the same gate.
    let row = format!("/api/issues/{REPO}/51");
    let says = |list: Value| move |row: &Value| row["waitingFor"] == list;
    rig.eventually(&row, "the gate to be on record", says(json!(["review", "ci:none"]))).await;
    let green = about("CI_PASSED", 1, json!({"prNumber": 51, "agentId": null}));
    rig.report(&green).await;
    rig.eventually(&row, "the gate to follow", says(json!(["review"]))).await;
    rig.overrule(&json!({"kind": "pause", "target": "rig", "reason": "release day"})).await.expect(200);
    rig.eventually(&row, "a pause to shut the gate", says(json!(["paused", "review"]))).await;
    assert_eq!(waits(rig).await, json!(["paused", "review", "github_connection"]));
    rig.overrule(&json!({"kind": "resume", "target": "rig", "reason": "it is out"})).await.expect(200);
    rig.eventually(&row, "its end to open it", says(json!(["review"]))).await;
    let merged = about("MERGED", 1, json!({"prNumber": 51, "mergeSha": "c0ffee01"}));
    rig.report(&merged).await;
    assert_eq!(rig.post_to("/api/merge", &merge()).await.expect(200), json!({"merged": true, "sha": "c0ffee01"}));
}

/// A change that waits for the same all the time is told of, once, with what would meet it; then a person takes it over, and a new
/// life begins the clock anew. A restart in between changes nothing.
async fn a_merge_that_waits_too_long_is_told_of_and_then_a_persons(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 51).await;
    let stream = "/api/events/stream?id=acme/web%2351";
    let said =
        |kind: &'static str| move |events: &Value| events.as_array().unwrap().iter().any(|event| event["type"] == kind);
    let events = rig.eventually(stream, "a reminder", said("MergeGateReminder")).await;
    let reminder = events.as_array().unwrap().iter().find(|event| event["type"] == "MergeGateReminder").unwrap();
    assert_eq!(reminder["data"]["waitingFor"], json!(["review", "ci:none"]));
    let needs = reminder["data"]["needs"].as_array().unwrap();
    assert!(needs[0].as_str().unwrap().contains("and did not produce it"), "{reminder}");
    rig.daemon.kill9();
    rig.daemon.restart().await;
    rig.reaches(1, "escalated").await;
    assert_eq!(rig.types(51).await.iter().filter(|kind| *kind == "MergeGateReminder").count(), 1);
    let told = rig.read("/api/explain?id=acme/web%231").await;
    assert!(told.to_string().contains("merge_blocked"), "{told}");
    let requeue = json!({"kind": "requeue", "target": format!("{REPO}#1"), "reason": "I looked at it"});
    rig.overrule(&requeue).await.expect(200);
    assert_eq!(rig.row(1).await["state"], "in_review");
}

on_both_stores! {
    with_short_merge_patience { a_merge_that_waits_too_long_is_told_of_and_then_a_persons }
    alone { museum_a_callers_word_merges_nothing_and_the_gate_decides }
}
