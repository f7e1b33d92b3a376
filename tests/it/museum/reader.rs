//! Readers of the log.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::rig::{Rig, about};

const WRITERS: u64 = 8;
const ISSUES_PER_WRITER: u64 = 40;

/// Event readers skipped events that were committed out of order, in three event stores. Here a reader that has seen a position
/// never later finds a new event at or below it: read while eight write, every event comes once, in order.
async fn museum_an_event_reader_never_skips_what_is_committed_meanwhile(rig: &mut Rig) {
    let rig = &*rig;
    let write = join_all((0..WRITERS).map(|writer| async move {
        for number in (1 + writer..).step_by(WRITERS as usize).take(ISSUES_PER_WRITER as usize) {
            rig.approve(number, json!({})).await;
            let agent = format!("writer-{writer}");
            rig.report(&about("ISSUE_ASSIGNED", number, json!({"agentId": agent}))).await;
            rig.report(&about("ISSUE_DONE", number, json!({}))).await;
            rig.report(&json!({"type": "CLI_PROGRESS", "agentId": agent, "message": "on"})).await;
        }
    }));
    let total = (WRITERS * ISSUES_PER_WRITER * 4) as usize;
    let follow = join_all((1..=3).map(|reader| async move {
        let mut seen: Vec<(u64, String)> = Vec::new();
        while seen.len() < total {
            let after = seen.last().map_or(0, |(position, _)| *position);
            let page = rig.read(&format!("/api/events?after={after}&limit={}", reader * 5)).await;
            for event in page.as_array().unwrap() {
                let position = event["position"].as_u64().unwrap();
                assert!(position > seen.last().map_or(0, |(last, _)| *last), "out of order: {event}");
                seen.push((position, event["id"].as_str().unwrap().to_owned()));
            }
        }
        seen
    }));
    let (_, readers) = join(write, follow).await;
    let log: Vec<(u64, String)> = rig
        .log()
        .await
        .iter()
        .map(|event| (event["position"].as_u64().unwrap(), event["id"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(log.len(), total);
    for seen in readers {
        assert_eq!(seen, log, "a reader saw something else than there is");
    }
}

on_both_stores! { alone { museum_an_event_reader_never_skips_what_is_committed_meanwhile } }
