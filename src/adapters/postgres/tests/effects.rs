//! What only a look into the table shows of effects.

use conductor_core::event::Priority;
use conductor_core::port::{ObsoleteEffect, Outbox};
use conductor_core::reaction::Destination;

use super::database::TestDatabase;
use crate::contract::story::{Pen, at, prioritised};

#[tokio::test]
async fn the_reason_why_an_effect_no_longer_holds_is_kept() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let mut pen = Pen::approved_issue(&(store.clone() as _), "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80"]);
    let id = append.effects[0].id;
    pen.send(append).await.unwrap();
    store.obsolete(&[ObsoleteEffect { id, reason: "merged\0meanwhile".to_owned() }]).await.unwrap();
    let row = database.client().await.query_one("SELECT obsolete, delivered_at FROM outbox", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "merged\u{fffd}meanwhile");
}

#[tokio::test]
async fn an_effect_that_can_not_be_read_keeps_no_other_back() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let mut pen = Pen::approved_issue(&(store.clone() as _), "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80", "acme/web#81"]);
    let id = append.effects[0].id;
    pen.send(append).await.unwrap();
    let break_it = "UPDATE outbox SET effect = '{}' WHERE key = 'acme/web#80'";
    database.client().await.batch_execute(break_it).await.unwrap();
    let due = store.due(Destination::Internal, at(100), 10).await.unwrap();
    let [Err(broken), Ok(_)] = &due[..] else { panic!("{due:?}") };
    assert_eq!((broken.id, broken.key.as_str(), broken.attempts), (id, "acme/web#80", 0));
    store.failed(id, &broken.why, None).await.unwrap();
    assert_eq!(store.due(Destination::Internal, at(100), 10).await.unwrap().len(), 1, "a dead letter");
}
