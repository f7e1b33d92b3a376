//! Keys of the broker that are gone, or hold what they should not.

use conductor_test_support::{Reply, ValkeyServer, wait_for};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{PATIENCE, Rig, Setup};
use crate::valkey::count;

/// Waits until so many entries and signals of that agent are there.
async fn is_told(server: &ValkeyServer, agent: &str, times: i64) {
    wait_for(&format!("{times} entries for {agent}"), PATIENCE, || async {
        let entries = count(server, "XLEN", &format!("assignments:{agent}")).await;
        let signals = count(server, "LLEN", &format!("signal:{agent}")).await;
        ((entries, signals) == (times, times)).then_some(())
    })
    .await;
}

/// The database is the truth: what an emptied server lost comes again when its lease has run out, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_emptied_valkey_lost_comes_again_by_expiry() {
    let server = ValkeyServer::start().await;
    let rig = Setup::sqlite().with_short_leases().env("VALKEY_URL", server.url()).start().await;
    rig.eventually("/healthz/deep", "the broker to be reached", |deep| deep["overall"] == "Ok").await;
    rig.approve(1, json!({"stack": "node"})).await;
    is_told(&server, "dev-e-node", 1).await;
    server.flush().await;
    is_told(&server, "dev-e-node", 1).await;
    let stream = rig.stream(1).await;
    let of = |kind: &str| stream.iter().filter(|event| event["type"] == kind).collect::<Vec<&Value>>();
    assert_eq!((of("IssueAssigned").len(), of("LeaseExpired").len()), (2, 1), "{stream:#?}");
    assert_eq!(of("LeaseExpired")[0]["data"]["reason"], "silent");
    let signals = server.ask(&["LRANGE", "signal:dev-e-node", "0", "-1"]).await.texts();
    assert_eq!(signals, [of("IssueAssigned")[1]["id"].as_str().unwrap()], "of the lease that lives");
    rig.close().await;
}

/// What would take half an hour of tries.
async fn dead_letter(rig: &Rig) -> Value {
    wait_for("the dead letter", PATIENCE, || async {
        // The first one alone: the work that it could not bring is handed out again by another.
        rig.sql(
            "UPDATE outbox SET attempts = 14, retry_at = now() WHERE destination = 'valkey' AND attempts > 0 AND NOT dead
                AND NOT EXISTS (SELECT FROM outbox WHERE dead)",
        )
        .await;
        let letters = rig.read("/api/dead-letters").await;
        letters.as_array().unwrap().first().cloned()
    })
    .await
}

/// It is shown with the key's name and keeps nothing else back. Once somebody has mended the key the work comes, by another entry;
/// the letter, tried again, finds that its lease has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_key_of_the_wrong_type_on_postgres_is_a_dead_letter_that_an_operator_retries() {
    let server = ValkeyServer::start().await;
    for key in ["signal:dev-e-node", "assignments:dev-e-dotnet"] {
        assert_eq!(server.ask(&["SET", key, "somebody's own"]).await, Reply::Text("OK".to_owned()));
    }
    let rig = Setup::postgres("wrong_type").await.env("VALKEY_URL", server.url()).start().await;
    rig.approve(1, json!({"stack": "node"})).await;
    rig.reaches(1, "assigned").await;
    let letter = dead_letter(&rig).await;
    let why = letter["error"].as_str().unwrap();
    assert!(why.contains("signal:dev-e-node holds a string where a list belongs"), "{letter}");
    assert_eq!((&letter["lane"], &letter["key"]), (&json!("valkey"), &json!("acme/web#1")));
    rig.approve(2, json!({"stack": "python"})).await;
    is_told(&server, "dev-e-python", 1).await;
    // Every other agent has its group, and the pass that makes them says whose it can't.
    let says = |board: &Value| {
        let mut actors = board["actors"].as_array().unwrap().iter();
        let streams = actors.find(|actor| actor["name"] == "entry-streams").unwrap();
        streams["healthy"] == true
            && streams["detail"].as_str().is_some_and(|detail| detail.starts_with("dev-e-dotnet: "))
    };
    rig.eventually("/healthz/actors", "the pass to say whose stream it can't keep", says).await;
    assert!(matches!(server.ask(&["XPENDING", "assignments:review-e", "agents"]).await, Reply::List(_)));

    assert_eq!(count(&server, "DEL", "signal:dev-e-node").await, 1);
    assert_eq!(count(&server, "XLEN", "assignments:dev-e-node").await, 0, "neither entry nor signal so far");
    let id = letter["id"].as_str().unwrap();
    rig.request(Method::POST, &format!("/api/dead-letters/{id}/retry")).await.expect(200);
    is_told(&server, "dev-e-node", 1).await;
    assert_eq!(rig.read("/api/dead-letters").await, json!([]));
    rig.end().await.holds();
}
