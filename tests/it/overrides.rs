//! What a person overrules: it holds at once, survives restarts, and breaks nothing that must always hold.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::rig::{PATIENCE, Rig, about, created, head};

fn override_of(kind: &str, target: &str) -> Value {
    json!({"kind": kind, "target": target, "reason": "a person says so"})
}

fn assign(agent: &str) -> Value {
    json!({"kind": "assign", "target": "acme/web#1", "agentId": agent, "reason": "a person says so"})
}

/// A paused rig hands nothing out, and whoever works goes on; a restart doesn't forget it.
async fn a_pause_keeps_what_runs_and_hands_nothing_out_until_it_is_resumed(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.approve(2, json!({})).await;
    for (target, scope) in [("rig", "rig"), ("acme/web", "repo"), ("acme/web#2", "issue")] {
        rig.overrule(&override_of("pause", target)).await.expect(200);
        assert_eq!(rig.next("dev-e-python").await, None, "{target}");
        assert_eq!(rig.read("/api/queue").await[0]["pausedBy"], json!([scope]));
        assert_eq!(
            rig.post(&about("ISSUE_ASSIGNED", 2, json!({"agentId": "dev-e-python"}))).await.expect(422)["rule"],
            "paused"
        );
        rig.daemon.kill9();
        rig.daemon.restart().await;
        assert_eq!(rig.next("dev-e-python").await, None, "{target}, after a restart");
        rig.report(&about("BRANCH_CREATED", 1, json!({"agentId": "dev-e-node", "branch": format!("b/{scope}")}))).await;
        rig.overrule(&override_of("resume", target)).await.expect(200);
    }
    rig.overrule(&override_of("pause", "agent:dev-e-python")).await.expect(200);
    assert_eq!(rig.next("dev-e-python").await, None);
    assert_eq!(rig.read("/api/agents/dev-e-python").await["paused"], true);
    rig.claims("dev-e-dotnet", 2).await;
}

/// Assignments and claims of many at once: one live lease at any time, and the first holder's reports are refused.
async fn overrides_and_claims_that_race_never_give_two_live_leases(rig: &mut Rig) {
    let rig = &*rig;
    let handed = rig.in_progress(1, "dev-e-node").await;
    for _ in 0..5 {
        let agents = ["dev-e-python", "dev-e-dotnet", "ibuild-e", "dev-e-python"];
        let assignments = join_all(agents.map(|agent| async move { rig.overrule(&assign(agent)).await.status }));
        let claims = join_all(agents.map(|agent| rig.next(agent)));
        let releases =
            join_all((0..2).map(|_| async { rig.overrule(&override_of("release", "acme/web#1")).await.status }));
        let (assigned, _, released) = tokio::join!(assignments, claims, releases);
        let well = |status: &u16| matches!(status, 200 | 409 | 422);
        assert!(assigned.iter().chain(&released).all(well), "{assigned:?} {released:?}");
    }
    let row = rig.row(1).await;
    let given = rig.types(1).await.iter().filter(|kind| *kind == "IssueAssigned").count();
    assert_eq!(row["epoch"], given, "each lease had an epoch of its own");
    let late = about(
        "BRANCH_CREATED",
        1,
        json!({"agentId": "dev-e-node", "leaseToken": handed["lease"]["token"], "branch": "b"}),
    );
    rig.post(&late).await.refused(409, "stale_lease");
}

/// Two strikes, then a human: who says why, in their own name, and the work goes on with nothing held against anybody.
async fn a_person_takes_an_escalated_issue_up_again(rig: &mut Rig) {
    for agent in ["dev-e-node", "dev-e-python"] {
        if agent == "dev-e-node" {
            rig.approve(1, json!({})).await;
        }
        rig.claims(agent, 1).await;
        rig.report(&about("AGENT_STUCK", 1, json!({"agentId": agent, "reason": "no idea"}))).await;
    }
    assert_eq!(rig.row(1).await["state"], "escalated");
    let answer = rig.overrule(&override_of("requeue", "acme/web#1")).await.expect(200);
    assert_eq!(rig.overrule(&override_of("requeue", "acme/web#1")).await.expect(200)["duplicate"], true);
    let events = rig.stream(1).await;
    let recorded = events.iter().find(|event| event["position"] == answer["position"]).unwrap();
    assert_eq!(
        (&recorded["data"]["reason"], &recorded["metadata"]["actor"]),
        (&json!("a person says so"), &json!("operator:local"))
    );
    assert_eq!(rig.claims("dev-e-node", 1).await["attempt"], 3);
}

/// An override makes nobody a reviewer of its own work: whoever held a lease, however it got or lost it, approves nothing.
async fn no_override_gets_around_the_separation_of_duties(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.overrule(&assign("dev-e-python")).await.expect(200);
    rig.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-python"}))).await;
    rig.overrule(&override_of("requeue", "acme/web#1")).await.expect(200);
    let verdict = |by: &str| about("REVIEW_PASSED", 1, json!({"agentId": by, "prNumber": 57, "headSha": head(57, 1)}));
    for by in ["dev-e-node", "dev-e-python"] {
        rig.post(&verdict(by)).await.refused(403, "forbidden");
    }
    // The one who overrules is no reviewer either: an operator's word is no verdict, and there is no such override.
    let mut by_operator = verdict("local");
    by_operator.as_object_mut().unwrap().remove("agentId");
    assert!([400, 403].contains(&rig.post(&by_operator).await.status));
    for kind in ["review-vote", "merge", "approve"] {
        rig.overrule(&override_of(kind, "acme/web#57")).await.refused(400, "malformed");
    }
    rig.is_asked("review-e", 57).await;
    assert_eq!(rig.row(1).await["state"], "in_review");
    rig.report(&verdict("review-e")).await;
    rig.reaches(1, "ready_to_merge").await;
}

/// An assignment on a pull request under review is rework of it, until there is a new head.
async fn an_assignment_on_a_pull_request_is_rework_of_it(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.overrule(&assign("dev-e-python")).await.expect(200);
    let handed = rig.next("dev-e-python").await.unwrap();
    assert_eq!((&handed["kind"], &handed["prNumber"]), (&json!("rework"), &json!(57)));
    assert_eq!(rig.row(1).await["state"], "changes_requested");
    rig.report(&about("PR_CREATED", 1, created("dev-e-python", 57, &head(57, 2)))).await;
    rig.reaches(1, "in_review").await;
    assert!(rig.daemon.sigterm(PATIENCE).await.success());
    rig.daemon.restart().await;
    assert_eq!(rig.row(1).await["state"], "in_review");
}

on_both_stores! {
    reviewing { no_override_gets_around_the_separation_of_duties }
    alone {
        a_pause_keeps_what_runs_and_hands_nothing_out_until_it_is_resumed,
        overrides_and_claims_that_race_never_give_two_live_leases,
        a_person_takes_an_escalated_issue_up_again,
        an_assignment_on_a_pull_request_is_rework_of_it,
    }
}
