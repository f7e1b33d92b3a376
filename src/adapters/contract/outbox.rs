//! Effects: recorded with their event, delivered at least once, in order per key.

use conductor_core::event::Priority;
use conductor_core::identity::EventId;
use conductor_core::port::{ObsoleteEffect, OutboxDepth, PendingEffect};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;

use super::Subject;
use super::story::{Pen, approved, at, fresh_id, prioritised, told};

async fn due(subject: &Subject, now: Timestamp, limit: usize) -> Vec<PendingEffect> {
    let due = subject.store.due(Destination::Internal, now, limit).await.unwrap();
    due.into_iter().map(|effect| effect.expect("what a case recorded can be read")).collect()
}

/// An approved issue and three more events, each of which tells these pull requests; gives the effects' ids per event.
async fn three_times(subject: &Subject, pull_requests: &[&str]) -> Vec<Vec<EventId>> {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let append = pen.telling(prioritised(Priority::High), pull_requests);
        ids.push(append.effects.iter().map(|effect| effect.id).collect());
        pen.send(append).await.unwrap();
    }
    ids
}

/// Every field of what waits, and no more than asked for.
pub async fn effects_come_oldest_first_with_what_caused_them(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "Acme/Web#7").await;
    let event = prioritised(Priority::High);
    let append = pen.telling(event.clone(), &["acme/web#80", "acme/web#81"]);
    let (event_id, ids) = (append.events[0].id, [append.effects[0].id, append.effects[1].id]);
    pen.send(append).await.unwrap();
    let found = due(&subject, at(100), 10).await;
    let expected = [("acme/web#80", ids[0]), ("acme/web#81", ids[1])].map(|(pull, id)| PendingEffect {
        id,
        event_id,
        effect: told(pull, &pen.stream, &event),
        attempts: 0,
        since: at(1),
    });
    assert_eq!(found, expected);
    assert_eq!(due(&subject, at(100), 1).await, expected[..1]);
}

/// Also when they are named twice, or unknown.
pub async fn delivered_effects_do_not_come_again(subject: Subject) {
    let ids = three_times(&subject, &["acme/web#80"]).await;
    subject.store.delivered(&[ids[0][0], ids[1][0], fresh_id()]).await.unwrap();
    subject.store.delivered(&[ids[0][0]]).await.unwrap();
    let left: Vec<EventId> = due(&subject, at(100), 10).await.iter().map(|effect| effect.id).collect();
    assert_eq!(left, ids[2]);
}

/// They count nowhere, as if they had been delivered; also when they were.
pub async fn obsolete_effects_do_not_come_again(subject: Subject) {
    let ids = three_times(&subject, &["acme/web#80"]).await;
    subject.store.delivered(&[ids[0][0]]).await.unwrap();
    let obsolete = |id| ObsoleteEffect { id, reason: "merged meanwhile".to_owned() };
    subject.store.obsolete(&[obsolete(ids[0][0]), obsolete(ids[1][0]), obsolete(fresh_id())]).await.unwrap();
    let left: Vec<EventId> = due(&subject, at(100), 10).await.iter().map(|effect| effect.id).collect();
    assert_eq!(left, ids[2]);
    assert_eq!(subject.store.outbox_depth().await.unwrap()[0].pending, 1);
}

/// The other keys go on; when its time has come, all come in order.
pub async fn a_failed_effect_waits_and_holds_back_its_key_alone(subject: Subject) {
    let ids = three_times(&subject, &["acme/web#80", "acme/web#81"]).await;
    subject.store.failed(ids[0][0], "busy", Some(at(500))).await.unwrap();
    let come = async |now| due(&subject, now, 10).await.iter().map(|effect| effect.id).collect::<Vec<_>>();
    assert_eq!(come(at(499)).await, [ids[0][1], ids[1][1], ids[2][1]]);
    assert_eq!(come(at(500)).await, ids.concat());
    assert_eq!(due(&subject, at(500), 1).await[0].attempts, 1);
}

/// One poisoned message must not stop its issue for ever.
pub async fn a_dead_letter_frees_its_key(subject: Subject) {
    let ids = three_times(&subject, &["acme/web#80"]).await;
    subject.store.failed(ids[0][0], "busy", Some(at(500))).await.unwrap();
    assert_eq!(due(&subject, at(100), 10).await, []);
    subject.store.failed(ids[0][0], "makes no sense", None).await.unwrap();
    let left: Vec<EventId> = due(&subject, at(100), 10).await.iter().map(|effect| effect.id).collect();
    assert_eq!(left, [ids[1][0], ids[2][0]]);
}

/// Delivered ones count nowhere.
pub async fn the_depth_counts_what_waits_and_what_is_dead(subject: Subject) {
    assert_eq!(subject.store.outbox_depth().await.unwrap(), []);
    let ids = three_times(&subject, &["acme/web#80"]).await;
    let destination = Destination::Internal;
    let all = OutboxDepth { destination, pending: 3, dead: 0, oldest: Some(at(1)) };
    assert_eq!(subject.store.outbox_depth().await.unwrap(), [all]);
    subject.store.delivered(&ids[0]).await.unwrap();
    subject.store.failed(ids[1][0], "makes no sense", None).await.unwrap();
    let left = OutboxDepth { destination, pending: 1, dead: 1, oldest: Some(at(3)) };
    assert_eq!(subject.store.outbox_depth().await.unwrap(), [left]);
}

/// No effect without its event.
pub async fn a_refused_append_leaves_no_effect(subject: Subject) {
    let pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let stale = Pen { version: 0, ..pen }.telling(approved(), &["acme/web#80"]);
    assert!(subject.store.append(stale).await.is_err());
    assert_eq!(due(&subject, at(100), 10).await, []);
}
