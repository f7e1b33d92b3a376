//! Facts in any order, and what follows from them.

use conductor_e::story::{Check, IssueDelivery, PullDelivery};
use serde_json::json;

use super::{github, in_review, label, pull, pull_shows};
use crate::rig::{Rig, head};

/// A closed pull request cancelled its issue elsewhere. Here the issue goes back to the queue, for another agent; a second one
/// brings a person.
async fn museum_a_closed_pull_request_does_not_cancel_its_issue(rig: &mut Rig) {
    let branch = in_review(rig, 1, "dev-e-node", 57).await;
    github(rig, "pull_request", &pull("closed", 57, 1, &branch, &head(57, 1), 20).deliver().body).await;
    let row = rig.reaches(1, "queued").await;
    assert_eq!((&row["strikes"], &row["agentId"]), (&json!(0), &json!(null)));
    assert_eq!(rig.next("dev-e-node").await, None, "its author is excluded");
    let handed = rig.claims("dev-e-python", 1).await;
    let branch = handed["branchHint"].as_str().unwrap();
    github(rig, "pull_request", &pull("opened", 58, 1, branch, &head(58, 1), 30).deliver().body).await;
    rig.reaches(1, "in_review").await;
    github(rig, "pull_request", &pull("closed", 58, 1, branch, &head(58, 1), 40).deliver().body).await;
    rig.reaches(1, "escalated").await;
}

/// A nightly job's failure on the main branch was blamed on the last merged pull request elsewhere. Here a check belongs to
/// the commit that it ran on, or to nobody.
async fn museum_a_failure_on_another_commit_is_blamed_on_nobody(rig: &mut Rig) {
    in_review(rig, 1, "dev-e-node", 57).await;
    let before = rig.head().await;
    let nightly = Check { name: "nightly", head: &head(99, 9), id: 7, conclusion: "failure", pull: 57, second: 50 };
    let mut body = nightly.deliver().body;
    body["check_run"]["pull_requests"] = json!([]);
    github(rig, "check_run", &body).await;
    // A check of the pull request's own head, delivered after it, shows that the first one was worked off.
    let own = Check { name: "build", head: &head(57, 1), id: 8, conclusion: "success", pull: 57, second: 51 };
    github(rig, "check_run", &own.deliver().body).await;
    pull_shows(rig, 57, "its own green check", |row| row["ci"] == "passed").await;
    let since = rig.log().await.into_iter().filter(|event| event["position"].as_u64().unwrap() > before);
    assert!(since.into_iter().all(|event| !event.to_string().contains("nightly")), "the nightly failure is nobody's");
    assert_eq!(rig.row(1).await["state"], "in_review");
}

/// Webhooks doubled and reordered give the same row: merge, then close, then the late opening.
async fn museum_deliveries_in_the_wrong_order_give_the_same_row(rig: &mut Rig) {
    label(rig, 1).await;
    let branch = rig.claims("dev-e-node", 1).await["branchHint"].as_str().unwrap().to_owned();
    let last = head(57, 2);
    let merged = PullDelivery { merged: true, ..pull("closed", 57, 1, &branch, &last, 70) };
    github(rig, "pull_request", &merged.deliver().body).await;
    rig.reaches(1, "done").await;
    let closed =
        IssueDelivery { action: "closed", number: 1, title: "x", body: "", labels: &["agent-ready"], second: 71 };
    github(rig, "issues", &closed.deliver().body).await;
    let check = Check { name: "build", head: &head(57, 1), id: 1, conclusion: "failure", pull: 57, second: 20 };
    github(rig, "check_run", &check.deliver().body).await;
    github(rig, "pull_request", &pull("synchronize", 57, 1, &branch, &head(57, 2), 30).deliver().body).await;
    github(rig, "pull_request", &pull("opened", 57, 1, &branch, &head(57, 1), 10).deliver().body).await;
    label_again(rig, 2).await;
    let row = rig.row(1).await;
    assert_eq!(
        (&row["state"], &row["prNumber"], &row["headSha"]),
        (&json!("done"), &json!(57), &json!(head(57, 2))),
        "{row}"
    );
    let types = rig.types(1).await;
    assert_eq!(types.iter().filter(|kind| *kind == "IssueDone").count(), 1, "{types:?}");
}

/// Deliveries of one repository are worked off in order only per number; another issue's row shows that all before were
/// taken in, and the pull request's head that they were worked off.
async fn label_again(rig: &Rig, number: u64) {
    label(rig, number).await;
    pull_shows(rig, 57, "the newest head", |row| row["headSha"] == head(57, 2) && row["state"] == "merged").await;
}

/// A conflict had no way out elsewhere. Here its author is asked to mend it, and the next head is judged anew.
async fn museum_a_merge_conflict_has_a_way_out(rig: &mut Rig) {
    let branch = in_review(rig, 1, "dev-e-node", 57).await;
    let mut conflict = pull("edited", 57, 1, &branch, &head(57, 1), 20).deliver().body;
    conflict["pull_request"]["mergeable"] = json!(false);
    github(rig, "pull_request", &conflict).await;
    rig.reaches(1, "changes_requested").await;
    let types = rig.types(1).await;
    assert!(types.contains(&"MergeConflict".to_owned()), "{types:?}");
    let rework = rig.claims("dev-e-node", 1).await;
    assert_eq!((&rework["kind"], &rework["branchHint"]), (&json!("rework"), &json!(branch)));
    github(rig, "pull_request", &pull("synchronize", 57, 1, &branch, &head(57, 2), 30).deliver().body).await;
    assert_eq!(rig.reaches(1, "in_review").await["headSha"], head(57, 2));
}

on_both_stores! {
    with_github {
        museum_a_closed_pull_request_does_not_cancel_its_issue,
        museum_a_failure_on_another_commit_is_blamed_on_nobody,
        museum_deliveries_in_the_wrong_order_give_the_same_row,
        museum_a_merge_conflict_has_a_way_out,
    }
}
