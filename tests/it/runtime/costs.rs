//! What was spent: whatever is asked, whenever, the sums over the same days agree.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about, created, head};

fn usage(agent: &str, number: u64, cost: f64) -> Value {
    json!({"type": "TOKEN_USAGE", "agentId": agent, "repo": REPO, "issueNumber": number, "model": "large-3",
           "inputTokens": 1_000, "outputTokens": 100, "costUsd": cost, "category": "work"})
}

const SUMS: [&str; 5] =
    ["/api/usage", "/api/costs/summary", "/api/costs/daily", "/api/costs/issue", "/public/cost-summary"];

async fn totals(rig: &Rig, days: &str) -> Vec<u64> {
    let mut totals = Vec::new();
    for path in SUMS {
        totals.push(rig.read(&format!("{path}{days}")).await["total"]["costMicroUsd"].as_u64().unwrap());
    }
    totals
}

/// Tenths of a dollar are no whole number of anything in binary; sums of them are, here, also after a crash in between.
async fn all_sums_agree_and_survive_a_crash(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    for _ in 0..10 {
        rig.report(&usage("dev-e-node/pod", 1, 0.1)).await;
        rig.report(&usage("dev-e-python", 2, 0.000_001)).await;
    }
    assert_eq!(totals(rig, "").await, [1_000_010; 5]);
    rig.daemon.kill9();
    rig.daemon.restart().await;
    rig.post_keyed(&usage("dev-e-node", 1, 0.2), "once").await.expect(200);
    rig.post_keyed(&usage("dev-e-node", 1, 0.2), "once").await.expect(200);
    for days in ["", "?days=1", "?days=30"] {
        assert_eq!(totals(rig, days).await, [1_200_010; 5], "{days}");
    }
    assert_eq!(rig.read("/api/usage").await["byRepo"][0]["costUsd"], 1.200_01);
}

/// The runs and the money of its review belong to it too.
async fn an_issue_is_shown_with_its_runs_and_its_cost(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    rig.report(&usage("dev-e-node", 1, 0.5)).await;
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 51, &head(51, 1)))).await;
    rig.reaches(1, "in_review").await;
    rig.pull_is_known(51, 1).await;
    for (agent, number) in [("dev-e-node", 1), ("review-e", 51)] {
        let run = json!({"repo": REPO, "issueNumber": number, "agentId": agent, "status": "running"});
        rig.post_to("/api/execution-logs", &run).await.expect(201);
    }
    rig.report(&usage("review-e", 51, 0.25)).await;
    let row = rig.row(1).await;
    assert_eq!(row["cost"]["total"]["costMicroUsd"], 750_000);
    assert_eq!(row["cost"]["byAgent"][1]["agentId"], "review-e");
    let agents: Vec<&Value> = row["executionLogs"].as_array().unwrap().iter().map(|run| &run["agentId"]).collect();
    assert_eq!(agents, ["review-e", "dev-e-node"]);
    let pull = rig.read(&format!("/api/issues/{REPO}/51")).await;
    assert_eq!((&pull["cost"]["total"]["costUsd"], pull["executionLogs"].as_array().unwrap().len()), (&json!(0.25), 1));
}

on_both_stores! {
    alone {
        all_sums_agree_and_survive_a_crash,
        an_issue_is_shown_with_its_runs_and_its_cost,
    }
}
