//! Values that PostgreSQL doesn't take.

use conductor_core::port::{AppendError, Body, EventStore, KeyedAnswer, ReadModels, StoreFailure};

use super::database::TestDatabase;
use super::log_lock::LogLock;
use super::story::append_to;

/// All of them in one batch: the second, which is made while the lock is held.
#[tokio::test]
async fn an_append_that_the_server_refuses_fails_nobody_else() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let lock = LogLock::take(&database).await;
    let append = |number: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut append = append_to(&format!("acme/web#{number}"), 0);
            if number == 5 {
                append.key =
                    Some(KeyedAnswer { scope: "a\0b".to_owned(), key: "k".to_owned(), fingerprint: "f".to_owned() });
            }
            store.append(append).await
        })
    };
    let first = append(1);
    lock.waited_for_by(1).await;
    let others: Vec<_> = (2..=9).map(append).collect();
    tokio::task::yield_now().await;
    lock.release().await;

    assert_eq!(first.await.unwrap().unwrap().first_position, 1);
    let mut refused = 0;
    for other in others {
        match other.await.unwrap() {
            Ok(receipt) => assert_eq!(receipt.first_version, 1),
            Err(AppendError::Store(StoreFailure::Corrupt(_))) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(refused, 1);
    assert_eq!(store.head().await.unwrap(), 8);
}

#[tokio::test]
async fn a_nul_in_a_body_is_replaced_and_the_rest_is_kept() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let mut append = append_to("acme/web#7", 0);
    append.snapshot.body = Body::Set("a\0b".to_owned());
    let stream = append.stream.clone();
    store.append(append).await.unwrap();
    assert_eq!(store.row(&stream).await.unwrap().unwrap().body.as_deref(), Some("a\u{fffd}b"));
}
