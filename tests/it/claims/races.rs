//! Eight callers at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::rig::{Rig, about};

const CALLERS: usize = 8;
/// Issues that are claimed once each.
const ISSUES: u64 = 10_000;
/// Rounds in which all callers want the one issue that there is: 10,000 claims in all.
const ROUNDS: u64 = 10_000 / CALLERS as u64;
/// Approvals under way at once, to have the issues there quickly.
const APPROVALS: u64 = 32;

fn racers() -> Vec<String> {
    (0..CALLERS).map(|racer| format!("racer-{racer}")).collect()
}

async fn approve_all(rig: &Rig) {
    let approving = (0..APPROVALS).map(|first| async move {
        for number in (1 + first..=ISSUES).step_by(APPROVALS as usize) {
            rig.approve(number, json!({})).await;
        }
    });
    join_all(approving).await;
}

/// Claims and finishes until there is nothing left; gives every (issue, token) that was handed to this agent.
async fn work(rig: &Rig, agent: &str) -> Vec<(u64, String)> {
    let mut handed = Vec::new();
    while let Some(assignment) = rig.next(agent).await {
        let number = assignment["issue"]["number"].as_u64().unwrap();
        handed.push((number, assignment["lease"]["token"].as_str().unwrap().to_owned()));
        rig.report(&about("ISSUE_DONE", number, json!({}))).await;
    }
    handed
}

/// 2 to 7 of 8 racing callers won one claim elsewhere. Here: 8 callers × 10,000 rounds, exactly one winner each.
async fn slow_museum_eight_callers_share_ten_thousand_issues_without_a_double(rig: &mut Rig) {
    approve_all(rig).await;
    let racers = racers();
    let shares = join_all(racers.iter().map(|agent| work(rig, agent))).await;
    let mut winners: HashMap<u64, usize> = HashMap::new();
    let mut tokens = HashSet::new();
    for (racer, share) in shares.iter().enumerate() {
        assert!(!share.is_empty(), "{} was starved", racers[racer]);
        for (number, token) in share {
            assert_eq!(winners.insert(*number, racer), None, "#{number} was handed out twice");
            assert!(tokens.insert(token), "two leases have one token");
        }
    }
    assert_eq!(winners.len() as u64, ISSUES, "every issue was handed out");
    assert_eq!(rig.read("/api/queue").await, json!([]));
}

/// All callers want the one issue that there is: by asking for work, and by being assigned at the same time.
async fn slow_museum_eight_callers_race_for_the_same_issue_and_one_wins(rig: &mut Rig) {
    let (rig, racers) = (Arc::new(&*rig), racers());
    for round in 1..=ROUNDS {
        rig.approve(round, json!({})).await;
        let winner = if round % 2 == 0 { pulled(&rig, &racers).await } else { pushed(&rig, &racers, round).await };
        let row = rig.row(round).await;
        assert_eq!((&row["agentId"], &row["epoch"]), (&json!(winner), &json!(1)), "{row}");
        rig.report(&about("ISSUE_DONE", round, json!({}))).await;
    }
}

/// Each asks for work; gives who got some.
async fn pulled(rig: &Rig, racers: &[String]) -> String {
    let handed = join_all(racers.iter().map(|agent| rig.next(agent))).await;
    let mut winners = racers.iter().zip(handed).filter_map(|(agent, handed)| handed.map(|_| agent.clone()));
    let winner = winners.next().expect("somebody gets it");
    assert_eq!(winners.next(), None, "a second winner beside {winner}");
    winner
}

/// Each is assigned by an operator; gives whose assignment was taken.
async fn pushed(rig: &Rig, racers: &[String], number: u64) -> String {
    let assignments: Vec<Value> =
        racers.iter().map(|agent| about("ISSUE_ASSIGNED", number, json!({"agentId": agent}))).collect();
    let replies = join_all(assignments.iter().map(|assignment| rig.post(assignment))).await;
    let mut winner = None;
    for (agent, reply) in racers.iter().zip(replies) {
        if reply.status == 200 {
            assert_eq!(winner.replace(agent.clone()), None, "a second winner: {agent}");
        } else {
            reply.refused(409, "lost_race");
        }
    }
    winner.expect("somebody gets it")
}

on_both_stores! {
    alone {
        slow_museum_eight_callers_share_ten_thousand_issues_without_a_double,
        slow_museum_eight_callers_race_for_the_same_issue_and_one_wins,
    }
}
