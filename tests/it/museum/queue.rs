//! What is handed out, and what never is.

use serde_json::json;

use crate::rig::{Rig, about};

/// A dependency never unblocked its dependants elsewhere. Here done frees them at once, and whatever isn't done, an unknown
/// issue too, keeps the gate shut.
async fn museum_a_dependency_frees_its_dependants_when_done_and_not_before(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.approve(2, json!({"dependsOn": [1]})).await;
    rig.approve(3, json!({"body": "Depends on: #2, acme/api#77"})).await;
    rig.claims("dev-e-node", 1).await;
    assert_eq!(rig.next("dev-e-python").await, None, "one waits for work under way, one for something unknown");
    let assign = about("ISSUE_ASSIGNED", 2, json!({"agentId": "dev-e-python"}));
    assert_eq!(rig.post(&assign).await.expect(422)["rule"], "dependency_open", "not by push either");
    rig.report(&about("ISSUE_CANCELLED", 1, json!({"reason": "odd"}))).await;
    assert_eq!(rig.next("dev-e-python").await, None, "cancelled is not done");
    rig.report(&about("ISSUE_REOPENED", 1, json!({}))).await;
    rig.report(&about("ESCALATED", 1, json!({"reason": "odd"}))).await;
    assert_eq!(rig.next("dev-e-python").await, None, "nor is escalated");
    rig.report(&about("ISSUE_DONE", 1, json!({}))).await;
    rig.claims("dev-e-python", 2).await;
    rig.report(&about("ISSUE_DONE", 2, json!({}))).await;
    assert_eq!(rig.next("dev-e-python").await, None);
    let api = json!({"type": "ISSUE_APPROVED", "repo": "acme/api", "issueNumber": 77, "title": "x"});
    rig.report(&api).await;
    rig.report(&json!({"type": "ISSUE_DONE", "repo": "acme/api", "issueNumber": 77})).await;
    rig.claims("dev-e-python", 3).await;
}

/// The same after a restart, when nobody remembers what was looked up: it fails closed, and opens when it may.
async fn museum_a_restart_neither_opens_nor_forgets_a_dependency(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.approve(2, json!({"dependsOn": [1]})).await;
    rig.approve(3, json!({"dependsOn": [4]})).await;
    rig.approve(4, json!({})).await;
    rig.report(&about("ISSUE_DONE", 1, json!({}))).await;
    rig.report(&about("ISSUE_CANCELLED", 4, json!({"reason": "odd"}))).await;
    rig.daemon.kill9();
    rig.daemon.restart().await;
    rig.claims("dev-e-node", 2).await;
    assert_eq!(rig.next("dev-e-python").await, None);
    assert_eq!(rig.read("/api/queue").await[0]["blockedBy"], json!(["acme/web#4"]));
}

/// A restart re-ran work on closed issues elsewhere. Here closed issues are never handed out, before and after one.
async fn museum_closed_issues_are_never_handed_out(rig: &mut Rig) {
    for number in 1..=3 {
        rig.approve(number, json!({})).await;
    }
    rig.report(&about("ISSUE_DONE", 1, json!({}))).await;
    rig.report(&about("ISSUE_CANCELLED", 2, json!({"reason": "not planned"}))).await;
    rig.report(&about("ESCALATED", 3, json!({"reason": "odd"}))).await;
    rig.approve(4, json!({})).await;
    rig.claims("dev-e-dotnet", 4).await;
    rig.report(&about("ISSUE_DONE", 4, json!({}))).await;
    for round in 0..2 {
        for agent in ["dev-e-node", "dev-e-python", "dev-e-dotnet"] {
            assert_eq!(rig.next(agent).await, None, "round {round}");
        }
        for number in 1..=4 {
            let assign = about("ISSUE_ASSIGNED", number, json!({"agentId": "dev-e-node"}));
            assert!(matches!(rig.post(&assign).await.status, 409 | 422), "round {round}");
        }
        assert!(rig.daemon.sigterm(crate::rig::PATIENCE).await.success());
        rig.daemon.restart().await;
    }
    // An agent that finished late moves nothing: the lease ended with the issue.
    rig.post(&about("WORK_STARTED", 4, json!({"agentId": "dev-e-dotnet"}))).await.refused(409, "stale_lease");
    assert_eq!(rig.row(4).await["state"], "done");
}

/// A dispatch function returned nothing, silently, elsewhere, and fresh issues were dropped for six hours. Here an agent that
/// gets nothing can see why: the queue names what keeps each issue back, and every refused claim its rule.
async fn museum_no_refusal_is_silent(rig: &mut Rig) {
    rig.approve(1, json!({"stack": "ios"})).await;
    rig.approve(2, json!({"dependsOn": [9]})).await;
    assert_eq!(rig.next("dev-e-node").await, None);
    for (number, agent, rule) in [(1, "dev-e-node", "no_fit"), (2, "dev-e-node", "dependency_open")] {
        let reply = rig.post(&about("ISSUE_ASSIGNED", number, json!({"agentId": agent}))).await;
        assert_eq!(reply.expect(422)["rule"], rule);
    }
    let queue = rig.read("/api/queue").await;
    let queue: Vec<_> = queue.as_array().unwrap().iter().map(|row| (&row["stack"], &row["blockedBy"])).collect();
    assert_eq!(queue, [(&json!("ios"), &json!([])), (&json!(null), &json!(["acme/web#9"]))]);
    rig.claims("ibuild-e", 1).await;
}

on_both_stores! {
    alone {
        museum_a_dependency_frees_its_dependants_when_done_and_not_before,
        museum_a_restart_neither_opens_nor_forgets_a_dependency,
        museum_closed_issues_are_never_handed_out,
        museum_no_refusal_is_silent,
    }
}
