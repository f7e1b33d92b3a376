//! `kill -9` of the daemon at any moment under load, and its end in order.

use std::hash::{BuildHasher, RandomState};

use serde_json::json;

use crate::rig::{Load, PATIENCE, Rig, Unanswered};

const KILLS: u64 = 20;
/// A kill comes after this many answered requests at most: early enough to meet the start, late enough to meet a full load.
const ANSWERED_AT_MOST: u64 = 300;

/// Twenty times at a random moment under load: an answered append is durable, an unanswered one happened entirely or not at
/// all, its repeat has one effect, and every delivery that GitHub was answered is worked off. The audit at the end reads the log
/// for holes and compares every row with a replay.
async fn slow_kill9_twenty_times_under_load_loses_nothing(rig: &mut Rig) {
    let mut rounds = Vec::new();
    for round in 1..=KILLS {
        let load = Load::start(rig, round, Unanswered::Ends);
        load.answered(RandomState::new().hash_one(round) % ANSWERED_AT_MOST).await;
        rig.daemon.kill9();
        let mut share = load.stop().await;
        rig.audit().await.has_all(&share.answers());
        rig.daemon.restart().await;
        for path in ["/health", "/healthz/ready"] {
            rig.read(path).await;
        }
        assert_eq!(rig.read("/healthz/deep").await["overall"], "Ok");
        share.repeat_unanswered(rig).await;
        rounds.push(share);
    }
    for issue in rounds.iter().flat_map(|share| &share.delivered) {
        rig.reaches(*issue, "in_review").await;
    }
    assert!(rig.daemon.sigterm(PATIENCE).await.success());
    let audit = rig.audit().await;
    rounds.iter().for_each(|share| share.is_in(&audit));
    rig.daemon.restart().await;
    assert_eq!(rig.read("/healthz/actors").await["healthy"], json!(true));
}

/// SIGTERM under load: it ends in order with 0, and nothing that was answered is lost.
async fn slow_sigterm_under_load_ends_in_order_and_loses_no_answered_request(rig: &mut Rig) {
    for round in 1..=3 {
        let load = Load::start(rig, round, Unanswered::Ends);
        load.answered(50 * round).await;
        let status = rig.daemon.sigterm(PATIENCE).await;
        assert!(status.success(), "{status}");
        let share = load.stop().await;
        let audit = rig.audit().await;
        share.is_in(&audit);
        audit.holds();
        rig.daemon.restart().await;
    }
}

on_both_stores! {
    with_github {
        slow_kill9_twenty_times_under_load_loses_nothing,
        slow_sigterm_under_load_ends_in_order_and_loses_no_answered_request,
    }
}
