use actix_web::test::TestRequest;
use conductor_core::execution_log::LONGEST_LINE;
use conductor_core::roster::{GitHubMode, Policy, UnknownAgents};
use serde_json::{Value, json};

use crate::testing::{Daemon, Reply};

async fn send(daemon: &Daemon, path: &str, body: &Value) -> Reply {
    daemon.send(TestRequest::post().uri(path).set_payload(body.to_string())).await
}

fn run_of(agent: &str, number: impl Into<Value>) -> Value {
    json!({ "repo": "acme/web", "issueNumber": number.into(), "agentId": agent, "status": "running", "model": "large-3",
            "steps": [{ "type": "clone", "status": "done", "detail": "acme/web" }] })
}

async fn begun(daemon: &Daemon, body: &Value) -> String {
    let answer = send(daemon, "/api/execution-logs", body).await.expect(201);
    answer["id"].as_str().unwrap().to_owned()
}

async fn with_held_issue() -> Daemon {
    let daemon = Daemon::start().await;
    for kind in ["ISSUE_APPROVED", "ISSUE_ASSIGNED"] {
        let body = json!({ "type": kind, "repo": "acme/web", "issueNumber": 4, "title": "x", "agentId": "dev-e-node" });
        let body = if kind == "ISSUE_APPROVED" {
            json!({ "type": kind, "repo": "acme/web", "issueNumber": 4, "title": "x" })
        } else {
            body
        };
        daemon.report(&body).await;
    }
    daemon
}

#[actix_web::test]
async fn a_run_is_read_back_with_all_that_it_told() {
    let daemon = Daemon::start().await;
    let id = begun(&daemon, &run_of("dev-e-node/ab12c", 4)).await;
    let at = format!("/api/execution-logs/{id}");
    let step =
        json!({ "Type": "test", "Status": "done", "Detail": "npm test", "costUsd": 0.5, "turns": 3, "at": "never" });
    assert_eq!(send(&daemon, &format!("{at}/steps"), &step).await.expect(200), json!({ "kept": 1, "dropped": 0 }));
    let lines = json!([
        { "timestamp": "12:00", "level": "info", "message": "one" },
        { "Message": "two", "strange": [1] },
        { "message": "x".repeat(LONGEST_LINE + 1), "level": null },
    ]);
    assert_eq!(send(&daemon, &format!("{at}/logs"), &lines).await.expect(200)["kept"], 3);
    let end =
        json!({ "status": "completed", "totalCostUsd": 0.4, "totalTurns": 14, "durationApiMs": 81.5, "prNumber": 57 });
    let row = send(&daemon, &format!("{at}/complete"), &end).await.expect(200);
    assert_eq!(
        (&row["status"], &row["totalCostUsd"], &row["prNumber"]),
        (&json!("completed"), &json!(0.4), &json!(57))
    );
    let again = send(&daemon, &format!("{at}/complete"), &json!({ "status": "failed" })).await.expect(200);
    assert_eq!(again, row, "the first end stays");

    let read = daemon.get(&at).await.expect(200);
    assert_eq!(read["agentId"], "dev-e-node/ab12c");
    assert_eq!((&read["stepCount"], &read["lineCount"], &read["droppedLines"]), (&json!(2), &json!(3), &json!(0)));
    assert_eq!((&read["steps"][0]["type"], &read["steps"][1]["type"]), (&json!("clone"), &json!("test")));
    assert_eq!(read["steps"][1]["at"], "2026-11-21T12:00:00.000Z", "the runtime's clock is its own");
    assert_eq!(read["logs"][0], json!({ "timestamp": "12:00", "level": "info", "message": "one" }));
    assert!(read["logs"][2]["message"].as_str().unwrap().ends_with("x…"));

    let page = daemon.get(&format!("{at}?limit=2")).await;
    assert_eq!(page.expect(200)["logs"].as_array().unwrap().len(), 2);
    let next = page.headers["link"].trim_start_matches('<').split('>').next().unwrap().to_owned();
    let rest = daemon.get(&next).await;
    assert_eq!((rest.expect(200)["logs"].as_array().unwrap().len(), rest.headers.get("link")), (1, None));
}

#[actix_web::test]
async fn runs_are_listed_by_place_and_agent() {
    let daemon = Daemon::start().await;
    let mut ids = Vec::new();
    for (agent, number) in [("dev-e-node", json!(4)), ("review-e", json!(57)), ("dev-e-node/a", json!(null))] {
        daemon.clock.advance(std::time::Duration::from_secs(1));
        ids.push(begun(&daemon, &run_of(agent, number)).await);
    }
    let listed = async |query: &str| -> Vec<Value> {
        let rows = daemon.get(&format!("/api/execution-logs{query}")).await.expect(200);
        rows.as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
    };
    assert_eq!(listed("").await, [&*ids[2], &*ids[1], &*ids[0]]);
    assert_eq!(listed("?repo=ACME/web&issueNumber=4").await, [&*ids[0]]);
    assert_eq!(listed("?agentId=dev-e-node/b").await, [&*ids[2], &*ids[0]]);
    assert_eq!(listed("?issueNumber=9").await, [""; 0]);
    let first = daemon.get("/api/execution-logs?limit=2").await;
    assert_eq!(first.expect(200).as_array().unwrap().len(), 2);
    let next = first.headers["link"].trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(daemon.get(&next).await.expect(200)[0]["id"], *ids[0]);
}

#[actix_web::test]
async fn a_running_log_of_the_holder_is_the_start_of_its_work() {
    let daemon = with_held_issue().await;
    begun(&daemon, &run_of("dev-e-node", 4)).await;
    assert_eq!(daemon.stored().await.last(), Some(&"WORK_STARTED"));
    assert_eq!(daemon.get("/api/issues/acme/web/4").await.expect(200)["state"], "in_progress");
    begun(&daemon, &run_of("dev-e-node", 4)).await;
    let events = daemon.stored().await;
    assert_eq!(events.iter().filter(|name| **name == "WORK_STARTED").count(), 1, "the second run starts nothing anew");
}

#[actix_web::test]
async fn a_run_of_somebody_else_is_kept_and_its_start_of_work_refused_on_record() {
    let daemon = with_held_issue().await;
    let id = begun(&daemon, &run_of("dev-e-python", 4)).await;
    assert_eq!(daemon.stored().await.last(), Some(&"STALE_LEASE_REFUSED"));
    assert_eq!(daemon.get("/api/issues/acme/web/4").await.expect(200)["state"], "assigned");
    assert_eq!(daemon.get(&format!("/api/execution-logs/{id}")).await.expect(200)["agentId"], "dev-e-python");
}

#[actix_web::test]
async fn reviews_strangers_issues_and_ended_runs_start_no_work() {
    let daemon = with_held_issue().await;
    let before = daemon.stored().await.len();
    begun(&daemon, &run_of("review-e", 4)).await;
    begun(&daemon, &run_of("dev-e-node", 99)).await;
    begun(&daemon, &run_of("dev-e-node", Value::Null)).await;
    let mut ended = run_of("dev-e-node", 4);
    ended["status"] = json!("completed");
    begun(&daemon, &ended).await;
    assert_eq!(daemon.stored().await.len(), before);
}

#[actix_web::test]
async fn a_persons_hook_claims_by_its_word_and_not_by_a_log() {
    let hooks = Policy { unknown_agents: UnknownAgents::Hook, ..Policy::built_in(GitHubMode::None) };
    let daemon = Daemon::with(hooks).await;
    daemon.report(&json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" })).await;
    begun(&daemon, &run_of("ada", 4)).await;
    assert_eq!(daemon.stored().await, ["ISSUE_APPROVED"]);
}

#[actix_web::test]
async fn a_repeat_under_the_clients_own_id_has_one_effect() {
    let daemon = Daemon::start().await;
    let mut run = run_of("dev-e-node", 4);
    run["id"] = json!("0193a8f0-5c00-7000-8000-0000000000AB");
    let id = begun(&daemon, &run).await;
    assert_eq!(id, "0193a8f0-5c00-7000-8000-0000000000ab");
    assert_eq!(begun(&daemon, &run).await, id);
    assert_eq!(daemon.get(&format!("/api/execution-logs/{id}")).await.expect(200)["stepCount"], 1);
    run["agentId"] = json!("dev-e-python");
    send(&daemon, "/api/execution-logs", &run).await.refused(409, "lost_race");
}

#[actix_web::test]
async fn a_token_tells_of_its_own_agents_runs_alone() {
    let daemon = Daemon::start().await;
    let id = begun(&daemon, &run_of("dev-e-node", 4)).await;
    let (other, _) = daemon.token("agent", "dev-e-python").await;
    let (operator, _) = daemon.token("operator", "ada").await;
    let (own, _) = daemon.token("agent", "dev-e-node").await;
    let post = async |secret: &str, path: &str, body: Value| {
        let request = TestRequest::post().uri(path).set_payload(body.to_string());
        daemon.send(request.insert_header(("Authorization", format!("Bearer {secret}")))).await
    };
    for secret in [&other, &operator] {
        post(secret, "/api/execution-logs", run_of("dev-e-node", 4)).await.refused(403, "forbidden");
        for (path, body) in
            [("steps", json!({ "type": "x" })), ("logs", json!([])), ("complete", json!({ "status": "completed" }))]
        {
            post(secret, &format!("/api/execution-logs/{id}/{path}"), body).await.refused(403, "forbidden");
        }
    }
    let mut nameless = run_of("dev-e-node", 4);
    nameless["agentId"] = Value::Null;
    assert_eq!(post(&own, "/api/execution-logs", nameless).await.status, 201);
    assert_eq!(post(&own, &format!("/api/execution-logs/{id}/steps"), json!({ "type": "x" })).await.status, 200);
}

#[actix_web::test]
async fn what_makes_no_sense_is_a_clear_4xx() {
    let daemon = Daemon::start().await;
    let id = begun(&daemon, &run_of("dev-e-node", 4)).await;
    let at = |path: &str| format!("/api/execution-logs/{id}{path}");
    for (path, body, mentions) in [
        ("/api/execution-logs".to_owned(), json!([]), "object"),
        ("/api/execution-logs".to_owned(), json!({ "repo": "acme/web" }), "agentId"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a#b" }), "agentId"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a", "repo": "acme" }), "repo"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a", "status": "dancing" }), "status"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a", "steps": {} }), "steps"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a", "steps": [{}] }), "type"),
        ("/api/execution-logs".to_owned(), json!({ "agentId": "a", "id": "7" }), "id"),
        (at("/steps"), json!([{ "type": "x" }]), "object"),
        (at("/logs"), json!({ "message": "x" }), "array"),
        (at("/logs"), json!([{ "message": "x" }, {}]), "[1].message"),
        (at("/complete"), json!({}), "status"),
        (at("/complete"), json!({ "status": "running" }), "completed or failed"),
    ] {
        let problem = send(&daemon, &path, &body).await.refused(400, "malformed");
        assert!(problem.contains(mentions), "{path} {body}: {problem}");
    }
    for path in ["/steps", "/logs", "/complete"] {
        let strange = format!("/api/execution-logs/0193a8f0-5c00-7000-8000-000000000000{path}");
        send(&daemon, &strange, &json!({ "type": "x" })).await.refused(404, "unknown");
    }
    daemon.get("/api/execution-logs/nothing").await.refused(404, "unknown");
    daemon.get("/api/execution-logs?after=7").await.refused(400, "malformed");
}

/// Ten runs ended well elsewhere and changed nothing, at some cost.
#[actix_web::test]
async fn museum_the_third_complete_run_without_progress_is_a_strike() {
    let daemon = with_held_issue().await;
    let state = async || daemon.get("/api/issues/acme/web/4").await.expect(200);
    let run = async |end: Value| {
        let id = begun(&daemon, &run_of("dev-e-node", 4)).await;
        daemon.clock.advance(std::time::Duration::from_secs(60));
        send(&daemon, &format!("/api/execution-logs/{id}/complete"), &end).await.expect(200);
    };
    run(json!({ "status": "completed" })).await;
    run(json!({ "status": "failed" })).await;
    run(json!({ "status": "completed", "prNumber": 57 })).await;
    run(json!({ "status": "completed" })).await;
    assert_eq!((&state().await["state"], &state().await["strikes"]), (&json!("in_progress"), &json!(0)));
    run(json!({ "status": "completed" })).await;
    assert_eq!((&state().await["state"], &state().await["strikes"]), (&json!("queued"), &json!(1)));
    let stuck = daemon.stored().await;
    assert_eq!(stuck.last(), Some(&"AGENT_STUCK"));
}

#[actix_web::test]
async fn whatever_a_run_tells_keeps_its_lease() {
    let daemon = with_held_issue().await;
    let id = begun(&daemon, &run_of("dev-e-node/ab12c", 4)).await;
    let issue = conductor_core::identity::IssueRef::parse("acme/web#4").unwrap();
    let worked = async || {
        let signs = daemon.edge.leases.signs_of(&**daemon.store(), &issue).await.unwrap().unwrap();
        assert_eq!(signs.renewed_at, signs.worked_at);
        signs.worked_at
    };
    assert_eq!(worked().await, Some(daemon.edge.now()));
    for (path, body) in [("steps", json!({ "type": "test" })), ("logs", json!([{ "message": "one" }]))] {
        daemon.clock.advance(std::time::Duration::from_secs(60));
        send(&daemon, &format!("/api/execution-logs/{id}/{path}"), &body).await.expect(200);
        assert_eq!(worked().await, Some(daemon.edge.now()), "{path}");
    }
}
