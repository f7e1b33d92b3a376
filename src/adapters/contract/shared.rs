//! Two handles on one database, as two daemons of a rolling update have.

use std::sync::Arc;
use std::time::Duration;

use conductor_core::event::Priority;
use conductor_core::port::{AppendError, Candidacy, LogFilter};
use tokio::time::timeout;

use super::Subject;
use super::concurrency::{tail, write_at_once};
use super::leader::elected_in_time;
use super::story::{PATIENCE, Pen, approved, keyed, prioritised};

/// Sixteen writers, eight on each; a reader on each meets every event once and in order.
pub async fn two_handles_write_one_log_in_order(subject: Subject) {
    let (writers, each) = (8, 20);
    let total = 2 * writers * each;
    let tails = [&subject.store, subject.sibling()].map(|store| tokio::spawn(tail(Arc::clone(store), total)));
    let here = write_at_once(&subject.store, 1, writers, each);
    let there = write_at_once(subject.sibling(), 101, writers, each);
    here.join_all().await;
    there.join_all().await;
    let log = subject.store.read_log(0, 1000, &LogFilter::default()).await.unwrap();
    let stands: Vec<(u64, u128)> = log.iter().map(|event| (event.position, event.id.0)).collect();
    for tail in tails {
        let met = timeout(PATIENCE, tail).await.expect("the tail meets every event").unwrap();
        assert_eq!(met, stands);
    }
}

/// The expected version is the truth, whoever keeps an actor for the stream.
pub async fn a_conflict_is_seen_across_handles(subject: Subject) {
    let pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let (here, there) =
        (pen.draft(vec![prioritised(Priority::High)]), pen.draft(vec![prioritised(Priority::Critical)]));
    let answers = tokio::join!(subject.store.append(here), subject.sibling().append(there));
    let conflicts = [answers.0.is_err(), answers.1.is_err()].into_iter().filter(|failed| *failed).count();
    assert_eq!(conflicts, 1, "one of the two writes");
    assert_eq!(subject.sibling().load(&pen.stream).await.unwrap().unwrap().0, 2);
}

/// A client that asks another replica gets the first answer.
pub async fn a_key_is_recognised_across_handles(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed("scope", "k-1", "digest"));
    let receipt = pen.send(append.clone()).await.unwrap();
    assert_eq!(subject.sibling().append(append).await, Err(AppendError::Duplicate(receipt)));
}

/// Eight claims of one agent with room for one, over both handles.
pub async fn racing_claims_across_handles_give_one_lease(subject: Subject) {
    let mut racing = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let pen = Pen::approved_issue(&subject.store, &format!("acme/web#{number}")).await;
        let store = Arc::clone(if number % 2 == 0 { &subject.store } else { subject.sibling() });
        racing.spawn(async move { store.append(pen.claim("dev-e-node", 1)).await });
    }
    let won = racing.join_all().await.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
}

/// The feed of one replica follows what the other writes.
pub async fn a_waiter_wakes_for_an_append_on_the_other_handle(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let head = subject.store.head().await.unwrap();
    let sibling = Arc::clone(subject.sibling());
    let waiting = tokio::spawn(async move {
        while sibling.head().await.unwrap() == head {
            sibling.wait_past(head).await.unwrap();
        }
    });
    pen.write(vec![prioritised(Priority::High)]).await;
    timeout(PATIENCE, waiting).await.expect("a waiter is woken").unwrap();
}

/// Elected here, standing by there; given back here, taken there.
pub async fn a_term_is_one_across_handles(subject: Subject) {
    let length = Duration::from_secs(600);
    let Candidacy::Elected { term } = subject.store.take_term("one", length).await.unwrap() else {
        panic!("no leader")
    };
    let there = subject.sibling().take_term("other", length).await.unwrap();
    assert!(matches!(&there, Candidacy::Standby { leader, .. } if leader == "one"), "{there:?}");
    subject.store.end_term("one", term).await.unwrap();
    assert!(elected_in_time(subject.sibling(), "other").await > term);
    assert!(!subject.store.renew_term("one", term, length).await.unwrap());
}
