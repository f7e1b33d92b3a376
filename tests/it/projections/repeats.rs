//! Repeats: by meaning, by key, in another casing, under old names.

use serde_json::json;

use crate::rig::{Rig, about, created, head};

async fn a_repeat_by_meaning_is_200_with_the_first_position(rig: &mut Rig) {
    let approval = about("ISSUE_APPROVED", 1, json!({"title": "x", "labels": ["agent-ready"]}));
    let approved = rig.report(&approval).await;
    let handed = rig.claims("dev-e-node", 1).await;
    let start = about("WORK_STARTED", 1, json!({"agentId": "dev-e-node", "leaseToken": handed["lease"]["token"]}));
    let started = rig.report(&start).await;
    let beat = json!({"type": "HEARTBEAT", "agentId": "dev-e-node", "status": "working"});
    let beaten = rig.report(&beat).await;
    let quota = json!({"type": "AGENT_QUOTA_REPORTED", "agentId": "dev-e-node", "quotaFiveHourPct": 12.5});
    let reported = rig.report(&quota).await;
    let head = rig.head().await;
    for (first, report) in [(&approved, &approval), (&started, &start), (&beaten, &beat), (&reported, &quota)] {
        assert_eq!(first.get("duplicate"), None, "{first}");
        for _ in 0..2 {
            let again = rig.report(report).await;
            assert_eq!(again["duplicate"], true, "{again}");
            assert_eq!((&again["position"], &again["version"]), (&first["position"], &first["version"]), "{again}");
            assert_eq!((&again["streamId"], &again["timestamp"]), (&first["streamId"], &first["timestamp"]), "{again}");
        }
    }
    assert_eq!(rig.head().await, head, "repeats are not appended");
}

async fn red_green_red_on_one_head_is_three_facts(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    let ci = |kind, more| about(kind, 1, crate::rig::merged(json!({"headSha": head(57, 1)}), more));
    let red = ci("CI_FAILED", json!({"failedChecks": ["build"]}));
    let green = ci("CI_PASSED", json!({}));
    let mut positions = Vec::new();
    for report in [&red, &green, &red] {
        let answer = rig.report(report).await;
        assert_eq!(answer.get("duplicate"), None, "{answer}");
        positions.push(answer["position"].clone());
        let again = rig.report(report).await;
        assert_eq!((&again["duplicate"], &again["position"]), (&json!(true), positions.last().unwrap()), "{again}");
    }
    assert_eq!(rig.reaches(1, "changes_requested").await["ci"], "failed");
}

async fn a_repeat_with_its_key_has_one_effect_and_the_first_answer(rig: &mut Rig) {
    let approval = about("ISSUE_APPROVED", 1, json!({"title": "x"}));
    let first = rig.post_keyed(&approval, "k1").await.expect(200);
    rig.report(&about("PRIORITY_CHANGED", 1, json!({"priority": "critical"}))).await;
    assert_eq!(rig.post_keyed(&approval, "k1").await.expect(200), first, "though the state has moved on");
    let other = about("ISSUE_APPROVED", 1, json!({"title": "y"}));
    rig.post_keyed(&other, "k1").await.refused(422, "idempotency_key_reused");
    // Scope is caller and path: another caller's key of the same name is another key.
    let beat = json!({"type": "HEARTBEAT", "agentId": "dev-e-node"});
    rig.post_keyed(&beat, "k1").await.expect(200);
    // A refusal is an answer too.
    let stale = about("WORK_STARTED", 1, json!({"agentId": "dev-e-node"}));
    let refused = rig.post_keyed(&stale, "k2").await;
    refused.refused(409, "stale_lease");
    rig.claims("dev-e-node", 1).await;
    assert_eq!(rig.post_keyed(&stale, "k2").await.text, refused.text, "the first answer, whatever holds now");
    assert_eq!(rig.row(1).await["state"], "assigned");
    // Telemetry has no meaning to be recognised by: only its key tells a repeat.
    let progress = json!({"type": "CLI_PROGRESS", "agentId": "dev-e-node", "message": "half"});
    let first = rig.post_keyed(&progress, "k3").await.expect(200);
    assert_eq!(rig.post_keyed(&progress, "k3").await.expect(200), first);
    assert_ne!(rig.report(&progress).await["position"], first["position"]);
    let titles = rig.stream(1).await.iter().filter(|event| event["type"] == "IssueApproved").count();
    assert_eq!(titles, 1);
}

/// A refusal that leaves an event is an answer as well: whatever would be decided by then, also after a restart.
async fn a_refusal_on_record_is_answered_with_the_first_words_again(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    let by = |kind, agent| about(kind, 57, json!({"agentId": agent, "headSha": head(57, 1)}));
    let unasked = by("REVIEW_DISPUTED", "review-e-codex");
    let stale = about("BRANCH_CREATED", 1, json!({"agentId": "dev-e-python", "branch": "b"}));
    let refused = [(unasked, 409, "lost_race"), (stale, 409, "stale_lease")];
    let mut first = Vec::new();
    for (at, (report, status, code)) in refused.iter().enumerate() {
        let reply = rig.post_keyed(report, &format!("k{at}")).await;
        reply.refused(*status, code);
        first.push(reply.text);
    }
    rig.is_asked("review-e", 57).await;
    rig.report(&by("REVIEW_DISPUTED", "review-e")).await;
    rig.reaches(1, "changes_requested").await;
    let head = rig.head().await;
    for restart in [false, true] {
        if restart {
            assert!(rig.daemon.sigterm(crate::rig::PATIENCE).await.success());
            rig.daemon.restart().await;
        }
        for (at, ((report, status, _), first)) in refused.iter().zip(&first).enumerate() {
            let again = rig.post_keyed(report, &format!("k{at}")).await;
            assert_eq!((again.status, &again.text), (*status, first), "{report}");
        }
    }
    assert_eq!(rig.head().await, head, "repeats are not appended");
}

async fn a_key_survives_a_restart(rig: &mut Rig) {
    let approval = about("ISSUE_APPROVED", 1, json!({"title": "x"}));
    let first = rig.post_keyed(&approval, "k1").await.expect(200);
    assert!(rig.daemon.sigterm(crate::rig::PATIENCE).await.success());
    rig.daemon.restart().await;
    rig.report(&about("ISSUE_CANCELLED", 1, json!({"reason": "not needed"}))).await;
    assert_eq!(rig.post_keyed(&approval, "k1").await.expect(200), first);
    assert_eq!(rig.row(1).await["state"], "cancelled");
}

async fn property_names_are_read_in_any_casing(rig: &mut Rig) {
    for (number, body) in [
        (1, r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x","dependsOn":[9]}"#),
        (2, r#"{"Type":"ISSUE_APPROVED","Repo":"acme/web","IssueNumber":2,"Title":"x","DependsOn":[9]}"#),
        (3, r#"{"TYPE":"ISSUE_APPROVED","REPO":"acme/web","ISSUENUMBER":3,"TITLE":"x","DEPENDSON":[9]}"#),
    ] {
        assert_eq!(rig.send(body).await.expect(200)["streamId"], format!("acme/web#{number}"));
        assert_eq!(rig.row(number).await["dependsOn"], json!(["acme/web#9"]));
    }
    // The same repository in another spelling is the same stream, under its first spelling.
    let again =
        rig.send(r#"{"type":"ISSUE_APPROVED","repo":"ACME/Web","issueNumber":1,"title":"x"}"#).await.expect(200);
    assert_eq!((&again["duplicate"], &again["position"]), (&json!(true), &json!(1)), "{again}");
    assert_eq!(rig.read("/api/issues").await[0]["streamId"], "acme/web#1");
    let beat = r#"{"Type":"HEARTBEAT","AgentId":"dev-e-node/ab12c","Status":"idle","CurrentIssue":null,
        "Providers":[{"Name":"codex","Status":"ok","Active":true}],"ClientTime":"12:00"}"#;
    rig.send(beat).await.expect(200);
    let row = rig.read("/api/agents/dev-e-node").await;
    assert_eq!(row["providers"], json!([{"name": "codex", "status": "ok", "details": null, "active": true}]));
    let events = rig.read("/api/events/stream?id=dev-e-node").await;
    let beat = events.as_array().unwrap().iter().find(|event| event["type"] == "Heartbeat").unwrap();
    assert_eq!(beat["metadata"]["extra"]["ClientTime"], "12:00", "what is unknown is kept beside: {beat}");
}

async fn the_flat_names_of_old_clients_are_taken(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.is_asked("review-e", 57).await;
    // `issueNumber` of a review run is the pull request's; `attempt` is its iteration, `reason` its words.
    let dispute = about("REVIEW_DISPUTED", 57, json!({"agentId": "review-e", "reason": "no test", "attempt": 2}));
    let answer = rig.report(&dispute).await;
    assert_eq!(answer["streamId"], "acme/web#57");
    rig.report(&about("MERGED", 1, json!({}))).await;
    rig.report(&about("DEPLOYED_STAGING", 1, json!({"reason": "staging"}))).await;
    rig.report(&about("SMOKE_FAILED", 1, json!({"reason": "external_dependency", "attempt": 3}))).await;
    let events = rig.stream(57).await;
    let data = |kind: &str| events.iter().find(|event| event["type"] == kind).unwrap()["data"].clone();
    assert_eq!(data("ReviewDisputed")["iteration"], 2);
    assert_eq!(data("ReviewDisputed")["body"], "no test");
    assert_eq!(data("DeployedStaging")["environment"], "staging");
    let smoke = data("SmokeFailed");
    assert_eq!((&smoke["cause"], &smoke["retryCount"]), (&json!("external_dependency"), &json!(3)));
    let milestone = json!({"type": "MILESTONE_COMPLETE", "title": "v1", "issueNumber": 12, "repo": "acme/web"});
    rig.report(&milestone).await;
    let rig_stream = rig.read("/api/events/stream?id=rig").await;
    assert_eq!((&rig_stream[0]["data"]["milestone"], &rig_stream[0]["data"]["issueCount"]), (&json!("v1"), &json!(12)));
}

async fn agent_and_pull_request_number_may_come_in_a_url_alone(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    let mut report = about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1)));
    report.as_object_mut().unwrap().remove("prNumber");
    rig.report(&report).await;
    assert_eq!(rig.reaches(1, "in_review").await["prNumber"], 57);
}

on_both_stores! {
    reviewing {
        a_refusal_on_record_is_answered_with_the_first_words_again,
        the_flat_names_of_old_clients_are_taken,
    }
    alone {
        a_repeat_by_meaning_is_200_with_the_first_position,
        red_green_red_on_one_head_is_three_facts,
        a_repeat_with_its_key_has_one_effect_and_the_first_answer,
        a_key_survives_a_restart,
        property_names_are_read_in_any_casing,
        agent_and_pull_request_number_may_come_in_a_url_alone,
    }
}
