//! An issue's row, step by step.

use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about, created, head};

async fn an_approval_makes_a_row_of_what_it_says(rig: &mut Rig) {
    let answer = rig
        .report(&about(
            "ISSUE_APPROVED",
            42,
            json!({
                "title": "Mend the login", "url": "https://github.com/acme/web/issues/42", "body": "Ünïcödé \u{1F600} <b>",
                "priority": "HIGH", "stack": "node", "tools": ["ripgrep", "fd"], "testCommand": "npm test",
                "buildCommand": "npm run build", "milestone": "v1", "labels": ["agent-ready", "bug"], "dependsOn": [7, "acme/api#8"],
            }),
        ))
        .await;
    assert_eq!((&answer["streamId"], &answer["type"]), (&json!("acme/web#42"), &json!("ISSUE_APPROVED")));
    assert_eq!((&answer["version"], &answer["position"]), (&json!(1), &json!(1)));
    let row = rig.row(42).await;
    for (name, value) in [
        ("streamId", json!("acme/web#42")),
        ("repo", json!(REPO)),
        ("issueNumber", json!(42)),
        ("title", json!("Mend the login")),
        ("url", json!("https://github.com/acme/web/issues/42")),
        ("body", json!("Ünïcödé \u{1F600} <b>")),
        ("labels", json!(["agent-ready", "bug"])),
        ("milestone", json!("v1")),
        ("priority", json!("high")),
        ("state", json!("queued")),
        ("stack", json!("node")),
        ("tools", json!(["ripgrep", "fd"])),
        ("testCommand", json!("npm test")),
        ("buildCommand", json!("npm run build")),
        ("agentId", Value::Null),
        ("attempt", json!(0)),
        ("epoch", json!(0)),
        ("strikes", json!(0)),
        ("ci", json!("unknown")),
        ("review", json!("none")),
        ("dependsOn", json!(["acme/web#7", "acme/api#8"])),
        ("blockedBy", json!(["acme/web#7", "acme/api#8"])),
        ("escalated", json!(false)),
        ("version", json!(1)),
    ] {
        assert_eq!(row[name], value, "{name} in {row}");
    }
    assert_eq!(row["queuedAt"], answer["timestamp"]);
    let listed = rig.read("/api/issues").await;
    assert_eq!(listed[0]["streamId"], "acme/web#42");
}

async fn from_the_approval_to_done_each_report_moves_the_row(rig: &mut Rig) {
    let (agent, pull) = ("dev-e-node", 57);
    rig.approve(42, json!({})).await;
    let handed = rig.claims(agent, 42).await;
    let row = rig.row(42).await;
    assert_eq!((&row["state"], &row["agentId"], &row["epoch"]), (&json!("assigned"), &json!(agent), &json!(1)));
    assert_eq!((&row["attempt"], &row["branch"]), (&json!(1), &handed["branchHint"]));
    assert!(row["assignedAt"].is_string(), "{row}");

    rig.report(&about("WORK_STARTED", 42, json!({"agentId": agent, "leaseToken": handed["lease"]["token"]}))).await;
    assert_eq!(rig.row(42).await["state"], "in_progress");

    rig.report(&about("PR_CREATED", 42, created(agent, pull, &head(pull, 1)))).await;
    let row = rig.reaches(42, "in_review").await;
    assert_eq!((&row["prRepo"], &row["prNumber"]), (&json!(REPO), &json!(pull)));
    assert_eq!(row["prUrl"], format!("https://github.com/{REPO}/pull/{pull}"));
    assert_eq!((&row["headSha"], &row["agentId"]), (&json!(head(pull, 1)), &Value::Null), "the lease ends with the PR");

    rig.pull_is_known(pull, 42).await;
    rig.report(&about("CI_FAILED", 42, json!({"headSha": head(pull, 1), "failedChecks": ["build"]}))).await;
    let row = rig.reaches(42, "changes_requested").await;
    assert_eq!(row["ci"], "failed");

    let rework = rig.claims(agent, 42).await;
    assert_eq!((&rework["kind"], &rework["prNumber"]), (&json!("rework"), &json!(pull)));
    assert_eq!((&rework["headSha"], &rework["lease"]["epoch"]), (&json!(head(pull, 1)), &json!(2)));
    assert!(rework["feedback"].as_str().unwrap().contains("build"), "{rework}");
    assert_ne!(rework["lease"]["token"], handed["lease"]["token"]);

    rig.report(&about("CI_PASSED", 42, json!({"headSha": head(pull, 1)}))).await;
    assert_eq!(rig.reaches(42, "in_review").await["ci"], "passed");
    rig.is_asked("review-e", pull).await;
    let dispute = json!({"agentId": "review-e", "headSha": head(pull, 1), "reason": "no test", "attempt": 1});
    rig.report(&about("REVIEW_DISPUTED", 42, dispute)).await;
    let row = rig.reaches(42, "changes_requested").await;
    assert_eq!((&row["review"], &row["reviewer"]), (&json!("disputed"), &json!("review-e")));
    rig.claims(agent, 42).await;
    rig.report(&about("PR_CREATED", 42, created(agent, pull, &head(pull, 2)))).await;
    rig.is_asked("review-e", pull).await;
    let pass = json!({"agentId": "review-e", "headSha": head(pull, 2)});
    rig.report(&about("REVIEW_PASSED", 42, pass)).await;
    assert_eq!(rig.reaches(42, "ready_to_merge").await["review"], "approved");

    rig.report(&about("MERGED", 42, json!({"mergeSha": "c0ffee"}))).await;
    let row = rig.reaches(42, "done").await;
    assert_eq!((&row["prNumber"], &row["agentId"], &row["strikes"]), (&json!(pull), &Value::Null, &json!(0)));
    let pulls = rig.read("/api/pulls").await;
    assert_eq!((&pulls[0]["state"], &pulls[0]["linkedIssues"]), (&json!("merged"), &json!(["acme/web#42"])));
    let types = rig.types(42).await;
    assert_eq!(types.first().map(String::as_str), Some("IssueApproved"));
    assert_eq!(types.last().map(String::as_str), Some("IssueDone"), "{types:?}");
}

async fn two_strikes_end_with_a_person(rig: &mut Rig) {
    rig.approve(43, json!({})).await;
    for (agent, state, strikes) in [("dev-e-node", "queued", 1), ("dev-e-python", "escalated", 2)] {
        rig.claims(agent, 43).await;
        rig.report(&about("AGENT_STUCK", 43, json!({"agentId": agent, "reason": "it never ends"}))).await;
        let row = rig.row(43).await;
        assert_eq!((&row["state"], &row["strikes"]), (&json!(state), &json!(strikes)), "{row}");
        assert_eq!(rig.next(agent).await, None, "whoever was stuck doesn't get it again");
    }
    for agent in ["dev-e-node", "dev-e-dotnet", "dev-e-python"] {
        assert_eq!(rig.next(agent).await, None);
    }
    let assign = about("ISSUE_ASSIGNED", 43, json!({"agentId": "dev-e-dotnet"}));
    let refused = rig.post(&assign).await;
    assert!([409, 422].contains(&refused.status), "no third automatic attempt: {refused:?}");
    assert_eq!(rig.row(43).await["escalated"], true);
}

async fn what_was_never_approved_has_events_and_no_row(rig: &mut Rig) {
    let usage = json!({
        "type": "TOKEN_USAGE", "agentId": "dev-e-node", "repo": REPO, "issueNumber": 9, "model": "m",
        "inputTokens": 10, "outputTokens": 2, "costUsd": 0.01,
    });
    assert_eq!(rig.report(&usage).await["streamId"], "dev-e-node", "telemetry is the agent's");
    rig.report(&about("WORK_STARTED", 9, json!({"agentId": "somebodys-hook"}))).await;
    assert_eq!(rig.read("/api/issues").await, json!([]));
    rig.get(&format!("/api/issues/{REPO}/9")).await.refused(404, "unknown");
    assert_eq!(rig.types(9).await, ["WorkStarted"]);
    assert_eq!(rig.approve(9, json!({})).await["version"], 2);
    assert_eq!(rig.row(9).await["state"], "queued");
}

on_both_stores! {
    reviewing { from_the_approval_to_done_each_report_moves_the_row }
    alone {
        an_approval_makes_a_row_of_what_it_says,
        two_strikes_end_with_a_person,
        what_was_never_approved_has_events_and_no_row,
    }
}
