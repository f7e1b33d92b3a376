//! Runs: a runtime of the streams says nothing else between its assignment and its pull request.

use serde_json::{Value, json};

use crate::rig::{Rig, about, created, head};

fn run_of(agent: &str, number: u64) -> Value {
    json!({"repo": "acme/web", "issueNumber": number, "agentId": agent, "status": "running", "model": "large-3",
           "steps": [{"type": "clone", "status": "done", "detail": "acme/web"}]})
}

/// Claim, run, lines, stuck or pull request, "completed": what the runtime does, by its own log alone.
async fn a_runtime_that_only_logs_its_run_starts_its_work(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.claims("dev-e-node", 1).await;
    let id = rig.post_to("/api/execution-logs", &run_of("dev-e-node", 1)).await.expect(201)["id"].clone();
    assert_eq!(rig.row(1).await["state"], "in_progress");
    let at = format!("/api/execution-logs/{}", id.as_str().unwrap());
    for number in 0..3 {
        let lines: Vec<Value> =
            (0..400).map(|line| json!({"level": "info", "message": format!("{number}-{line}")})).collect();
        assert_eq!(rig.post_to(&format!("{at}/logs"), &json!(lines)).await.expect(200)["kept"], 400);
    }
    rig.post_to(&format!("{at}/steps"), &json!({"type": "test", "detail": "npm test"})).await.expect(200);
    rig.daemon.kill9();
    rig.daemon.restart().await;
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 51, &head(51, 1)))).await;
    rig.reaches(1, "in_review").await;
    rig.post_to(&format!("{at}/complete"), &json!({"status": "completed", "totalTurns": 3})).await.expect(200);

    let run = rig.read(&at).await;
    assert_eq!((&run["status"], &run["lineCount"], &run["stepCount"]), (&json!("completed"), &json!(1_200), &json!(2)));
    assert_eq!((run["logs"].as_array().unwrap().len(), &run["logs"][999]["message"]), (1_000, &json!("2-199")));
    let found = rig.read("/api/execution-logs?repo=acme/web&issueNumber=1").await;
    assert_eq!(found.as_array().unwrap().iter().map(|run| &run["id"]).collect::<Vec<_>>(), [&id]);
    assert_eq!(rig.row(1).await["state"], "in_review", "that a run has completed proves nothing and moves nothing");
}

/// Two pods under one name, of which one lost its lease: its run is kept, its start of work refused, on record.
async fn a_run_without_the_lease_is_kept_and_moves_nothing(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.post_to("/api/execution-logs", &run_of("dev-e-python", 1)).await.expect(201);
    assert_eq!(rig.types(1).await.last().map(String::as_str), Some("StaleLeaseRefused"));
    let row = rig.row(1).await;
    assert_eq!((&row["state"], &row["agentId"]), (&json!("in_progress"), &json!("dev-e-node")));
    // A review runs under the number of its pull request.
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 51, &head(51, 1)))).await;
    rig.reaches(1, "in_review").await;
    let before = rig.types(1).await;
    rig.post_to("/api/execution-logs", &run_of("review-e", 51)).await.expect(201);
    assert_eq!(rig.types(1).await, before);
    assert_eq!(rig.read("/api/execution-logs?repo=ACME/web&issueNumber=51").await[0]["agentId"], "review-e");
}

on_both_stores! {
    alone {
        a_runtime_that_only_logs_its_run_starts_its_work,
        a_run_without_the_lease_is_kept_and_moves_nothing,
    }
}
