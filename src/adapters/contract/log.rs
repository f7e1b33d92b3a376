//! The log as a whole, read by position.

use std::sync::Arc;

use conductor_core::event::Priority;
use conductor_core::port::LogFilter;
use tokio::time::timeout;

use super::Subject;
use super::story::{PATIENCE, Pen, approved, assigned, online, opened, prioritised, pull_id, sha};

/// Issues, pull requests and agents, as they came.
pub async fn the_log_gives_all_streams_in_order_of_position(subject: Subject) {
    assert_eq!(subject.store.head().await.unwrap(), 0);
    let issue = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut pull = Pen::pull(&subject.store, "acme/web#8");
    pull.write(vec![opened(&pull_id("acme/web#8"), sha(1))]).await;
    let mut agent = Pen::agent(&subject.store, "dev-e-node");
    let last = agent.write(vec![online()]).await.last_position;

    let log = subject.store.read_log(0, 10, &LogFilter::default()).await.unwrap();
    let streams: Vec<_> = log.iter().map(|event| event.stream.clone()).collect();
    assert_eq!(streams, [issue.stream, pull.stream, agent.stream]);
    assert!(log.is_sorted_by(|earlier, later| earlier.position < later.position));
    assert_eq!((subject.store.head().await.unwrap(), log[2].position), (last, last));
}

/// One type, several, one that nobody wrote.
pub async fn the_log_filters_by_type(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    pen.write(vec![prioritised(Priority::High), assigned("dev-e-node"), prioritised(Priority::Normal)]).await;
    for (types, expected) in [
        (vec!["PRIORITY_CHANGED"], vec![2, 4]),
        (vec!["ISSUE_APPROVED", "ISSUE_ASSIGNED"], vec![1, 3]),
        (vec!["MERGED"], vec![]),
        (vec![], vec![1, 2, 3, 4]),
    ] {
        let filter = LogFilter { types: types.iter().map(|name| (*name).to_owned()).collect() };
        let found = subject.store.read_log(0, 10, &filter).await.unwrap();
        assert_eq!(found.iter().map(|event| event.version).collect::<Vec<_>>(), expected, "{types:?}");
    }
}

/// Every page continues where the one before ended.
pub async fn the_log_reads_from_any_position_up_to_the_limit(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    for _ in 0..9 {
        pen.write(vec![prioritised(Priority::High)]).await;
    }
    let all = subject.store.read_log(0, 100, &LogFilter::default()).await.unwrap();
    assert_eq!(all.len(), 10);
    for (at, event) in all.iter().enumerate() {
        let page = subject.store.read_log(event.position, 3, &LogFilter::default()).await.unwrap();
        assert_eq!(page, all[at + 1..all.len().min(at + 4)]);
    }
    let head = subject.store.head().await.unwrap();
    assert_eq!(subject.store.read_log(head + 1000, 3, &LogFilter::default()).await.unwrap(), []);
}

/// Several waiters, one append.
pub async fn a_waiter_wakes_when_the_log_grows(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let head = subject.store.head().await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let store = Arc::clone(&subject.store);
            // A wake-up may come too early, so a waiter looks again; it must not miss the append.
            tokio::spawn(async move {
                while store.head().await.unwrap() == head {
                    store.wait_past(head).await.unwrap();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    pen.write(vec![prioritised(Priority::High)]).await;
    for waiter in waiting {
        timeout(PATIENCE, waiter).await.expect("a waiter is woken").unwrap();
    }
}

/// Whoever comes late is not made to wait for the next event.
pub async fn a_waiter_for_what_is_there_already_does_not_wait(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    pen.write(vec![approved()]).await;
    timeout(PATIENCE, subject.store.wait_past(0)).await.expect("it is there").unwrap();
}
