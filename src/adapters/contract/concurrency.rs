//! Many callers at once.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use conductor_core::event::{Priority, Recorded};
use conductor_core::port::{AppendError, LogFilter, Store};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Subject;
use super::story::{PATIENCE, Pen, approved, prioritised};

/// Ten that conflict and ten that don't, all waiting together.
pub async fn one_callers_conflict_fails_nobody_else(subject: Subject) {
    let taken = Pen::approved_issue(&subject.store, "acme/web#1000").await;
    let mut racing = JoinSet::new();
    for number in 1..=20 {
        let store = Arc::clone(&subject.store);
        let bad = (number % 2 == 0).then(|| Pen { version: 7, ..taken.clone() });
        racing.spawn(async move {
            let pen = bad.clone().unwrap_or_else(|| Pen::issue(&store, &format!("acme/web#{number}")));
            (bad.is_some(), store.append(pen.draft(vec![approved()])).await)
        });
    }
    while let Some(joined) = racing.join_next().await {
        let (bad, answer) = joined.unwrap();
        if bad {
            assert_eq!(answer, Err(AppendError::Conflict { actual: 1 }));
        } else {
            assert_eq!(answer.map(|receipt| receipt.last_version), Ok(1));
        }
    }
    assert_eq!(subject.store.read_log(0, 100, &LogFilter::default()).await.unwrap().len(), 11);
}

/// Sixteen writers that load anew after each conflict, on one stream.
pub async fn racing_writers_of_one_stream_leave_no_hole(subject: Subject) {
    const EACH: u64 = 5;
    Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut racing = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&subject.store);
        racing.spawn(async move {
            let mut left = EACH;
            while left > 0 {
                let mut pen = Pen::issue(&store, "acme/web#7");
                (pen.version, pen.state) = store.load(&pen.stream).await.unwrap().unwrap();
                match store.append(pen.draft(vec![prioritised(Priority::High)])).await {
                    Ok(receipt) => {
                        assert_eq!(receipt.first_version, pen.version + 1);
                        left -= 1;
                    }
                    Err(AppendError::Conflict { actual }) => assert!(actual > pen.version),
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(joined) = racing.join_next().await {
        joined.unwrap();
    }
    let stream = super::story::issue_id("acme/web#7");
    let versions: Vec<u64> =
        subject.store.read_stream(&stream, 0, 1000).await.unwrap().iter().map(|event| event.version).collect();
    assert_eq!(versions, (1..=16 * EACH + 1).collect::<Vec<_>>());
}

/// Writes `each` events on every one of `writers` streams at once, the streams numbered from `first`.
pub(super) fn write_at_once(store: &Arc<dyn Store>, first: u64, writers: u64, each: u64) -> JoinSet<()> {
    let mut writing = JoinSet::new();
    for number in first..first + writers {
        let store = Arc::clone(store);
        writing.spawn(async move {
            let mut pen = Pen::approved_issue(&store, &format!("acme/web#{number}")).await;
            for _ in 1..each {
                pen.write(vec![prioritised(Priority::High)]).await;
            }
        });
    }
    writing
}

/// Reads the log by its tail in small pages until it has met `total` events.
pub(super) async fn tail(store: Arc<dyn Store>, total: u64) -> Vec<(u64, u128)> {
    let (mut met, mut position) = (Vec::new(), 0);
    while (met.len() as u64) < total {
        timeout(PATIENCE, store.wait_past(position)).await.expect("a waiter is woken").unwrap();
        for Recorded { position: at, id, .. } in store.read_log(position, 7, &LogFilter::default()).await.unwrap() {
            assert!(at > position, "position {at} came after {position}");
            position = at;
            met.push((at, id.0));
        }
    }
    met
}

/// Sixteen writers; what the reader met while they wrote is what stands there in the end.
pub async fn a_tailing_reader_meets_every_event_once_and_in_order(subject: Subject) {
    let (writers, each) = (16, 20);
    let tailing = tokio::spawn(tail(Arc::clone(&subject.store), writers * each));
    write_at_once(&subject.store, 1, writers, each).join_all().await;
    let met = timeout(PATIENCE, tailing).await.expect("the tail meets every event").unwrap();
    let log = subject.store.read_log(0, 1000, &LogFilter::default()).await.unwrap();
    let stands: Vec<(u64, u128)> = log.iter().map(|event| (event.position, event.id.0)).collect();
    assert_eq!(met, stands);
}

/// Futures that are polled once and dropped.
pub async fn a_dropped_append_happened_entirely_or_not_at_all(subject: Subject) {
    let pens: Vec<Pen> = (1..=40).map(|number| Pen::issue(&subject.store, &format!("acme/web#{number}"))).collect();
    for pen in &pens {
        let mut append = pen.telling(approved(), &["acme/web#900"]);
        let second = pen.draft(vec![approved(), prioritised(Priority::High)]);
        append.events = second.events;
        append.snapshot = second.snapshot;
        append.effects[0].event_id = append.events[0].id;
        let mut sending = subject.store.append(append);
        poll_fn(|context| {
            let _ = sending.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
    }
    // Appends are worked off in order of arrival: once this one is answered, those before it have ended.
    Pen::approved_issue(&subject.store, "acme/web#1000").await;
    let effects: u64 = subject.store.outbox_depth().await.unwrap().iter().map(|depth| depth.pending).sum();
    let mut happened = 0;
    for pen in &pens {
        let events = subject.store.read_stream(&pen.stream, 0, 10).await.unwrap().len();
        let row = subject.store.row(&pen.stream).await.unwrap().map(|row| row.version);
        assert!(matches!((events, row), (0, None) | (2, Some(2))), "{}: {events} events, row {row:?}", pen.stream);
        happened += u64::from(events > 0);
    }
    assert_eq!(effects, happened, "effects of appends");
}
