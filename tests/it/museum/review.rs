//! Verdicts that are none, and approvals by those who may not.

use conductor_e::story::ReviewDelivery;
use serde_json::json;

use super::{github, in_review, pull, pull_shows};
use crate::rig::{Rig, about, head};

fn review(reviewer: &str, state: &str, id: u64, pull_number: u64, closes: u64, sha: &str) -> serde_json::Value {
    let pull = pull("submitted", pull_number, closes, "any", sha, 40 + u32::try_from(id).unwrap());
    let state: &'static str = match state {
        "approved" => "approved",
        "commented" => "commented",
        _ => "changes_requested",
    };
    ReviewDelivery { pull, reviewer, state, id }.deliver().body
}

/// A COMMENTED review was taken as a verdict elsewhere, and issues were idle for two days. Here it is an abstention.
async fn museum_a_commented_review_is_no_verdict(rig: &mut Rig) {
    in_review(rig, 1, "dev-e-node", 57).await;
    let sha = head(57, 1);
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "commented", 1, 57, 1, &sha)).await;
    pull_shows(rig, 57, "an abstention", |row| row["review"] == "abstained").await;
    assert_eq!(rig.reaches(1, "in_review").await["state"], "in_review");
    // After a verdict of the same reviewer on the same head it changes nothing at all.
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "approved", 2, 57, 1, &sha)).await;
    rig.reaches(1, "ready_to_merge").await;
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "commented", 3, 57, 1, &sha)).await;
    github(rig, "pull_request_review", &review("review-e-codex-bot[bot]", "commented", 4, 57, 1, &sha)).await;
    rig.eventually("/api/events/stream?id=acme/web%2357", "the second reviewer's abstention", |events| {
        events.as_array().unwrap().iter().any(|event| event["data"]["reviewer"] == "review-e-codex-bot[bot]")
    })
    .await;
    assert_eq!(rig.row(1).await["state"], "ready_to_merge");
}

/// Nobody approves what it produced: not by the login that opened the pull request, not in another casing, not by another
/// login of the same agent.
async fn museum_who_produced_a_change_never_approves_it_by_any_login(rig: &mut Rig) {
    in_review(rig, 1, "dev-e-node", 57).await;
    let sha = head(57, 1);
    for (id, login) in [(1, "dev-e-bot[bot]"), (2, "Dev-E-Bot[Bot]")] {
        github(rig, "pull_request_review", &review(login, "approved", id, 57, 1, &sha)).await;
    }
    refusals_on_record(rig, 57, 2).await;
    assert_eq!(rig.row(1).await["state"], "in_review");

    // A reviewer's own change, approved under its other login: refused; by another reviewer: fine.
    let mut own = pull("opened", 60, 0, "fix/typo", &head(60, 1), 20).deliver().body;
    own["pull_request"]["user"] = json!({"login": "review-e-dashecorp", "type": "User"});
    own["pull_request"]["body"] = json!("A change of the reviewer itself");
    github(rig, "pull_request", &own).await;
    pull_shows(rig, 60, "the reviewer's own change", |row| row["author"] == "review-e-dashecorp").await;
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "approved", 9, 60, 0, &head(60, 1))).await;
    refusals_on_record(rig, 60, 1).await;
    github(rig, "pull_request_review", &review("review-e-codex-bot[bot]", "approved", 10, 60, 0, &head(60, 1))).await;
    pull_shows(rig, 60, "another reviewer's approval", |row| row["review"] == "approved").await;
}

async fn refusals_on_record(rig: &Rig, pull: u64, count: usize) {
    let path = format!("/api/events/stream?id=acme/web%23{pull}");
    let refused = |events: &serde_json::Value| {
        let refused = events.as_array().unwrap().iter().filter(|event| event["type"] == "ApprovalRefused");
        refused.filter(|event| event["data"]["rule"] == "self_approval").count() == count
    };
    rig.eventually(&path, "the refused approvals on record", refused).await;
    let pulls = rig.read("/api/pulls").await;
    assert!(pulls.as_array().unwrap().iter().all(|row| row["prNumber"] != json!(pull) || row["review"] != "approved"));
}

/// Agent and webhook both reported the approval elsewhere. Here that is one effect, as it is of a pull request.
async fn museum_agent_and_webhook_both_report_with_one_effect(rig: &mut Rig) {
    super::label(rig, 1).await;
    let handed = rig.claims("dev-e-node", 1).await;
    let branch = handed["branchHint"].as_str().unwrap();
    let sha = head(57, 1);
    let reported =
        json!({"agentId": "dev-e-node", "prRepo": "acme/web", "prNumber": 57, "branch": branch, "headSha": sha});
    rig.report(&about("PR_CREATED", 1, reported.clone())).await;
    github(rig, "pull_request", &pull("opened", 57, 1, branch, &sha, 10).deliver().body).await;
    rig.reaches(1, "in_review").await;
    assert_eq!(rig.report(&about("PR_CREATED", 1, reported)).await["duplicate"], true);
    let word = rig.report(&about("REVIEW_PASSED", 57, json!({"agentId": "review-e", "headSha": sha}))).await;
    assert_eq!(word["streamId"], "acme/web#57");
    assert_eq!(rig.row(1).await["state"], "in_review", "with GitHub, an agent's word is no verdict");
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "approved", 1, 57, 1, &sha)).await;
    rig.reaches(1, "ready_to_merge").await;
    let count = |types: &[String], kind: &str| types.iter().filter(|one| *one == kind).count();
    let pull_types = rig.types(57).await;
    assert_eq!((count(&pull_types, "PrCreated"), count(&pull_types, "ReviewPassed")), (1, 1), "{pull_types:?}");
    let types = rig.types(1).await;
    assert_eq!(count(&types, "ReviewPassed"), 1, "{types:?}");
    assert_eq!(rig.row(1).await["prNumber"], 57);
}

/// Reviews used `issueNumber` for the pull request's number elsewhere, and crashed for half an hour. Here a number means what
/// the read models know it as.
async fn museum_a_review_may_say_the_pull_requests_number_as_issue_number(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.is_asked("review-e", 57).await;
    let report = about("REVIEW_PASSED", 57, json!({"agentId": "review-e"}));
    assert_eq!(rig.report(&report).await["streamId"], "acme/web#57");
    rig.reaches(1, "ready_to_merge").await;
    rig.get("/api/issues?repo=acme/web").await;
    let issues = rig.read("/api/issues").await;
    assert_eq!(issues.as_array().unwrap().len(), 1, "the pull request is no issue: {issues}");
}

/// A consumer acknowledged work that it had not done (its provider answered 429) elsewhere, and reviews were lost. Here an
/// acknowledgement is no verdict: the reviewer's failure is on record, counts for nothing, and another is asked.
async fn museum_a_review_that_ran_out_of_quota_is_not_lost(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 57).await;
    rig.is_asked("review-e", 57).await;
    let stuck = json!({"agentId": "review-e", "reason": "429 Too Many Requests: usage_limit_reached"});
    assert_eq!(rig.report(&about("AGENT_STUCK", 57, stuck)).await["streamId"], "acme/web#57");
    assert!(rig.types(57).await.contains(&"ReviewFailed".to_owned()));
    let asked = rig.is_asked("review-e-codex", 57).await;
    assert_eq!(asked["attempt"], 1, "it is the first that counts: {asked}");
    let told = rig.read("/api/explain?id=acme/web%2357").await;
    assert!(told["waitsFor"][0]["why"].as_str().unwrap().contains("review-e-codex"), "{told}");
    rig.report(&about("REVIEW_PASSED", 57, json!({"agentId": "review-e-codex"}))).await;
    rig.reaches(1, "ready_to_merge").await;
}

/// Review waited for the run that waited for review elsewhere. Here the change alone decides: it is dispatched while the run that
/// wrote it still goes on.
async fn museum_a_review_does_not_wait_for_the_run_that_waits_for_it(rig: &mut Rig) {
    super::label(rig, 1).await;
    let handed = rig.claims("dev-e-node", 1).await;
    rig.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-node", "leaseToken": handed["lease"]["token"]})))
        .await;
    let (branch, sha) = (handed["branchHint"].as_str().unwrap(), head(57, 1));
    github(rig, "pull_request", &pull("opened", 57, 1, branch, &sha, 10).deliver().body).await;
    assert_eq!(rig.is_asked("review-e", 57).await["headSha"], json!(sha));
    github(rig, "pull_request_review", &review("review-e-bot[bot]", "approved", 1, 57, 1, &sha)).await;
    rig.reaches(1, "ready_to_merge").await;
}

on_both_stores! {
    with_github {
        museum_a_commented_review_is_no_verdict,
        museum_who_produced_a_change_never_approves_it_by_any_login,
        museum_agent_and_webhook_both_report_with_one_effect,
    }
    reviewing {
        museum_a_review_may_say_the_pull_requests_number_as_issue_number,
        museum_a_review_that_ran_out_of_quota_is_not_lost,
    }
    reviewing_with_github { museum_a_review_does_not_wait_for_the_run_that_waits_for_it }
}
