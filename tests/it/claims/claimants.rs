//! Who counts as whom.

use futures_util::future::join_all;
use serde_json::json;

use crate::rig::{Rig, about};

/// Two claimants of the same name both passed elsewhere, by a generation that each computed for itself. Here two instances
/// are two claimants: one wins, tokens are distinct, and the loser's reports are refused.
async fn museum_of_two_instances_one_wins_and_the_others_reports_are_refused(rig: &mut Rig) {
    let instances = ["dev-e-node/ab12c", "dev-e-node/xy34z"];
    rig.approve(1, json!({})).await;
    let handed = join_all(instances.map(|instance| rig.next(instance))).await;
    let (winner, loser, token) = match &handed[..] {
        [Some(first), None] => (instances[0], instances[1], first["lease"]["token"].clone()),
        [None, Some(second)] => (instances[1], instances[0], second["lease"]["token"].clone()),
        other => panic!("one of two instances gets it: {other:?}"),
    };
    let started =
        |who: &str, token: &serde_json::Value| about("WORK_STARTED", 1, json!({"agentId": who, "leaseToken": token}));
    for (who, shown) in [(loser, json!(null)), (loser, json!("made-up")), (winner, json!("made-up"))] {
        let reply = rig.post(&started(who, &shown)).await;
        reply.refused(409, "stale_lease");
        assert_eq!(reply.json()["holder"], winner);
    }
    assert_eq!(rig.row(1).await["state"], "assigned", "refused reports move nothing");
    rig.report(&started(winner, &json!(null))).await;
    // Released and claimed by the other: another token, another epoch, and the first one's is worth nothing any more.
    rig.report(&about("ISSUE_UNASSIGNED", 1, json!({"reason": "hand over"}))).await;
    let second = rig.claims(loser, 1).await;
    assert_ne!(second["lease"]["token"], token);
    assert_eq!(second["lease"]["epoch"], 2);
    rig.post(&started(winner, &token)).await.refused(409, "stale_lease");
    rig.report(&started(loser, &second["lease"]["token"])).await;
    assert_eq!(rig.types(1).await.iter().filter(|kind| *kind == "StaleLeaseRefused").count(), 4);
}

/// One bare name is one claimant, however many processes use it: one lease, and repeats have one effect.
async fn museum_one_bare_name_has_one_lease_and_repeats_have_one_effect(rig: &mut Rig) {
    for number in 1..=16 {
        rig.approve(number, json!({})).await;
    }
    let handed = join_all((0..8).map(|_| rig.next("dev-e-node"))).await;
    let first = handed[0].clone().expect("there is work");
    assert!(handed.iter().all(|one| one.as_ref() == Some(&first)), "{handed:?}");
    let number = first["issue"]["number"].as_u64().unwrap();
    let start = about("WORK_STARTED", number, json!({"agentId": "dev-e-node"}));
    let answers = join_all((0..8).map(|_| rig.report(&start))).await;
    assert_eq!(answers.iter().filter(|answer| answer.get("duplicate").is_none()).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["position"] == answers[0]["position"]), "{answers:?}");
    assert_eq!(rig.types(number).await, ["IssueApproved", "IssueAssigned", "WorkStarted"]);
    assert_eq!(rig.next("dev-e-node").await, None, "it is at its capacity");
}

/// An agent's poll threw the assignment away elsewhere, and the next poll got another. Here a claim is repeatable.
async fn museum_asking_again_gives_the_same_assignment(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    rig.approve(2, json!({"priority": "critical"})).await;
    let first = rig.claims("dev-e-node", 2).await;
    for _ in 0..5 {
        assert_eq!(rig.next("dev-e-node").await, Some(first.clone()));
    }
    // More urgent work that comes meanwhile doesn't replace it, and a restart doesn't forget it.
    rig.approve(3, json!({"priority": "critical"})).await;
    assert_eq!(rig.next("dev-e-node").await, Some(first.clone()));
    rig.daemon.kill9();
    rig.daemon.restart().await;
    assert_eq!(rig.next("dev-e-node").await, Some(first));
    assert_eq!(rig.row(1).await["state"], "queued");
}

/// An instance's lease is reported by the bare id only with its token: the holder is told who it is.
async fn an_instance_and_its_bare_id_are_told_apart(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    let handed = rig.claims("dev-e-node/ab12c", 1).await;
    let bare = about("WORK_STARTED", 1, json!({"agentId": "dev-e-node"}));
    rig.post(&bare).await.refused(409, "stale_lease");
    rig.report(&crate::rig::merged(bare, json!({"leaseToken": handed["lease"]["token"]}))).await;
    assert_eq!(rig.row(1).await["state"], "in_progress");
}

on_both_stores! {
    alone {
        museum_of_two_instances_one_wins_and_the_others_reports_are_refused,
        museum_one_bare_name_has_one_lease_and_repeats_have_one_effect,
        museum_asking_again_gives_the_same_assignment,
        an_instance_and_its_bare_id_are_told_apart,
    }
}
