use std::sync::Arc;

use conductor_adapters::memory::MemoryStore;
use conductor_core::agent_log::{AgentLine, LogLevel};
use conductor_core::identity::{AgentId, Claimant};
use conductor_core::port::{LineFilter, Store};
use conductor_core::time::Timestamp;
use tokio::time::sleep;

use super::feed::LineFeed;
use super::reader::LineReader;
use super::tail::PERIOD;
use crate::live::NoReading;

async fn keep(store: &Arc<dyn Store>, by: &str, messages: &[&str]) {
    let line = |message: &&str| AgentLine {
        claimant: Claimant::parse(by).unwrap(),
        ts: None,
        level: LogLevel::Info,
        message: (*message).to_owned(),
        repo: None,
        number: None,
    };
    let lines: Vec<AgentLine> = messages.iter().map(line).collect();
    store.keep_lines(&lines, Timestamp::from_millis(0)).await.unwrap();
}

fn of(agent: &str) -> LineFilter {
    LineFilter { agent: AgentId::parse(agent), ..LineFilter::default() }
}

/// The next line's place and text.
async fn next(reader: &mut LineReader) -> (u64, String) {
    loop {
        let piece = String::from_utf8(reader.next().await.unwrap().to_vec()).unwrap();
        let Some(told) = piece.strip_prefix("id: ") else { continue };
        let (place, rest) = told.split_once('\n').unwrap();
        let data: serde_json::Value =
            serde_json::from_str(rest.trim_start_matches("event: line\ndata: ").trim()).unwrap();
        return (place.parse().unwrap(), data["message"].as_str().unwrap().to_owned());
    }
}

/// What it is told until it is sent away.
async fn rest(mut reader: LineReader) -> String {
    let mut all = String::new();
    while let Some(piece) = reader.next().await {
        all.push_str(std::str::from_utf8(&piece).unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn lines_are_told_from_now_on_to_those_whose_filter_they_pass() {
    let store: Arc<dyn Store> = MemoryStore::new();
    keep(&store, "dev-e-node", &["before"]).await;
    let feed = LineFeed::start(Arc::clone(&store));
    let mut all = feed.read(None, None, LineFilter::default()).await.unwrap();
    let mut one = feed.read(None, None, of("dev-e-node")).await.unwrap();
    // Not by this process: found by the next look.
    keep(&store, "review-e", &["a"]).await;
    keep(&store, "dev-e-node/pod-1", &["b\nc"]).await;
    assert_eq!((next(&mut all).await.1.as_str(), next(&mut all).await.1.as_str()), ("a", "b\nc"));
    assert_eq!(next(&mut one).await.1, "b\nc");
    keep(&store, "dev-e-node", &["d"]).await;
    let begun = tokio::time::Instant::now();
    feed.kept();
    assert_eq!(next(&mut one).await.1, "d");
    assert!(begun.elapsed() < PERIOD, "what is kept here is told at once");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_hears_what_it_missed_and_nothing_twice() {
    let store: Arc<dyn Store> = MemoryStore::new();
    let feed = LineFeed::start(Arc::clone(&store));
    let mut reader = feed.read(None, None, LineFilter::default()).await.unwrap();
    keep(&store, "dev-e-node", &["one"]).await;
    let (seen, _) = next(&mut reader).await;
    drop(reader);
    keep(&store, "dev-e-node", &["two", "three"]).await;
    let mut reader = feed.read(None, Some(seen), LineFilter::default()).await.unwrap();
    keep(&store, "dev-e-node", &["four"]).await;
    for wanted in ["two", "three", "four"] {
        assert_eq!(next(&mut reader).await.1, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_sent_away_and_nobody_waits_for_it() {
    let store: Arc<dyn Store> = MemoryStore::new();
    let feed = LineFeed::bounded(Arc::clone(&store), 4, 8);
    let slow = feed.read(None, None, LineFilter::default()).await.unwrap();
    let mut quick = feed.read(None, None, LineFilter::default()).await.unwrap();
    for number in 0..40 {
        keep(&store, "dev-e-node", &[&number.to_string()]).await;
        feed.kept();
        assert_eq!(next(&mut quick).await.1, number.to_string());
    }
    let told = rest(slow).await;
    assert!(told.ends_with("faster than you read: come back with Last-Event-ID\n\n"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn readers_are_counted_and_an_end_of_the_process_is_theirs_too() {
    let store: Arc<dyn Store> = MemoryStore::new();
    let feed = LineFeed::bounded(store, 2, 8);
    let first = feed.read(None, None, LineFilter::default()).await.unwrap();
    let second = feed.read(None, None, LineFilter::default()).await.unwrap();
    assert_eq!(feed.read(None, None, LineFilter::default()).await.err(), Some(NoReading::Full));
    drop(second);
    sleep(PERIOD).await;
    let second = feed.read(None, None, LineFilter::default()).await.unwrap();
    feed.close();
    for reader in [first, second] {
        assert!(rest(reader).await.contains(": the daemon is going down"), "it is told why");
    }
    assert_eq!(feed.read(None, None, LineFilter::default()).await.err(), Some(NoReading::Closing));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_told_that_it_is_alive() {
    let feed = LineFeed::start(MemoryStore::new());
    let mut reader = feed.read(None, None, LineFilter::default()).await.unwrap();
    assert!(reader.next().await.unwrap().starts_with(b"retry: "));
    assert_eq!(reader.next().await.unwrap(), ": heartbeat\n\n");
}
