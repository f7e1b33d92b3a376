//! Two strikes, then a human: what is one, what is none, and what follows.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about, created, head};

fn stuck(agent: &str, reason: &str) -> Value {
    about("AGENT_STUCK", 1, json!({"agentId": agent, "reason": reason}))
}

/// How often an issue or pull request said that.
async fn said(rig: &Rig, number: u64, kind: &str) -> usize {
    rig.types(number).await.iter().filter(|said| *said == kind).count()
}

/// One bad pull request was tested 270 times elsewhere. Here five rounds are enough: on record as a loop, a strike for its
/// author, and another agent begins afresh; at its second strike a person is called, and nobody gets it a third time.
async fn museum_a_review_that_goes_round_and_round_is_a_strike_and_the_second_a_persons(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    for (strike, agent, pull) in [(1, "dev-e-node", 57), (2, "dev-e-python", 58)] {
        let handed = rig.claims(agent, 1).await;
        assert_eq!(
            (&handed["kind"], &handed["branchHint"]),
            (&json!("work"), &json!(format!("agent/issue-1-{strike}")))
        );
        rig.report(&about("PR_CREATED", 1, created(agent, pull, &head(pull, 1)))).await;
        rig.pull_is_known(pull, 1).await;
        for round in 1..=5 {
            let reviewer = rig.who_is_asked(pull).await;
            rig.report(&about("REVIEW_DISPUTED", pull, json!({"agentId": reviewer, "body": "not like this"}))).await;
            if round == 5 {
                break;
            }
            rig.reaches(1, "changes_requested").await;
            let rework = rig.claims(agent, 1).await;
            assert_eq!((&rework["kind"], &rework["prNumber"]), (&json!("rework"), &json!(pull)), "round {round}");
            rig.report(&about("PR_CREATED", 1, created(agent, pull, &head(pull, round + 1)))).await;
            rig.reaches(1, "in_review").await;
        }
        let struck = |row: &Value| row["strikes"] == strike;
        rig.eventually(&format!("/api/issues/{REPO}/1"), "a strike", struck).await;
        let superseded = |row: &Value| row["state"] == "superseded";
        rig.eventually(&format!("/api/issues/{REPO}/{pull}"), "it to be out of the play", superseded).await;
        assert_eq!(said(rig, pull, "ReviewLoopExceeded").await, 1);
    }
    assert_eq!(rig.reaches(1, "escalated").await["agentId"], Value::Null);
    for agent in ["dev-e-node", "dev-e-python", "dev-e-dotnet"] {
        assert_eq!(rig.next(agent).await, None, "{agent}: never a third attempt");
    }
    let assign = about("ISSUE_ASSIGNED", 1, json!({"agentId": "dev-e-dotnet"}));
    assert!(matches!(rig.post(&assign).await.status, 409 | 422), "not by a coordinator's word either");
}

/// A provider that ran dry, a release, a pause and a silence speak against nobody.
async fn what_is_nobodys_failure_is_no_strike(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.claims("dev-e-node", 1).await;
    rig.report(&stuck("dev-e-node", "HTTP 429: usage_limit_reached")).await;
    rig.reaches(1, "queued").await;
    assert_eq!(rig.next("dev-e-node").await, None, "it rests");

    rig.claims("dev-e-python", 1).await;
    rig.overrule(&json!({"kind": "pause", "target": "agent:dev-e-python", "reason": "loops"})).await.expect(200);
    rig.overrule(&json!({"kind": "release", "target": format!("{REPO}#1"), "reason": "it sleeps"})).await.expect(200);

    rig.claims("dev-e-dotnet", 1).await;
    rig.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-dotnet"}))).await;
    rig.report(&about("ISSUE_UNASSIGNED", 1, json!({"agentId": "dev-e-dotnet", "reason": "drain"}))).await;
    let row = rig.reaches(1, "queued").await;
    assert_eq!((&row["strikes"], said(rig, 1, "AgentStuck").await), (&json!(0), 0), "{row}");

    // What is one counts all the same, and sends it to somebody else.
    rig.claims("dev-e-dotnet", 1).await;
    rig.report(&stuck("dev-e-dotnet", "can't build")).await;
    assert_eq!(rig.row(1).await["strikes"], 1);
    assert_eq!(rig.next("dev-e-dotnet").await, None);
}

/// Where nobody else could take it, the first strike is a person's already: it would wait for ever.
async fn a_strike_is_a_persons_at_once_where_nobody_else_fits(rig: &mut Rig) {
    rig.approve(1, json!({"stack": "ios"})).await;
    rig.claims("ibuild-e", 1).await;
    rig.report(&stuck("ibuild-e", "no signing key")).await;
    rig.reaches(1, "escalated").await;
    let told = rig.read("/api/explain?id=acme/web%231").await;
    assert!(told.to_string().contains("no_other_agent"), "{told}");
}

on_both_stores! {
    reviewing { museum_a_review_that_goes_round_and_round_is_a_strike_and_the_second_a_persons }
    alone {
        what_is_nobodys_failure_is_no_strike,
        a_strike_is_a_persons_at_once_where_nobody_else_fits,
    }
}
