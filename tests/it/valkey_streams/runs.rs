//! Whole runs, at GitHub's end and the agents', with what the log and the API say afterwards.

use conductor_e::story::{Check, PullDelivery, ReviewDelivery};
use conductor_test_support::{Reply, ValkeyServer};
use serde_json::json;

use super::runtime::{Runtime, session};
use super::{beside, label};
use crate::museum::{github, pull};
use crate::rig::{REPO, Rig, Setup, created, head};

/// One test per store.
macro_rules! on_both_stores_beside_the_broker {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::rig::Setup::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::rig::Setup::postgres(stringify!($name)).await).await;
            })+
        }
    };
}

/// The bot pushes the branch that it was told and opens a pull request.
async fn opens(rig: &Rig, branch: &str) {
    github(rig, "pull_request", &pull("opened", 57, 1, branch, &head(57, 1), 10).deliver().body).await;
    rig.reaches(1, "in_review").await;
}

/// Label, entry, run, pull request, review, green, merged, done.
async fn a_success_from_the_label_to_the_merge(setup: Setup) {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, setup.reviewing_with_github()).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    assert!(node.starts().await.is_empty(), "there is nothing yet");
    label(&rig, 1).await;
    let work = node.reads().await;
    assert_eq!((work.number(), work.says("kind"), work.says("attempt")), (1, "work", "1"));
    let run = node.begins(&work).await;
    rig.reaches(1, "in_progress").await;
    assert_eq!(node.is_asked_for().await, (0, 1), "a scaler sees that it is at work");
    opens(&rig, work.says("branchHint")).await;
    assert!(node.ends(&work, &run).await);

    let reviewer = Runtime::new(&rig, &server, "review-e", "review-e-0");
    reviewer.starts().await;
    let review = reviewer.reads().await;
    assert_eq!((review.number(), review.says("kind"), review.says("prNumber")), (57, "review", "57"));
    assert_eq!(review.says("headSha"), head(57, 1));
    let judging = reviewer.begins(&review).await;
    let pull = PullDelivery { second: 20, ..pull("submitted", 57, 1, "any", review.says("headSha"), 20) };
    let approval = ReviewDelivery { pull: pull.clone(), reviewer: "review-e-bot[bot]", state: "approved", id: 1 };
    github(&rig, "pull_request_review", &approval.deliver().body).await;
    assert!(reviewer.ends(&review, &judging).await);
    let green = Check { name: "build", head: pull.head, id: 1, conclusion: "success", pull: 57, second: 21 };
    github(&rig, "check_run", &green.deliver().body).await;
    rig.reaches(1, "ready_to_merge").await;
    let branch = work.says("branchHint");
    github(
        &rig,
        "pull_request",
        &PullDelivery { action: "closed", branch, merged: true, second: 30, ..pull }.deliver().body,
    )
    .await;
    rig.reaches(1, "done").await;

    for agent in [&node, &reviewer] {
        agent.is_not_needed().await;
    }
    for number in [1, 57] {
        conductor_test_support::wait_for("the conversation to be forgotten", crate::rig::PATIENCE, || async {
            (server.ask(&["EXISTS", &session(number)]).await == Reply::Number(0)).then_some(())
        })
        .await;
    }
    let row = rig.row(1).await;
    assert_eq!((&row["attempt"], &row["strikes"], &row["epoch"]), (&json!(1), &json!(0), &json!(1)));
    let runs: Vec<_> = row["executionLogs"].as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!((runs, &row["cost"]["total"]["costUsd"]), (vec![&json!("completed"); 2], &json!(0.5)));
    let learned = rig.read(&format!("/api/repo-learnings?repo={REPO}")).await;
    assert_eq!((&learned[0]["key"], learned.as_array().unwrap().len()), (&json!("tests"), 1));
    assert_eq!(rig.read("/api/agent-logs?agentId=dev-e-node").await[0]["message"], "began");
    rig.close().await;
}

/// The first gives up and says "completed" all the same; another gives up too; then a person decides.
async fn two_that_are_stuck_and_nobody_is_third(setup: Setup) {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, setup.with_github()).await;
    label(&rig, 1).await;
    let mut branches = Vec::new();
    for attempt in ["1", "2"] {
        let holder = rig.reaches(1, "assigned").await["agentId"].as_str().unwrap().to_owned();
        let agent =
            ["dev-e-node", "dev-e-dotnet", "dev-e-python", "ibuild-e"].into_iter().find(|agent| *agent == holder);
        let agent = Runtime::new(&rig, &server, agent.unwrap(), "pod");
        agent.starts().await;
        let work = agent.reads().await;
        assert_eq!((work.number(), work.says("attempt")), (1, attempt));
        let run = agent.begins(&work).await;
        assert_eq!(agent.says("AGENT_STUCK", 1, json!({"reason": "the build never ends"})).await, 200);
        assert!(agent.ends(&work, &run).await);
        agent.is_not_needed().await;
        branches.push((holder, work.says("branchHint").to_owned()));
    }
    assert!(branches[0].0 != branches[1].0 && branches[0].1 != branches[1].1, "{branches:?}");
    let row = rig.reaches(1, "escalated").await;
    assert_eq!((&row["strikes"], &row["agentId"]), (&json!(2), &json!(null)));
    let types = rig.types(1).await;
    let count = |kind: &str| types.iter().filter(|found| *found == kind).count();
    assert_eq!((count("IssueAssigned"), count("AgentStuck"), count("Escalated")), (2, 2, 1), "{types:?}");
    rig.close().await;
}

/// The process dies in the middle of its run; the next one of its name finds the entry among its own, under the same lease.
async fn a_crash_and_a_restart_are_one_lease(setup: Setup) {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, setup.with_github()).await;
    let first = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    first.starts().await;
    label(&rig, 1).await;
    let work = first.reads().await;
    first.begins(&work).await;

    let second = Runtime::new(&rig, &server, "dev-e-node", "cd34e");
    let own = second.starts().await;
    assert_eq!(own.iter().map(|job| &job.id).collect::<Vec<_>>(), [&work.id], "what the dead one left");
    assert_eq!(own[0].says("leaseToken"), work.says("leaseToken"));
    let run = second.begins(&own[0]).await;
    opens(&rig, own[0].says("branchHint")).await;
    assert!(second.ends(&own[0], &run).await);
    second.is_not_needed().await;
    let types = rig.types(1).await;
    assert_eq!(types.iter().filter(|kind| *kind == "IssueAssigned").count(), 1, "{types:?}");
    assert!(!types.contains(&"LeaseExpired".to_owned()), "{types:?}");
    let runs = rig.read(&format!("/api/execution-logs?repo={REPO}&issueNumber=1")).await;
    let runs: Vec<_> = runs.as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!(runs, ["completed", "running"], "of the dead one's nobody heard the end");
    rig.close().await;
}

/// A reviewer says what it thinks by the API, where there is no GitHub; then the author does its rework, by an entry too.
async fn a_disputed_review_brings_rework_to_its_author(setup: Setup) {
    let server = ValkeyServer::start().await;
    let rig = beside(&server, setup.reviewing()).await;
    let node = Runtime::new(&rig, &server, "dev-e-node", "ab12c");
    node.starts().await;
    rig.approve(1, json!({"stack": "node"})).await;
    let work = node.reads().await;
    let run = node.begins(&work).await;
    assert_eq!(node.says("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1))).await, 200);
    node.ends(&work, &run).await;

    let reviewer = Runtime::new(&rig, &server, "review-e", "review-e-0");
    reviewer.starts().await;
    let review = reviewer.reads().await;
    let judging = reviewer.begins(&review).await;
    let why = json!({"headSha": review.says("headSha"), "body": "no test"});
    assert_eq!(reviewer.says("REVIEW_DISPUTED", 57, why).await, 200);
    reviewer.ends(&review, &judging).await;

    let rework = node.reads().await;
    for (field, value) in [("kind", "rework"), ("issueNumber", "1"), ("prNumber", "57"), ("feedback", "no test")] {
        assert_eq!(rework.says(field), value, "{field}");
    }
    let run = node.begins(&rework).await;
    assert_eq!(node.says("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 2))).await, 200);
    node.ends(&rework, &run).await;
    let again = reviewer.reads().await;
    assert_eq!((again.number(), again.says("headSha")), (57, &*head(57, 2)));
    assert_eq!(reviewer.says("REVIEW_PASSED", 57, json!({"headSha": head(57, 2)})).await, 200);
    assert!(reviewer.acknowledges(&again).await);
    rig.reaches(1, "ready_to_merge").await;
    node.is_not_needed().await;
    reviewer.is_not_needed().await;
    rig.close().await;
}

on_both_stores_beside_the_broker! {
    a_success_from_the_label_to_the_merge,
    two_that_are_stuck_and_nobody_is_third,
    a_crash_and_a_restart_are_one_lease,
    a_disputed_review_brings_rework_to_its_author,
}
