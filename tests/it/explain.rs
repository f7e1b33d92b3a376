//! Why something is where it is, asked of the whole daemon.

use serde_json::{Value, json};

use crate::rig::{Rig, about, created, head};

async fn told(rig: &Rig, id: &str) -> Value {
    rig.read(&format!("/api/explain?id={}", id.replace('#', "%23"))).await
}

fn waits(told: &Value) -> Vec<&str> {
    told["waitsFor"].as_array().unwrap().iter().map(|wait| wait["rule"].as_str().unwrap()).collect()
}

/// The rules that keep the issue from an agent.
fn reasons<'t>(told: &'t Value, agent: &str) -> Vec<&'t str> {
    let all = told["agents"].as_array().unwrap();
    let one = all.iter().find(|one| one["agentId"] == agent).unwrap_or_else(|| panic!("{agent} in {told}"));
    one["reasons"].as_array().unwrap().iter().map(|reason| reason["rule"].as_str().unwrap()).collect()
}

/// An explanation after each step of an issue's life: its state, and what it waits for.
async fn an_issue_is_explained_at_every_station_of_its_life(rig: &mut Rig) {
    let id = "acme/web#1";
    rig.approve(1, json!({"stack": "node"})).await;
    rig.report(&json!({"type": "HEARTBEAT", "agentId": "dev-e-node", "status": "idle"})).await;
    assert_eq!(waits(&told(rig, id).await), ["claim"]);
    rig.claims("dev-e-node", 1).await;
    assert_eq!(waits(&told(rig, id).await), ["holder", "lease"]);
    rig.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-node"}))).await;
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1)))).await;
    rig.reaches(1, "in_review").await;
    rig.pull_is_known(57, 1).await;
    assert_eq!(waits(&told(rig, id).await), ["review"]);
    rig.report(&about("CI_FAILED", 1, json!({"prNumber": 57, "headSha": head(57, 1), "failedChecks": ["build"]})))
        .await;
    rig.reaches(1, "changes_requested").await;
    let rework = told(rig, id).await;
    assert_eq!(waits(&rework), ["ci", "claim"]);
    assert_eq!(
        (reasons(&rework, "dev-e-node"), reasons(&rework, "ibuild-e")),
        (vec![], vec!["no_fit", "author_first"])
    );
    rig.report(&about("ISSUE_DONE", 1, json!({}))).await;
    let done = told(rig, id).await;
    assert_eq!((&done["state"], waits(&done)), (&json!("done"), vec![]));
    assert_eq!(done["decidedBy"]["type"], "IssueDone");
}

/// Why does nobody get this: what is explained is what a claim is answered.
async fn every_reason_that_is_told_is_the_rule_that_refuses(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-dotnet").await;
    rig.approve(2, json!({})).await;
    rig.claims("dev-e-node", 2).await;
    rig.report(&about("AGENT_STUCK", 2, json!({"agentId": "dev-e-node", "reason": "no idea"}))).await;
    let pause = json!({"kind": "pause", "target": "agent:dev-e-python", "reason": "loops"});
    rig.overrule(&pause).await.expect(200);
    let explained = told(rig, "acme/web#2").await;
    for (agent, rule) in
        [("dev-e-node", "excluded"), ("dev-e-python", "paused"), ("review-e", "no_fit"), ("dev-e-dotnet", "capacity")]
    {
        assert_eq!(reasons(&explained, agent), [rule], "{agent}");
        let answer = rig.post(&about("ISSUE_ASSIGNED", 2, json!({"agentId": agent}))).await;
        match rule {
            "capacity" => drop(answer.refused(409, "lost_race")),
            _ => assert_eq!(answer.expect(422)["rule"], rule, "{agent}"),
        }
        assert_eq!(rig.get(&format!("/api/assignments/next?agentId={agent}")).await.status, 204, "{agent}");
    }
    assert_eq!(waits(&explained), ["silence"], "ibuild-e may take it, and was never heard from");
    let agent = told(rig, "dev-e-python").await;
    assert_eq!((&agent["state"], &agent["waitsFor"][1]["on"]), (&json!("paused"), &json!("dev-e-python")));
    assert_eq!(reasons(&explained, "ibuild-e"), [] as [&str; 0]);
    rig.claims("ibuild-e", 2).await;
}

/// The events that are named stand in the log where it says, over a restart too.
async fn the_events_behind_an_explanation_stand_where_it_says(rig: &mut Rig) {
    rig.approve(1, json!({"dependsOn": [2]})).await;
    rig.approve(2, json!({})).await;
    rig.overrule(&json!({"kind": "pause", "target": "rig", "reason": "release day"})).await.expect(200);
    let before = told(rig, "acme/web#1").await;
    assert_eq!(waits(&before), ["paused", "dependency_open"]);
    let log = rig.log().await;
    let at = |position: &Value| log.iter().find(|event| event["position"] == *position).unwrap();
    assert_eq!(at(&before["waitsFor"][0]["position"])["type"], "Paused");
    assert_eq!(at(&before["waitsFor"][1]["position"])["streamId"], "acme/web#2");
    assert_eq!(at(&before["decidedBy"]["position"])["streamId"], "acme/web#1");
    rig.daemon.kill9();
    rig.daemon.restart().await;
    assert_eq!(told(rig, "acme/web#1").await, before);
}

on_both_stores! {
    alone {
        an_issue_is_explained_at_every_station_of_its_life,
        every_reason_that_is_told_is_the_rule_that_refuses,
        the_events_behind_an_explanation_stand_where_it_says,
    }
}
