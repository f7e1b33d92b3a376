use serde_json::json;

use super::github::{Check, IssueDelivery, PullDelivery, ReviewDelivery};
use super::rig::Rig;

const FIRST_HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SECOND_HEAD: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const AGENT: &str = "dev-e-node";
const PULL: u64 = 57;

/// Issue 42: label, claim, work, pull request, red CI, rework, push, green, two reviews, merge, done.
///
/// # Errors
/// The first step that doesn't hold.
pub async fn from_label_to_done(rig: &Rig) -> anyhow::Result<()> {
    rig.narrator().headline("Issue 42: from the label to done");
    let issue = |action, second| IssueDelivery {
        action,
        number: 42,
        title: "Mend the login",
        body: "It answers 500 to everybody whose name has an umlaut.",
        labels: &["agent-ready"],
        second,
    };
    rig.github("delivers issues.labeled (agent-ready) for #42", issue("labeled", 1).deliver()).await?;
    rig.reaches(42, "queued").await?;
    let handed = rig.claims(AGENT, 42).await?;
    rig.reaches(42, "assigned").await?;
    let lease = json!({"leaseToken": handed["lease"]["token"]});
    rig.reports(AGENT, "WORK_STARTED", 42, lease.clone()).await?;
    rig.reaches(42, "in_progress").await?;
    rig.is_refused("dev-e-python", "WORK_STARTED", 42, json!({}), 409).await?;

    let branch = handed["branchHint"].as_str().unwrap_or_default().to_owned();
    let pull = |action, head, second| PullDelivery {
        action,
        number: PULL,
        closes: 42,
        branch: &branch,
        head,
        merged: false,
        second,
    };
    rig.github("delivers pull_request.opened for #57", pull("opened", FIRST_HEAD, 10).deliver()).await?;
    rig.reaches(42, "in_review").await?;
    let check = |head, id, conclusion, second| Check { name: "build", head, id, conclusion, pull: PULL, second };
    rig.github("delivers check_run.completed: failure", check(FIRST_HEAD, 1, "failure", 20).deliver()).await?;
    rig.reaches(42, "changes_requested").await?;

    let rework = rig.claims(AGENT, 42).await?;
    rig.narrator().act(AGENT, &format!("reads the feedback: {}", super::rig::text(&rework["feedback"])));
    let lease = json!({"leaseToken": rework["lease"]["token"]});
    rig.reports(AGENT, "WORK_STARTED", 42, lease).await?;
    rig.github("delivers pull_request.synchronize", pull("synchronize", SECOND_HEAD, 30).deliver()).await?;
    rig.reaches(42, "in_review").await?;
    rig.github("delivers check_run.completed: success", check(SECOND_HEAD, 2, "success", 40).deliver()).await?;
    rig.pull_shows(PULL, "green checks", |row| row["ci"] == json!("passed")).await?;

    rig.is_asked("review-e", PULL).await?;
    let review = |reviewer, id, second| ReviewDelivery {
        pull: pull("submitted", SECOND_HEAD, second),
        reviewer,
        state: "approved",
        id,
    };
    rig.github("delivers an approval by the author itself", review("dev-e-bot[bot]", 1, 50).deliver()).await?;
    let refused = rig.logs(PULL, "ApprovalRefused").await?;
    rig.narrator().refused(&format!("{} (on record)", super::rig::text(&refused["data"]["rule"])));
    rig.reaches(42, "in_review").await?;
    rig.github("delivers an approval by review-e", review("review-e-bot[bot]", 2, 60).deliver()).await?;
    rig.reaches(42, "ready_to_merge").await?;

    let merged = PullDelivery { merged: true, ..pull("closed", SECOND_HEAD, 70) };
    rig.github("delivers pull_request.closed: merged", merged.deliver()).await?;
    rig.github("delivers issues.closed", issue("closed", 71).deliver()).await?;
    rig.reaches(42, "done").await?;
    Ok(())
}
