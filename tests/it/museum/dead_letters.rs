//! "One poisoned message stopped its queue for ever": it becomes a dead letter, frees its key, and is shown.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::Setup;

/// One try more, and it is given up on.
const LAST_TRY: u32 = 14;

/// An effect that nobody can read, before all others of an issue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_a_poisoned_effect_on_postgres_frees_its_key_and_is_shown() {
    let rig = Setup::postgres("poisoned").await.alone().start().await;
    rig.sql(&format!(
        "INSERT INTO outbox (id, destination, key, event_id, effect, since, attempts) VALUES
            ('00000000-0000-4000-8000-000000000007', 'internal', 'acme/web#1', gen_random_uuid(), '{{}}',
             now() - interval '1 hour', {LAST_TRY})"
    ))
    .await;
    // What the pull request tells the issue comes after it, under the same key.
    rig.in_review(1, "dev-e-node", 57).await;
    let has_one = |letters: &Value| letters.as_array().unwrap().len() == 1;
    let letters = rig.eventually("/api/dead-letters", "the dead letter", has_one).await;
    assert_eq!((&letters[0]["lane"], &letters[0]["key"]), (&json!("internal"), &json!("acme/web#1")), "{letters}");
    assert_eq!(letters[0]["attempts"], LAST_TRY + 1);
    let deep = rig.read("/healthz/deep").await;
    assert_eq!((&deep["lanes"][1]["lane"], &deep["lanes"][1]["dead"]), (&json!("internal"), &json!(1)), "{deep}");
    assert!(deep["warnings"][0].as_str().unwrap().contains("/api/dead-letters"), "{deep}");

    let id = letters[0]["id"].as_str().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conductor-e"));
        let done = command.args(arguments).env("CONDUCTOR_URL", rig.daemon.url()).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
    };
    let (code, listed) = command(&["dead-letters"]);
    assert!(code == Some(0) && listed.contains(id) && listed.contains("acme/web#1"), "{listed}");
    let (code, retried) = command(&["dead-letters", "retry", id]);
    assert_eq!((code, retried.as_str()), (Some(0), format!("{id}: waiting for its next try.\n").as_str()));
    assert_eq!(command(&["dead-letters", "retry", id]).0, Some(1), "it isn't dead any more");
    let waits = |deep: &Value| (&deep["lanes"][1]["waiting"], &deep["lanes"][1]["dead"]) == (&json!(1), &json!(0));
    let deep = rig.eventually("/healthz/deep", "it to wait again", waits).await;
    assert!(deep["lanes"][1]["oldestSeconds"].as_u64().unwrap() >= 3600, "its age shows: {deep}");
    rig.end().await.holds();
}

/// A delivery that nobody can read, before all others of an issue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_a_poisoned_delivery_on_postgres_frees_its_key_and_is_shown() {
    let rig = Setup::postgres("unreadable").await.with_github().start().await;
    rig.sql(&format!(
        r#"INSERT INTO inbox (id, event, ordering_key, body, received_at, state, attempts) VALUES
            ('poison', 'issues', 'acme/web#1', '{{"issue":{{"number":"seven"}}}}', now(), 'waiting', {LAST_TRY})"#
    ))
    .await;
    super::label(&rig, 1).await;
    let letters = rig.read("/api/dead-letters").await;
    assert_eq!((&letters[0]["id"], &letters[0]["lane"]), (&json!("delivery-poison"), &json!("inbox")), "{letters}");
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["what"]), (1, &json!("issues")));
    assert!(!letters.to_string().contains("seven\""), "what a stranger sent is not shown: {letters}");
    rig.request(Method::POST, "/api/dead-letters/delivery-poison/retry").await.expect(200);
    assert_eq!(rig.read("/api/dead-letters").await, json!([]));
    rig.end().await.holds();
}
