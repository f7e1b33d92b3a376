//! What an operator holds: nothing of it is handed out, nothing of it is lost, and it goes on in its order.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about};

/// The rules that an issue waits for.
async fn waits(rig: &Rig, number: u64) -> Vec<String> {
    let told = rig.read(&format!("/api/explain?id=acme/web%23{number}")).await;
    told["waitsFor"].as_array().unwrap().iter().map(|wait| wait["rule"].as_str().unwrap().to_owned()).collect()
}

async fn turn(rig: &Rig, kind: &str, target: &str) {
    rig.overrule(&json!({"kind": kind, "target": target, "reason": "release day"})).await.expect(200);
}

/// Of the rig and of its repository: nobody who asks burns an attempt, whoever works goes on, and the most urgent is first
/// afterwards.
async fn a_pause_burns_no_attempt_and_the_queue_goes_on_in_its_order(rig: &mut Rig) {
    rig.in_progress(1, "ibuild-e").await;
    for (number, priority) in [(2, "normal"), (3, "critical"), (4, "high")] {
        rig.approve(number, json!({"priority": priority})).await;
    }
    let agents = ["dev-e-node", "dev-e-python", "dev-e-dotnet"];
    for target in ["rig", REPO] {
        turn(rig, "pause", target).await;
        for agent in agents {
            assert_eq!(rig.next(agent).await, None, "{target}");
        }
        for number in 2..=4 {
            let row = rig.row(number).await;
            assert_eq!((&row["state"], &row["attempt"], &row["epoch"]), (&json!("queued"), &json!(0), &json!(0)));
            assert!(waits(rig, number).await.contains(&"paused".to_owned()), "{target}");
        }
        rig.report(&about("BRANCH_CREATED", 1, json!({"agentId": "ibuild-e", "branch": format!("b/{target}")}))).await;
        assert_eq!(rig.row(1).await["state"], "in_progress");
        turn(rig, "resume", target).await;
    }
    for (agent, number) in agents.into_iter().zip([3, 4, 2]) {
        assert_eq!(rig.claims(agent, number).await["attempt"], 1);
    }
}

/// Of one issue, and of one agent: the others go on.
async fn a_paused_issue_is_passed_over_and_a_paused_agent_gets_nothing(rig: &mut Rig) {
    for (number, priority) in [(1, "critical"), (2, "normal")] {
        rig.approve(number, json!({"priority": priority})).await;
    }
    let issue = format!("{REPO}#1");
    turn(rig, "pause", &issue).await;
    assert!(waits(rig, 1).await.contains(&"paused".to_owned()));
    rig.claims("dev-e-node", 2).await;
    turn(rig, "resume", &issue).await;
    turn(rig, "pause", "agent:dev-e-python").await;
    assert_eq!(rig.next("dev-e-python").await, None);
    let told = rig.read("/api/explain?id=acme/web%231").await;
    let python = told["agents"].as_array().unwrap().iter().find(|agent| agent["agentId"] == "dev-e-python").unwrap();
    assert!(python.to_string().contains("\"paused\""), "{python}");
    assert_eq!(rig.row(1).await["attempt"], json!(0));
    turn(rig, "resume", "agent:dev-e-python").await;
    assert_eq!(rig.claims("dev-e-python", 1).await["attempt"], 1);
}

/// Of an agent at work: it keeps what it holds, and reports it; what it is handed next waits for the end of the pause.
async fn a_paused_agent_finishes_what_it_holds(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    turn(rig, "pause", "agent:dev-e-node").await;
    rig.daemon.kill9();
    rig.daemon.restart().await;
    rig.report(&about("PR_CREATED", 1, crate::rig::created("dev-e-node", 57, &crate::rig::head(57, 1)))).await;
    rig.reaches(1, "in_review").await;
    rig.approve(2, json!({})).await;
    assert_eq!(rig.next("dev-e-node").await, None);
    turn(rig, "resume", "agent:dev-e-node").await;
    let handed: Value = rig.claims("dev-e-node", 2).await;
    assert_eq!(handed["attempt"], 1);
}

on_both_stores! {
    alone {
        a_pause_burns_no_attempt_and_the_queue_goes_on_in_its_order,
        a_paused_issue_is_passed_over_and_a_paused_agent_gets_nothing,
        a_paused_agent_finishes_what_it_holds,
    }
}
