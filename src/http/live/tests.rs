//! What the feed promises, on the in-memory store; what needs a connection is in `connections`.

mod connections;

use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::LogFilter;
use conductor_core::token::Token;
use serde_json::json;
use tokio::time::Instant;

use super::feed::{LiveFeed, NoReading};
use super::reader::{HEARTBEAT, Reader};
use super::window::Window;
use crate::caller::Pass;
use crate::caller::pass::RECHECK;
use crate::testing::Daemon;

/// For a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A window of so many events over what the daemon writes.
fn feed(daemon: &Daemon, window: usize) -> LiveFeed {
    LiveFeed::bounded(Arc::clone(daemon.store()), 3, Window::bounded(0, window, usize::MAX))
}

async fn approve(daemon: &Daemon, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": number, "title": "x" });
        daemon.report(&approval).await;
    }
}

async fn escalate(daemon: &Daemon, number: u64) {
    let report = json!({ "type": "ESCALATED", "repo": "acme/web", "issueNumber": number, "reason": "odd" });
    daemon.report(&report).await;
}

fn only(kind: &str) -> LogFilter {
    LogFilter { types: vec![kind.to_owned()] }
}

async fn read(feed: &LiveFeed, after: impl Into<Option<u64>>) -> Reader {
    feed.read(None, after.into(), LogFilter::default()).await.unwrap_or_else(|no| panic!("{no:?}"))
}

async fn block(reader: &mut Reader) -> String {
    let bytes = tokio::time::timeout(PATIENCE, reader.next()).await.expect("something is said");
    String::from_utf8(bytes.expect("a reader that goes on").to_vec()).unwrap()
}

/// The positions of its next events; comments and what opens the stream are passed over.
async fn positions(reader: &mut Reader, count: usize) -> Vec<u64> {
    let mut found = Vec::new();
    let reading = async {
        while found.len() < count {
            let block = block(reader).await;
            if block.contains("\ndata: ") {
                found.push(block.lines().next().unwrap().strip_prefix("id: ").unwrap().parse().unwrap());
            }
        }
    };
    let came = tokio::time::timeout(PATIENCE, reading).await;
    assert!(came.is_ok(), "waited for {count} events in vain; {found:?}");
    found
}

#[actix_web::test]
async fn a_reader_without_a_position_gets_what_comes_from_now_on() {
    let daemon = Daemon::start().await;
    approve(&daemon, 1..=2).await;
    let feed = feed(&daemon, 100);
    let mut reader = read(&feed, None).await;
    assert_eq!(block(&mut reader).await, "retry: 2000\nid: 2\n\n", "where it resumes if it is cut off before an event");
    approve(&daemon, 3..=4).await;
    assert_eq!(positions(&mut reader, 2).await, [3, 4]);
}

#[actix_web::test]
async fn a_reader_that_was_away_catches_up_from_the_store_and_goes_on_live_without_a_seam() {
    let daemon = Daemon::start().await;
    let pages = 2 * crate::paging::PAGE as u64 + 7;
    approve(&daemon, 1..=pages).await;
    let feed = feed(&daemon, 10);
    let (mut far, mut near) = (read(&feed, 3).await, read(&feed, pages).await);
    approve(&daemon, pages + 1..=pages + 5).await;
    assert_eq!(positions(&mut near, 5).await, (pages + 1..=pages + 5).collect::<Vec<_>>());
    assert_eq!(positions(&mut far, pages as usize + 2).await, (4..=pages + 5).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_filter_that_seldom_matches_still_moves_the_place_to_resume_from() {
    let daemon = Daemon::start().await;
    approve(&daemon, 1..=30).await;
    escalate(&daemon, 1).await;
    let feed = feed(&daemon, 100);
    // Half of it from the store, half of it live.
    let mut reader = feed.read(None, Some(5), only("ESCALATED")).await.unwrap();
    assert_eq!(positions(&mut reader, 1).await, [31]);
    approve(&daemon, 31..=40).await;
    escalate(&daemon, 2).await;
    approve(&daemon, 41..=41).await;
    assert_eq!(positions(&mut reader, 1).await, [42]);
    tokio::time::pause();
    assert_eq!(block(&mut reader).await, ": heartbeat\nid: 43\n\n");
}

#[actix_web::test]
async fn a_silent_log_is_a_heartbeat_every_15_seconds() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let mut reader = read(&feed, None).await;
    block(&mut reader).await;
    tokio::time::pause();
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(block(&mut reader).await, ": heartbeat\nid: 0\n\n");
    }
    assert!(began.elapsed() >= 3 * HEARTBEAT && began.elapsed() < 4 * HEARTBEAT, "{:?}", began.elapsed());
    assert_eq!(HEARTBEAT, Duration::from_secs(15));
}

#[actix_web::test]
async fn a_slow_reader_is_sent_away_others_go_on_and_it_comes_back_without_a_gap() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 4);
    let (mut slow, mut quick) = (read(&feed, None).await, read(&feed, None).await);
    for number in 1..=20 {
        approve(&daemon, number..=number).await;
        assert_eq!(positions(&mut quick, 1).await, [number]);
    }
    assert_eq!(block(&mut slow).await, "retry: 2000\nid: 0\n\n");
    let farewell = block(&mut slow).await;
    assert!(
        farewell.starts_with(": the log grows faster than you read") && farewell.ends_with("id: 0\n\n"),
        "{farewell}"
    );
    assert_eq!(slow.next().await, None);
    drop(slow);
    assert_eq!(positions(&mut read(&feed, 0).await, 20).await, (1..=20).collect::<Vec<_>>());
}

#[actix_web::test]
async fn there_is_a_limit_of_readers_and_who_leaves_makes_room() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let mut readers = vec![read(&feed, None).await, read(&feed, None).await, read(&feed, None).await];
    assert_eq!(feed.read(None, None, LogFilter::default()).await.err(), Some(NoReading::Full));
    readers.pop();
    assert_eq!(feed.readers(), 2);
    read(&feed, None).await;
}

#[actix_web::test]
async fn the_end_of_the_daemon_ends_every_reader_after_what_it_had_read() {
    let daemon = Daemon::start().await;
    approve(&daemon, 1..=2).await;
    let feed = feed(&daemon, 100);
    let (mut old, mut live) = (read(&feed, 0).await, read(&feed, None).await);
    feed.close();
    assert_eq!(positions(&mut old, 2).await, [1, 2]);
    for reader in [&mut old, &mut live] {
        let mut last = String::new();
        while let Some(bytes) = reader.next().await {
            last = String::from_utf8(bytes.to_vec()).unwrap();
        }
        assert!(last.starts_with(": the daemon is going down") && last.ends_with("id: 2\n\n"), "{last}");
    }
    assert_eq!(feed.read(None, None, LogFilter::default()).await.err(), Some(NoReading::Closing));
}

#[actix_web::test]
async fn a_store_that_is_away_is_told_before_anything_is_answered_and_in_heartbeats_after() {
    let daemon = Daemon::start().await;
    approve(&daemon, 1..=2).await;
    let feed = feed(&daemon, 100);
    let mut reader = read(&feed, None).await;
    daemon.store().close().await;
    assert!(matches!(feed.read(None, Some(0), LogFilter::default()).await.err(), Some(NoReading::Store(_))));
    // Whoever was there stays: the tail goes on by itself when the store is back.
    block(&mut reader).await;
    tokio::time::pause();
    assert_eq!(block(&mut reader).await, ": heartbeat, but the log can't be read now\nid: 2\n\n");
    let fresh = super::LiveFeed::start(Arc::clone(daemon.store()), 1);
    assert!(matches!(fresh.read(None, None, LogFilter::default()).await.err(), Some(NoReading::Store(_))));
}

#[actix_web::test]
async fn a_position_that_the_log_never_had_is_refused_and_one_of_another_replica_is_not() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let _keeps_the_tail_awake = read(&feed, None).await;
    approve(&daemon, 1..=3).await;
    // Whether this feed has heard of 3 yet or not.
    let mut reader = read(&feed, 3).await;
    approve(&daemon, 4..=4).await;
    assert_eq!(positions(&mut reader, 1).await, [4]);
    assert_eq!(feed.read(None, Some(99), LogFilter::default()).await.err(), Some(NoReading::BeyondTheEnd { head: 4 }));
}

#[actix_web::test]
async fn while_nobody_reads_nothing_is_kept_and_the_next_reader_begins_afresh() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    for round in 0..3 {
        approve(&daemon, 10 * round + 1..=10 * round + 10).await;
        let mut now = read(&feed, None).await;
        let mut earlier = read(&feed, 10 * round + 4).await;
        assert_eq!(block(&mut now).await, format!("retry: 2000\nid: {}\n\n", 10 * round + 10));
        assert_eq!(positions(&mut earlier, 6).await[0], 10 * round + 5);
    }
}

/// A pass of a token that was just made, which reading holds on to.
async fn pass(daemon: &Daemon) -> (Pass, Token) {
    let token = daemon.token("viewer", "eve").await.1;
    (Pass::new(Arc::clone(&daemon.edge.admission.keyring), token.digest), token)
}

#[actix_web::test]
async fn a_reader_whose_token_is_taken_back_is_sent_away_within_seconds_and_others_read_on() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let ((taken, token), (kept, _)) = (pass(&daemon).await, pass(&daemon).await);
    let mut reader = read(&feed, None).await.for_as_long_as(Some(taken));
    let mut other = read(&feed, None).await.for_as_long_as(Some(kept));
    for reader in [&mut reader, &mut other] {
        block(reader).await;
    }
    approve(&daemon, 1..=1).await;
    assert_eq!([positions(&mut reader, 1).await, positions(&mut other, 1).await], [[1], [1]]);
    daemon.store().revoke_token(&token.id, daemon.edge.now()).await.unwrap();
    tokio::time::pause();
    let began = Instant::now();
    let last = block(&mut reader).await;
    assert!(last.starts_with(": the token opens nothing any more") && last.ends_with("id: 1\n\n"), "{last}");
    assert_eq!(reader.next().await, None);
    assert!(began.elapsed() <= RECHECK, "{:?}", began.elapsed());
    assert!(block(&mut other).await.starts_with(": heartbeat"));
}

#[actix_web::test]
async fn nothing_is_shown_to_a_reader_whose_token_ended_however_much_there_is_to_read() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let (pass, token) = pass(&daemon).await;
    let mut reader = read(&feed, None).await.for_as_long_as(Some(pass));
    block(&mut reader).await;
    daemon.store().revoke_token(&token.id, daemon.edge.now()).await.unwrap();
    approve(&daemon, 1..=1).await;
    tokio::time::pause();
    tokio::time::advance(RECHECK).await;
    let last = block(&mut reader).await;
    assert!(last.ends_with("id: 0\n\n") && !last.contains("data"), "what came after it is not shown: {last}");
}

#[actix_web::test]
async fn where_the_store_cant_say_whether_a_token_holds_nothing_more_is_shown() {
    let daemon = Daemon::start().await;
    let feed = feed(&daemon, 100);
    let mut reader = read(&feed, None).await.for_as_long_as(Some(pass(&daemon).await.0));
    block(&mut reader).await;
    daemon.store().close().await;
    tokio::time::pause();
    assert!(block(&mut reader).await.starts_with(": the log can't be read now"));
    assert_eq!(reader.next().await, None);
}
