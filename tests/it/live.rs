//! The live feed of the whole daemon: what a reader has seen is the log, whatever happened to the daemon meanwhile.

use futures_util::future::{join, join_all};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::rig::{LiveReader, Load, PATIENCE, REPO, Rig, Setup, Unanswered};

const READERS: usize = 6;
/// The issue after which a reader may go home; reported when everything else has been.
const LAST: u64 = 999_999_999;
/// Everything; every second reader sees these types alone. What tells it to go home is one of them.
const FILTERS: [&str; 2] = ["?after=0", "?after=0&type=ISSUE_APPROVED&type=WorkStarted"];

/// Readers that go to these two addresses by turns until the last event; each gives back what it has seen.
async fn readers(addresses: watch::Receiver<Vec<String>>) -> Vec<Vec<Value>> {
    let last = format!("{REPO}#{LAST}");
    let read = |turn: usize| {
        let (addresses, last) = (addresses.clone(), last.clone());
        tokio::spawn(async move {
            let mut reader = LiveReader::new(FILTERS[turn % 2]);
            // An upper bound for a broken build: the load is over long before.
            tokio::time::timeout(4 * PATIENCE, reader.follow(&addresses, turn / 2, &last))
                .await
                .expect("the last event comes");
            reader.seen
        })
    };
    join_all((0..READERS).map(read)).await.into_iter().map(Result::unwrap).collect()
}

/// Each saw every event that it had asked for once, in order, as the log has it.
async fn saw_the_log(rig: &Rig, seen: Vec<Vec<Value>>) {
    let log = rig.log().await;
    assert!(log.len() > 100, "there was something to read: {}", log.len());
    let wanted = |event: &&Value| event["type"] == "IssueApproved" || event["type"] == "WorkStarted";
    let some: Vec<Value> = log.iter().filter(wanted).cloned().collect();
    for (turn, seen) in seen.into_iter().enumerate() {
        let (expected, positions) = (if turn % 2 == 0 { &log } else { &some }, positions(&seen));
        assert_eq!(positions, self::positions(expected), "reader {turn}");
        assert_eq!(&seen, expected, "reader {turn}");
    }
}

fn positions(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

/// One daemon that ends in order, comes back, is killed, and comes back.
async fn readers_see_every_event_once_over_an_end_in_order_and_a_kill_under_load(rig: &mut Rig) {
    let both = |rig: &Rig| vec![rig.daemon.url(), rig.daemon.url()];
    let (addresses, known) = watch::channel(both(rig));
    let seen = tokio::spawn(readers(known));
    for round in 1..=4 {
        let load = Load::start(rig, round, Unanswered::Ends);
        load.answered(40).await;
        if round % 2 == 0 {
            rig.daemon.kill9();
        } else {
            assert!(rig.daemon.sigterm(PATIENCE).await.success(), "readers hold up no end");
        }
        load.stop().await;
        rig.daemon.restart().await;
        addresses.send_replace(both(rig));
    }
    rig.approve(LAST, json!({})).await;
    saw_the_log(rig, seen.await.unwrap()).await;
}

/// Two daemons on one database, both under load, readers that change from one to the other at any moment, and one daemon that
/// is killed and replaced meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_two_daemons_on_one_postgres_see_every_event_once_while_one_is_killed() {
    let setup = Setup::postgres("live").await;
    let (mut one, other) = join(setup.clone().start(), setup.start()).await;
    let both = |one: &Rig| vec![one.daemon.url(), other.daemon.url()];
    let (addresses, known) = watch::channel(both(&one));
    let seen = tokio::spawn(readers(known));
    let (first, second) = (Load::start(&one, 1, Unanswered::Ends), Load::start(&other, 2, Unanswered::Repeats));
    first.answered(60).await;
    one.daemon.kill9();
    first.stop().await;
    one.daemon.restart().await;
    addresses.send_replace(both(&one));
    let third = Load::start(&one, 3, Unanswered::Ends);
    third.answered(60).await;
    third.stop().await;
    second.stop().await;
    other.approve(LAST, json!({})).await;
    saw_the_log(&other, seen.await.unwrap()).await;
    other.close().await;
    one.end().await.holds();
}

/// A process begins with room for 1,024 open files on many a machine, whatever its administrator would allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_at_once_of_a_daemon_that_began_with_room_for_few_files() {
    const MANY: usize = 1_000;
    let ours = getrlimit(Resource::Nofile);
    let wanted = ours.current.map(|current| current.max(4_096).min(ours.maximum.unwrap_or(u64::MAX)));
    setrlimit(Resource::Nofile, Rlimit { current: wanted, ..ours }).unwrap();
    let setup = Setup::sqlite();
    let few = format!("ulimit -S -n 256; exec '{}' serve", env!("CARGO_BIN_EXE_conductor-e"));
    let daemon = setup.command_by("/bin/sh").arguments(&["-c", &few]).start().await;
    let rig = setup.around(daemon);
    let base = rig.daemon.url();
    let mut readers: Vec<LiveReader> = (0..MANY).map(|_| LiveReader::new("")).collect();
    let let_in = join_all(readers.iter_mut().map(|reader| reader.connect(&base))).await;
    assert_eq!(let_in.iter().filter(|let_in| **let_in).count(), MANY);
    let write = async {
        for number in 1..=5 {
            rig.approve(number, json!({})).await;
        }
    };
    let read = join_all(readers.iter_mut().map(|reader| reader.events(5)));
    tokio::time::timeout(4 * PATIENCE, join(read, write)).await.expect("everybody hears of everything");
    let log = rig.log().await;
    assert!(readers.iter().all(|reader| reader.seen == log));
    // They are still there: whoever drains waits for none of them.
    rig.close().await;
}

on_both_stores! {
    alone { readers_see_every_event_once_over_an_end_in_order_and_a_kill_under_load }
}
