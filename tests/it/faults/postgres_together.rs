//! Two daemons on one PostgreSQL, as during a rolling update.

use std::collections::HashSet;

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::rig::{Load, PATIENCE, Rig, Setup, Unanswered, about, created, head};

const ROUNDS: u64 = 100;

async fn two(name: &str) -> (Rig, Rig) {
    let setup = Setup::postgres(name).await.reviewing();
    // Both migrate an empty database at the same time.
    join(setup.clone().start(), setup.start()).await
}

/// One story told across both: whoever is asked knows what the other was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_on_one_postgres_tell_one_story() {
    let (one, other) = two("story").await;
    let approved = one.approve(1, json!({})).await;
    assert_eq!(other.approve(2, json!({})).await["position"], 2, "one log");
    assert_eq!(
        other.approve(1, json!({})).await["position"],
        approved["position"],
        "a repeat, recognised by the other"
    );
    other
        .eventually("/api/queue", "both issues in the other's queue", |queue| queue.as_array().unwrap().len() == 2)
        .await;
    let handed = other.claims("dev-e-node", 1).await;
    one.eventually("/api/queue", "the claim to have reached the one", |queue| queue[0]["issueNumber"] == 2).await;
    assert_eq!(one.next("dev-e-node").await, Some(handed), "the same assignment from the other daemon");
    one.report(&about("WORK_STARTED", 1, json!({"agentId": "dev-e-node"}))).await;
    other.report(&about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1)))).await;
    one.reaches(1, "in_review").await;
    one.pull_is_known(57, 1).await;
    one.is_asked("review-e", 57).await;
    one.report(&about("REVIEW_PASSED", 1, json!({"agentId": "review-e"}))).await;
    other.reaches(1, "ready_to_merge").await;
    other.report(&about("MERGED", 1, json!({}))).await;
    one.reaches(1, "done").await;
    assert_eq!(one.types(1).await, other.types(1).await);
    other.claims("dev-e-node", 2).await;
    one.close().await;
    other.close().await;
}

/// Callers of both daemons race for the same issue, and one key is used at both at once: the append decides, so one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_museum_callers_of_two_daemons_on_one_postgres_race_and_one_wins() {
    let (one, other) = two("race").await;
    let daemons = [&one, &other];
    for round in 1..=ROUNDS {
        let approval = about("ISSUE_APPROVED", round, json!({"title": "x"}));
        let key = format!("approve-{round}");
        let approved = join_all((0..4).map(|caller| daemons[caller % 2].post_keyed(&approval, &key))).await;
        assert!(approved.iter().all(|reply| reply.expect(200) == approved[0].json()), "one effect: {approved:?}");
        let assign = |caller: usize| about("ISSUE_ASSIGNED", round, json!({"agentId": format!("racer-{caller}")}));
        let assignments: Vec<_> = (0..8).map(assign).collect();
        let replies =
            join_all(assignments.iter().enumerate().map(|(caller, body)| daemons[caller % 2].post(body))).await;
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(won, 1, "{replies:?}");
        replies.iter().filter(|reply| reply.status != 200).for_each(|reply| drop(reply.refused(409, "lost_race")));
        daemons[round as usize % 2].report(&about("ISSUE_DONE", round, json!({}))).await;
    }
    one.close().await;
    other.close().await;
}

/// Both pull from one queue: no issue is handed out twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_museum_two_daemons_on_one_postgres_hand_out_each_issue_once() {
    let (one, other) = two("share").await;
    let daemons = [&one, &other];
    for number in 1..=4 * ROUNDS {
        daemons[number as usize % 2].approve(number, json!({})).await;
    }
    let work = |caller: usize| async move {
        let (agent, mut handed) = (format!("racer-{caller}"), Vec::new());
        // Two by turns, as behind a load balancer; nothing to be had may mean that one hasn't heard of the rest yet.
        for turn in 0.. {
            let daemon = daemons[(caller + turn) % 2];
            match daemon.next(&agent).await {
                Some(assignment) => {
                    let number = assignment["issue"]["number"].as_u64().unwrap();
                    handed.push(number);
                    daemon.report(&about("ISSUE_DONE", number, json!({}))).await;
                }
                None if daemon.read("/api/issues?state=queued&limit=1").await == json!([]) => break,
                None => {}
            }
        }
        handed
    };
    let handed: Vec<u64> = join_all((0..4).map(work)).await.into_iter().flatten().collect();
    let distinct: HashSet<u64> = handed.iter().copied().collect();
    let repeated: Vec<u64> =
        handed.iter().copied().filter(|number| handed.iter().filter(|one| *one == number).count() > 1).collect();
    assert_eq!((distinct.len(), handed.len()), (4 * ROUNDS as usize, 4 * ROUNDS as usize), "twice: {repeated:?}");
    one.close().await;
    other.close().await;
}

/// One is terminated under load, the other goes on, and a reader of the other sees every event once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_postgres_one_of_two_daemons_is_replaced_under_load() {
    let (mut one, other) = two("rolling").await;
    let (first, second) = (Load::start(&one, 1, Unanswered::Ends), Load::start(&other, 2, Unanswered::Repeats));
    first.answered(60).await;
    assert!(one.daemon.sigterm(PATIENCE).await.success());
    let mut share = first.stop().await;
    let before = second.count();
    second.answered(before + 60).await;
    share.repeat_unanswered(&other).await;
    one.daemon.restart().await;
    let third = Load::start(&one, 3, Unanswered::Ends);
    third.answered(60).await;
    let shares = [share, second.stop().await, third.stop().await];
    assert_eq!(one.log().await, other.log().await);
    other.close().await;
    let audit = one.end().await;
    shares.iter().for_each(|share| share.is_in(&audit));
    audit.holds();
}
