//! Consumers that die, lie, or are two.

use conductor_test_support::ValkeyServer;
use serde_json::{Value, json};

use super::beside;
use super::runtime::Runtime;
use crate::rig::{PATIENCE, Rig, Setup, created, head};

/// Agents are gone after so many seconds, and whoever is suspected is looked at within one.
fn gone_after(seconds: u64) -> Setup {
    Setup::sqlite().config(&format!(
        "[timers]\nonline_within = \"1s\"\noffline_after = \"{seconds}s\"\nentry_idle = \"1s\"\n\
         review_after = \"1ms\"\nreview_apart = \"1ms\"\n"
    ))
}

/// Nobody is ever gone, but entries are looked at soon.
const PATIENT: &str = "[timers]\nonline_within = \"1s\"\nentry_idle = \"1s\"\n";

/// How the reaper is.
async fn reaper(rig: &Rig) -> Value {
    let board = rig.read("/healthz/actors").await;
    board["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == "stream-reaper").unwrap().clone()
}

/// What it did since the start.
async fn reaped(rig: &Rig, what: &str) -> u64 {
    reaper(rig).await["totals"][what].as_u64().unwrap_or(0)
}

async fn reason_of(rig: &Rig, number: u64, kind: &str) -> Value {
    let stream = rig.stream(number).await;
    stream.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {stream:#?}"))["data"]["reason"].clone()
}

/// Its entry is acknowledged in its place, and whoever fits and is there has the work as an entry of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_work_and_dies_is_followed_by_one_who_lives() {
    let server = ValkeyServer::start().await;
    // Who was heard from last is remembered for ten seconds where work is handed out.
    let rig = beside(&server, gone_after(11)).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    rig.approve(1, json!({})).await;
    let taken = node.reads().await;
    node.begins(&taken).await;

    let python = Runtime::new(&rig, &server, "dev-e-python", "ef56a");
    python.starts().await;
    python.beats_until("the work to come again", async || (python.is_asked_for().await.0 == 1).then_some(())).await;
    let again = python.reads().await;
    assert_eq!((again.number(), again.says("attempt")), (1, "2"));
    assert_ne!(again.says("leaseToken"), taken.says("leaseToken"));
    assert_eq!(reason_of(&rig, 1, "LeaseExpired").await, "unheard");
    node.is_not_needed().await;
    assert_eq!((reaped(&rig, "leases").await, reaped(&rig, "fired").await), (1, 1));
    let row = rig.row(1).await;
    assert_eq!((&row["agentId"], &row["strikes"]), (&json!("dev-e-python"), &json!(0)), "losing a pod is no failure");
    // It wakes up after all.
    assert_eq!(node.says("AGENT_STUCK", 1, json!({"reason": "no", "leaseToken": taken.says("leaseToken")})).await, 409);
    assert!(!node.acknowledges(&taken).await);
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewer_that_takes_its_review_and_dies_is_followed_by_another() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, gone_after(3)).await;
    rig.approve(1, json!({"stack": "node"})).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    let work = node.reads().await;
    assert_eq!(node.says("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1))).await, 200);
    node.acknowledges(&work).await;
    let dead = Runtime::new(&rig, &server, "review-e", "review-e-0");
    dead.starts().await;
    dead.reads().await;

    let other = Runtime::new(&rig, &server, "review-e-codex", "review-e-codex-0");
    other.starts().await;
    other.beats_until("the review to come again", async || (other.is_asked_for().await.0 == 1).then_some(())).await;
    let review = other.reads().await;
    assert_eq!((review.number(), review.says("kind"), review.says("attempt")), (57, "review", "2"));
    assert_eq!(reason_of(&rig, 57, "ReviewFailed").await, "unheard");
    dead.is_not_needed().await;
    assert_eq!(reaped(&rig, "dispatches").await, 1);
    assert_eq!(other.says("REVIEW_PASSED", 57, json!({"headSha": head(57, 1)})).await, 200);
    other.acknowledges(&review).await;
    rig.reaches(1, "ready_to_merge").await;
    rig.close().await;
}

/// Its heartbeats starve, and its run goes on: whoever works is no dead one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewer_whose_run_goes_on_is_left_alone_without_heartbeats() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, gone_after(3)).await;
    rig.approve(1, json!({"stack": "node"})).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    let work = node.reads().await;
    assert_eq!(node.says("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1))).await, 200);
    node.acknowledges(&work).await;
    let reviewer = Runtime::new(&rig, &server, "review-e", "review-e-0");
    reviewer.starts().await;
    let review = reviewer.reads().await;
    let run = reviewer.begins(&review).await;
    conductor_test_support::wait_for(
        "its heartbeats to be missed, and the reaper to have looked since",
        PATIENCE,
        || async {
            reviewer.logs(&run).await;
            let gone = rig
                .log()
                .await
                .into_iter()
                .find(|event| event["type"] == "AgentOffline" && event["streamId"] == "review-e")?;
            (reaper(&rig).await["lastPass"].as_str()? > gone["timestamp"].as_str()?).then_some(())
        },
    )
    .await;
    assert_eq!((reaped(&rig, "dispatches").await, reviewer.is_asked_for().await), (0, (0, 1)));
    assert_eq!(reviewer.says("REVIEW_PASSED", 57, json!({"headSha": head(57, 1)})).await, 200);
    reviewer.ends(&review, &run).await;
    rig.reaches(1, "ready_to_merge").await;
    rig.close().await;
}

/// A consumer acknowledged work that it had not done elsewhere (its provider's answer was 429), and reviews were lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_acknowledged_is_not_done_and_the_work_comes_again() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, Setup::sqlite().with_short_leases()).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    rig.approve(1, json!({"stack": "node"})).await;
    let taken = node.reads().await;
    assert!(node.acknowledges(&taken).await);
    node.beats_until("the work to come again", async || (node.is_asked_for().await.0 == 1).then_some(())).await;
    let again = node.reads().await;
    assert_ne!(again.says("leaseToken"), taken.says("leaseToken"));
    assert_eq!(reason_of(&rig, 1, "LeaseExpired").await, "not_started");
    rig.close().await;
}

/// Replicas shared one consumer name elsewhere and did the work twice, with two effects. Here there is one lease, and what the second
/// one says after its end is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_two_pods_under_one_consumer_name_have_one_lease() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, Setup::sqlite().reviewing()).await;
    let first = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    first.starts().await;
    rig.approve(1, json!({"stack": "node"})).await;
    let work = first.reads().await;
    let run = first.begins(&work).await;
    let second = Runtime::new(&rig, &server, "dev-e-node", "cd34e");
    let own = second.starts().await;
    assert_eq!(own.len(), 1, "the other one's entry, since the names are the same");
    let other_run = second.begins(&own[0]).await;

    assert_eq!(first.says("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1))).await, 200);
    rig.reaches(1, "in_review").await;
    assert_eq!(second.says("AGENT_STUCK", 1, json!({"reason": "somebody pushed"})).await, 409);
    assert!(first.ends(&work, &run).await);
    assert!(!second.ends(&own[0], &other_run).await, "it is acknowledged already");
    let row = rig.row(1).await;
    assert_eq!((&row["state"], &row["strikes"], &row["epoch"]), (&json!("in_review"), &json!(0), &json!(1)));
    assert!(rig.types(1).await.contains(&"StaleLeaseRefused".to_owned()));
    first.is_not_needed().await;
    rig.close().await;
}

/// A runtime that dies of an entry finds it among its own first at every start, and would never come to anything else. Once nobody
/// wants its answer any more, it is taken away, however lively the runtime says that it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_consumers_die_of_is_taken_away_once_it_is_over() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, Setup::sqlite().config(PATIENT)).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    rig.approve(1, json!({"stack": "node"})).await;
    let poison = node.reads().await;
    for _ in 0..4 {
        assert_eq!(node.starts().await.len(), 1, "it is its own, first of all");
    }
    node.beats_until("the reaper to notice", async || (reaped(&rig, "poison").await > 0).then_some(())).await;
    let says = reaper(&rig).await["detail"].as_str().unwrap().to_owned();
    assert!(says.starts_with(&format!("dev-e-node was handed entry {} ", poison.id)), "{says}");
    assert_eq!(rig.row(1).await["epoch"], 1, "its lease lives, and has its own time");
    rig.report(&crate::rig::about("ISSUE_CANCELLED", 1, json!({"reason": "it kills agents"}))).await;
    node.beats_until("the entry to go", async || (node.is_asked_for().await == (0, 0)).then_some(())).await;
    assert_eq!(reaped(&rig, "stale").await, 1);
    rig.approve(2, json!({"stack": "node"})).await;
    assert!(node.starts().await.is_empty());
    assert_eq!(node.reads().await.number(), 2);
    rig.close().await;
}

/// What somebody else put into a stream is nobody's lease: it is taken away once nobody can be at it, and moves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_added_to_a_stream_goes_when_its_reader_is_gone() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, gone_after(3)).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    for fields in [["repo", "acme/web", "issueNumber", "9"], ["who", "knows", "eventId", "what"]] {
        server.ask(&[&["XADD", "assignments:dev-e-node", "*"], &fields[..]].concat()).await;
        server.ask(&["XREADGROUP", "GROUP", "agents", "dev-e-node", "STREAMS", "assignments:dev-e-node", ">"]).await;
    }
    assert_eq!(node.is_asked_for().await.1, 2);
    conductor_test_support::wait_for("them to go", PATIENCE, || async {
        (reaped(&rig, "stale").await == 2).then_some(())
    })
    .await;
    node.is_not_needed().await;
    assert_eq!(rig.read("/api/issues").await, json!([]));
    rig.close().await;
}
