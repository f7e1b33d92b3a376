//! The log is append-only for whoever asks.

use conductor_core::port::EventStore;
use tokio_postgres::error::SqlState;

use super::database::{TestDatabase, connect};
use super::story::append_to;
use crate::postgres::{PostgresOptions, PostgresStore};

const CHANGES: [&str; 6] = [
    "UPDATE events SET type = 'ISSUE_DONE'",
    "DELETE FROM events WHERE position = 1",
    "TRUNCATE events",
    "UPDATE streams SET name = 'acme/other#1'",
    "DELETE FROM streams",
    "TRUNCATE streams, events",
];

#[tokio::test]
async fn the_owner_can_not_change_the_log_by_mistake() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    store.append(append_to("acme/web#7", 0)).await.unwrap();
    let owner = database.client().await;
    for change in CHANGES {
        let refused = owner.batch_execute(change).await.expect_err(change);
        assert_eq!(refused.code(), Some(&SqlState::RESTRICT_VIOLATION), "{change}: {refused:?}");
    }
    assert_eq!(store.head().await.unwrap(), 1);
}

#[tokio::test]
async fn the_serving_role_has_no_right_to_change_the_log_or_the_schema() {
    let database = TestDatabase::create().await;
    let role = database.role("serving").await;
    let options = PostgresOptions { migrate_url: Some(database.url()), ..PostgresOptions::new(database.url_as(&role)) };
    let store = PostgresStore::connect(options).await.unwrap();
    store.append(append_to("acme/web#7", 0)).await.unwrap();

    let serving = connect(&database.url_as(&role).parse().unwrap()).await;
    let schema = ["CREATE TABLE other ()", "DROP TRIGGER events_are_append_only ON events", "DROP TABLE events"];
    for change in CHANGES.iter().chain(&schema) {
        let refused = serving.batch_execute(change).await.expect_err(change);
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{change}: {refused:?}");
    }
}

#[tokio::test]
async fn the_serving_role_can_do_all_that_a_store_does() {
    let database = TestDatabase::create().await;
    let role = database.role("serving").await;
    let options = PostgresOptions { migrate_url: Some(database.url()), ..PostgresOptions::new(database.url_as(&role)) };
    PostgresStore::connect(options).await.unwrap();
    // The next start knows the serving role alone: there is nothing to migrate, so it needs no other.
    let store = PostgresStore::connect(PostgresOptions::new(database.url_as(&role))).await.unwrap();
    store.append(append_to("acme/web#7", 0)).await.unwrap();
    use conductor_core::port::{Answers, Delivery, Heartbeats, Housekeeping, Inbox, KeyedAnswer, Outbox};
    let key = KeyedAnswer { scope: "s".to_owned(), key: "k".to_owned(), fingerprint: "f".to_owned() };
    store.remember(&key, 409, "{}", super::story::noon()).await.unwrap();
    let claimant = conductor_core::identity::Claimant::parse("dev-e-node/a").unwrap();
    store.heard(&[(claimant, super::story::noon())]).await.unwrap();
    let delivery = Delivery {
        id: "d".to_owned(),
        event: "issues".to_owned(),
        ordering_key: String::new(),
        body: "{}".to_owned(),
        received_at: super::story::noon(),
        ignored: None,
    };
    store.receive(delivery).await.unwrap();
    store.worked("d", "1 command").await.unwrap();
    store.outbox_depth().await.unwrap();
    store.prune(super::story::noon().plus(std::time::Duration::from_secs(100 * 86_400))).await.unwrap();
}
