//! Webhook deliveries: stored once, worked off in order per key.

use conductor_core::port::{Delivery, InboxDepth, PendingDelivery, Received};
use conductor_core::time::Timestamp;

use super::Subject;
use super::story::at;

pub(super) fn delivery(id: &str, ordering_key: &str, seconds: i64) -> Delivery {
    Delivery {
        id: id.to_owned(),
        event: "issues".to_owned(),
        ordering_key: ordering_key.to_owned(),
        body: format!(r#"{{"action":"labeled","id":"{id}","text":"你好\u0000"}}"#),
        received_at: at(seconds),
        ignored: None,
    }
}

/// Receives deliveries with these ids and keys, one second apart.
async fn receive(subject: &Subject, deliveries: &[(&str, &str)]) {
    for (seconds, (id, key)) in (0..).zip(deliveries) {
        let received = subject.store.receive(delivery(id, key, seconds)).await.unwrap();
        assert_eq!(received, Received::Accepted);
    }
}

async fn waiting(subject: &Subject, now: Timestamp, limit: usize) -> Vec<String> {
    let waiting = subject.store.waiting(now, limit).await.unwrap();
    waiting.into_iter().map(|pending| pending.delivery.id).collect()
}

/// The first body stays.
pub async fn a_delivery_is_received_once(subject: Subject) {
    let first = delivery("d-1", "acme/web#7", 0);
    assert_eq!(subject.store.receive(first.clone()).await.unwrap(), Received::Accepted);
    let again = Delivery { body: "{}".to_owned(), ..delivery("d-1", "acme/web#8", 9) };
    assert_eq!(subject.store.receive(again.clone()).await.unwrap(), Received::Duplicate);
    let expected = [PendingDelivery { delivery: first, attempts: 0 }];
    assert_eq!(subject.store.waiting(at(100), 10).await.unwrap(), expected);
    subject.store.worked("d-1", "3 commands").await.unwrap();
    assert_eq!(subject.store.receive(again).await.unwrap(), Received::Duplicate);
    assert_eq!(waiting(&subject, at(100), 10).await, [] as [&str; 0]);
}

/// Whatever their ids and keys.
pub async fn deliveries_wait_in_order_of_receipt(subject: Subject) {
    receive(&subject, &[("z", "acme/web#7"), ("a", "acme/web#8"), ("m", "acme/web#7")]).await;
    assert_eq!(waiting(&subject, at(100), 10).await, ["z", "a", "m"]);
    assert_eq!(waiting(&subject, at(100), 2).await, ["z", "a"]);
    let depth = InboxDepth { waiting: 3, dead: 0, oldest: Some(at(0)) };
    assert_eq!(subject.store.inbox_depth().await.unwrap(), depth);
}

/// Later ones of the key wait behind it, others don't.
pub async fn a_failed_delivery_holds_back_its_key_until_its_time(subject: Subject) {
    receive(&subject, &[("1", "acme/web#7"), ("2", "acme/web#8"), ("3", "acme/web#7")]).await;
    subject.store.stuck("1", "the store was away", Some(at(500))).await.unwrap();
    assert_eq!(waiting(&subject, at(499), 10).await, ["2"]);
    assert_eq!(waiting(&subject, at(500), 10).await, ["1", "2", "3"]);
    assert_eq!(subject.store.waiting(at(500), 1).await.unwrap()[0].attempts, 1);
    subject.store.worked("1", "1 command").await.unwrap();
    assert_eq!(waiting(&subject, at(499), 10).await, ["2", "3"]);
}

/// Nothing says that they belong together.
pub async fn deliveries_without_a_key_hold_nobody_back(subject: Subject) {
    receive(&subject, &[("1", ""), ("2", ""), ("3", "")]).await;
    subject.store.stuck("1", "odd", Some(at(500))).await.unwrap();
    assert_eq!(waiting(&subject, at(100), 10).await, ["2", "3"]);
}

/// It is on record, so that a repeat is a repeat.
pub async fn an_ignored_delivery_is_known_and_does_not_wait(subject: Subject) {
    let ignored = Delivery { ignored: Some("unknown action".to_owned()), ..delivery("d-1", "acme/web#7", 0) };
    assert_eq!(subject.store.receive(ignored.clone()).await.unwrap(), Received::Accepted);
    assert_eq!(subject.store.receive(ignored).await.unwrap(), Received::Duplicate);
    assert_eq!(waiting(&subject, at(100), 10).await, [] as [&str; 0]);
    assert_eq!(subject.store.inbox_depth().await.unwrap(), InboxDepth::default());
}

/// One poisoned delivery must not stop its issue for ever.
pub async fn a_dead_delivery_frees_its_key_and_is_counted(subject: Subject) {
    receive(&subject, &[("1", "acme/web#7"), ("2", "acme/web#7")]).await;
    subject.store.stuck("1", "odd", Some(at(500))).await.unwrap();
    subject.store.stuck("1", "odd again", None).await.unwrap();
    assert_eq!(waiting(&subject, at(100), 10).await, ["2"]);
    let depth = InboxDepth { waiting: 1, dead: 1, oldest: Some(at(1)) };
    assert_eq!(subject.store.inbox_depth().await.unwrap(), depth);
}
