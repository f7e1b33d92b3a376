//! What lanes gave up on, and a second chance for it.

use conductor_core::event::Priority;
use conductor_core::identity::EventId;
use conductor_core::port::{DeadLetter, DeadLetterId};
use conductor_core::reaction::Destination;

use super::Subject;
use super::inbox::delivery;
use super::story::{Pen, at, fresh_id, prioritised};

/// An effect of an event at second 1 that was given up on.
async fn dead_effect(subject: &Subject) -> EventId {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80"]);
    let id = append.effects[0].id;
    pen.send(append).await.unwrap();
    subject.store.failed(id, "busy", Some(at(1))).await.unwrap();
    subject.store.failed(id, "makes no sense", None).await.unwrap();
    id
}

/// A delivery of that second that was given up on.
async fn dead_delivery(subject: &Subject, id: &str, seconds: i64) {
    subject.store.receive(delivery(id, "acme/web#7", seconds)).await.unwrap();
    subject.store.stuck(id, "nobody understands it", None).await.unwrap();
}

/// Of both kinds, with every field, and no more than asked for.
pub async fn dead_letters_come_oldest_first_and_say_what_they_were(subject: Subject) {
    assert_eq!(subject.store.dead_letters(10).await.unwrap(), []);
    dead_delivery(&subject, "d-2", 60).await;
    let effect = dead_effect(&subject).await;
    dead_delivery(&subject, "d-1", 0).await;
    subject.store.receive(delivery("waits", "", 0)).await.unwrap();
    let of_delivery = |id: &str, seconds| DeadLetter {
        id: DeadLetterId::Delivery(id.to_owned()),
        destination: None,
        key: "acme/web#7".to_owned(),
        what: "issues".to_owned(),
        error: "nobody understands it".to_owned(),
        attempts: 1,
        since: at(seconds),
    };
    let of_effect = DeadLetter {
        id: DeadLetterId::Effect(effect),
        destination: Some(Destination::Internal),
        key: "acme/web#80".to_owned(),
        what: "PRIORITY_CHANGED of acme/web#7".to_owned(),
        error: "makes no sense".to_owned(),
        attempts: 2,
        since: at(1),
    };
    let expected = [of_delivery("d-1", 0), of_effect, of_delivery("d-2", 60)];
    assert_eq!(subject.store.dead_letters(10).await.unwrap(), expected);
    assert_eq!(subject.store.dead_letters(2).await.unwrap(), expected[..2]);
}

/// With all its tries, at once; and only once, since then it isn't dead any more.
pub async fn a_dead_letter_is_tried_again_when_somebody_says_so(subject: Subject) {
    let effect = dead_effect(&subject).await;
    dead_delivery(&subject, "d-1", 0).await;
    for id in [DeadLetterId::Effect(effect), DeadLetterId::Delivery("d-1".to_owned())] {
        assert!(subject.store.retry_dead_letter(&id).await.unwrap());
        assert!(!subject.store.retry_dead_letter(&id).await.unwrap(), "it waits");
    }
    assert_eq!(subject.store.dead_letters(10).await.unwrap(), []);
    let due = subject.store.due(Destination::Internal, at(100), 10).await.unwrap();
    let pending = due[0].as_ref().unwrap();
    assert_eq!((pending.id, pending.attempts), (effect, 0));
    let waiting = subject.store.waiting(at(100), 10).await.unwrap();
    assert_eq!((waiting[0].delivery.id.as_str(), waiting[0].attempts), ("d-1", 0));
}

/// What was done, what waits for its next try, what never was.
pub async fn what_is_not_dead_is_not_tried_again(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80", "acme/web#81"]);
    let (done, waits) = (append.effects[0].id, append.effects[1].id);
    pen.send(append).await.unwrap();
    subject.store.delivered(&[done]).await.unwrap();
    subject.store.failed(waits, "busy", Some(at(500))).await.unwrap();
    subject.store.receive(delivery("d-1", "", 0)).await.unwrap();
    subject.store.worked("d-1", "3 commands").await.unwrap();
    for id in [
        DeadLetterId::Effect(done),
        DeadLetterId::Effect(waits),
        DeadLetterId::Effect(fresh_id()),
        DeadLetterId::Delivery("d-1".to_owned()),
        DeadLetterId::Delivery("unknown".to_owned()),
    ] {
        assert!(!subject.store.retry_dead_letter(&id).await.unwrap(), "{id}");
    }
}
