//! Reviews, from the change to its verdict: who is asked, what it is told, and who follows where it doesn't answer.

use conductor_e::story::ReviewDelivery;
use serde_json::{Value, json};

use crate::rig::{Rig, about, created, head};

fn heartbeat(agent: &str) -> Value {
    json!({"type": "HEARTBEAT", "agentId": agent, "status": "idle"})
}

/// A change is opened, its reviewer asks, and its verdict takes the issue on.
async fn a_reviewer_that_asks_is_given_the_same_until_its_verdict(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    let asked = rig.is_asked("review-e", 57).await;
    assert_eq!((&asked["kind"], &asked["streamId"]), (&json!("review"), &json!("acme/web#57")));
    assert_eq!((&asked["headSha"], &asked["linkedIssues"]), (&json!(head(57, 1)), &json!(["acme/web#1"])));
    assert_eq!((&asked["issue"]["number"], &asked["attempt"]), (&json!(57), &json!(1)), "{asked}");
    assert!(asked["deadline"].is_string() && asked["lease"]["token"].is_null(), "{asked}");
    assert_eq!(rig.read("/api/reviews/next?agentId=review-e/ab12c").await, asked, "any instance, however often");
    assert_eq!(rig.get("/api/reviews/next?agentId=review-e-codex").await.status, 204, "one is asked at a time");
    rig.get("/api/reviews/next?agentId=dev-e-node").await.refused(403, "forbidden");
    let path = "/api/issues?repo=acme/web";
    rig.eventually(path, "the issue to say that a review is asked for", |rows| rows[0]["review"] == "requested").await;

    let verdict = |by: &str| about("REVIEW_PASSED", 57, json!({"agentId": by, "headSha": head(57, 1)}));
    let sentence = rig.post(&verdict("review-e-codex")).await.refused(409, "lost_race");
    assert!(sentence.contains("review-e is"), "{sentence}");
    rig.report(&verdict("review-e")).await;
    rig.reaches(1, "ready_to_merge").await;
    assert_eq!(rig.get("/api/reviews/next?agentId=review-e").await.status, 204);
    assert_eq!(rig.report(&verdict("review-e")).await["duplicate"], true);
    let types = rig.types(57).await;
    assert!(types.contains(&"ReviewReported".to_owned()), "what nobody asked for is on record: {types:?}");
}

/// A dispute leads to more commits, and those to another question about the new head.
async fn a_new_head_is_another_question(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.is_asked("review-e", 57).await;
    rig.report(&about("REVIEW_DISPUTED", 57, json!({"agentId": "review-e", "body": "no test"}))).await;
    rig.reaches(1, "changes_requested").await;
    assert_eq!(rig.claims("dev-e-node", 1).await["feedback"], "no test");
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 2)))).await;
    let path = "/api/reviews/next?agentId=review-e";
    rig.eventually(path, "the new head to be asked about", |asked| asked["headSha"] == head(57, 2)).await;
}

/// Who doesn't answer in time is followed by another.
async fn a_reviewer_that_times_out_is_followed_by_another(rig: &mut Rig) {
    for reviewer in ["review-e", "review-e-codex"] {
        rig.report(&heartbeat(reviewer)).await;
    }
    rig.in_review(1, "dev-e-node", 57).await;
    rig.is_asked("review-e", 57).await;
    rig.is_asked("review-e-codex", 57).await;
    let events = rig.stream(57).await;
    let failed = events.iter().find(|event| event["type"] == "ReviewFailed").unwrap();
    assert_eq!((&failed["data"]["reviewer"], &failed["data"]["reason"]), (&json!("review-e"), &json!("timeout")));
    assert_eq!(failed["metadata"]["rule"]["name"], "review_deadline");
    rig.post(&about("REVIEW_PASSED", 57, json!({"agentId": "review-e"}))).await.refused(409, "lost_race");
}

/// A pull request that nobody reviews says why.
async fn why_nobody_reviews_it_is_explained(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    let told = rig.read("/api/explain?id=acme/web%2357").await;
    let waits: Vec<&str> = told["waitsFor"].as_array().unwrap().iter().filter_map(|one| one["rule"].as_str()).collect();
    assert_eq!(waits, ["review", "review_settling"], "{told}");
    rig.overrule(&json!({"kind": "pause", "target": "rig", "reason": "release day"})).await.expect(200);
    let told = rig.read("/api/explain?id=acme/web%2357").await;
    assert_eq!(told["waitsFor"][1]["rule"], "paused", "{told}");
}

/// GitHub's reviews answer a dispatch too: a comment is no verdict, so another is asked.
async fn a_comment_at_github_answers_and_another_is_asked(rig: &mut Rig) {
    crate::museum::in_review(rig, 1, "dev-e-node", 57).await;
    let review = |reviewer: &'static str, state: &'static str, id: u64| {
        let sha = head(57, 1);
        let pull = crate::museum::pull("submitted", 57, 1, "any", &sha, 40 + u32::try_from(id).unwrap());
        ReviewDelivery { pull, reviewer, state, id }.deliver().body
    };
    rig.is_asked("review-e", 57).await;
    crate::museum::github(rig, "pull_request_review", &review("review-e-bot[bot]", "commented", 1)).await;
    rig.is_asked("review-e-codex", 57).await;
    crate::museum::github(rig, "pull_request_review", &review("review-e-codex-bot[bot]", "approved", 2)).await;
    rig.reaches(1, "ready_to_merge").await;
    assert_eq!(rig.get("/api/reviews/next?agentId=review-e-codex").await.status, 204);
}

/// A dispatch outlives the daemon.
async fn a_restart_forgets_no_question(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    let asked = rig.is_asked("review-e", 57).await;
    rig.daemon.kill9();
    rig.daemon.restart().await;
    assert_eq!(rig.read("/api/reviews/next?agentId=review-e").await, asked);
}

on_both_stores! {
    reviewing {
        a_reviewer_that_asks_is_given_the_same_until_its_verdict,
        a_new_head_is_another_question,
        a_restart_forgets_no_question,
    }
    impatient { a_reviewer_that_times_out_is_followed_by_another }
    alone { why_nobody_reviews_it_is_explained }
    reviewing_with_github { a_comment_at_github_answers_and_another_is_asked }
}
