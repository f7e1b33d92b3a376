//! Agents that wake up late.

use serde_json::json;

use super::{github, label, pull, pull_row, pull_shows};
use crate::rig::{Rig, about, created, head};

/// A paused agent woke after its lease, reported and pushed elsewhere. Here its reports are refused, and its pull request is
/// superseded: not dispatched, not merged.
async fn museum_an_agent_that_wakes_after_its_lease_moves_nothing(rig: &mut Rig) {
    label(rig, 1).await;
    let slept = rig.claims("dev-e-node", 1).await;
    rig.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-node"}))).await;
    rig.report(&about("ISSUE_UNASSIGNED", 1, json!({"agentId": "dev-e-node", "reason": "not heard from"}))).await;
    rig.post(&about("ISSUE_ASSIGNED", 1, json!({"agentId": "dev-e-python"}))).await.expect(200);
    let holder = rig.claims("dev-e-python", 1).await;
    assert_ne!((&holder["lease"]["token"], &holder["branchHint"]), (&slept["lease"]["token"], &slept["branchHint"]));

    for token in [json!(null), slept["lease"]["token"].clone()] {
        let mine = json!({"agentId": "dev-e-node", "leaseToken": token, "branch": "b", "reason": "r"});
        for kind in ["WORK_STARTED", "BRANCH_CREATED", "AGENT_STUCK"] {
            let reply = rig.post(&about(kind, 1, mine.clone())).await;
            reply.refused(409, "stale_lease");
            assert_eq!(reply.json()["holder"], "dev-e-python");
        }
        let mine = crate::rig::merged(created("dev-e-node", 57, &head(57, 1)), mine);
        rig.post(&about("PR_CREATED", 1, mine)).await.refused(409, "stale_lease");
    }
    let late = slept["branchHint"].as_str().unwrap();
    github(rig, "pull_request", &pull("opened", 57, 1, late, &head(57, 1), 10).deliver().body).await;
    pull_shows(rig, 57, "the zombie's pull request superseded", |row| row["state"] == "superseded").await;
    let row = rig.row(1).await;
    assert_eq!(
        (&row["state"], &row["agentId"], &row["prNumber"]),
        (&json!("assigned"), &json!("dev-e-python"), &json!(null))
    );

    let branch = holder["branchHint"].as_str().unwrap();
    github(rig, "pull_request", &pull("opened", 58, 1, branch, &head(58, 1), 20).deliver().body).await;
    assert_eq!(rig.reaches(1, "in_review").await["prNumber"], 58);
    // A late push to its own branch changes nothing either.
    github(rig, "pull_request", &pull("synchronize", 57, 1, late, &head(57, 2), 30).deliver().body).await;
    pull_shows(rig, 57, "the zombie's new head", |row| row["headSha"] == head(57, 2)).await;
    assert_eq!(pull_row(rig, 57).await["state"], "superseded");
    let row = rig.row(1).await;
    assert_eq!((&row["prNumber"], &row["headSha"]), (&json!(58), &json!(head(58, 1))));
}

on_both_stores! { with_github { museum_an_agent_that_wakes_after_its_lease_moves_nothing } }
