//! Replicas on one database, where the order of things is forced to be the unlucky one.

use std::time::Duration;

use conductor_core::port::{AppendError, EventStore, LogFilter};
use tokio::time::timeout;

use super::database::TestDatabase;
use super::log_lock::LogLock;
use super::story::append_to;

/// Inserts what another replica's writer would, inside the transaction that holds the lock.
const OTHER_WRITER: &str = r#"
    INSERT INTO streams (id, key, kind, name, sort_name, number)
        VALUES (1, 'acme/web#7', 'issue', 'acme/web#7', 'acme/web', 7);
    INSERT INTO events (position, stream, version, id, type, schema, time, data, metadata)
    VALUES (1, 1, 1, gen_random_uuid(), 'PRIORITY_CHANGED', 1, now(), '{"priority":"high"}', '{"actor":"daemon:other"}');
"#;

/// In READ COMMITTED a statement that both waits for the lock and checks would check what was there before its wait.
#[tokio::test]
async fn a_version_is_checked_as_it_is_after_the_wait_for_the_lock() {
    let database = TestDatabase::create().await;
    let (here, there) = (database.store().await, database.store().await);
    let lock = LogLock::take(&database).await;
    let stale = tokio::spawn(async move { here.append(append_to("acme/web#7", 0)).await });
    let fresh = tokio::spawn(async move { there.append(append_to("acme/web#7", 1)).await });
    lock.waited_for_by(2).await;
    lock.client.batch_execute(OTHER_WRITER).await.unwrap();
    lock.release().await;

    let stale = stale.await.unwrap();
    assert!(matches!(stale, Err(AppendError::Conflict { actual: 1 | 2 })), "{stale:?}");
    let receipt = fresh.await.unwrap().unwrap();
    assert_eq!((receipt.first_version, receipt.first_position), (2, 2));
}

/// Positions are given in order of commit: whoever began first and commits last doesn't get the lower one.
#[tokio::test]
async fn a_transaction_that_began_earlier_and_commits_later_leaves_no_gap() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let early = database.client().await;
    early.batch_execute("BEGIN; SELECT txid_current(); INSERT INTO heartbeats VALUES ('a', '', now())").await.unwrap();
    for version in 0..3 {
        store.append(append_to("acme/web#7", version)).await.unwrap();
    }
    let positions = async || {
        let log = store.read_log(0, 10, &LogFilter::default()).await.unwrap();
        log.iter().map(|event| event.position).collect::<Vec<_>>()
    };
    assert_eq!(positions().await, [1, 2, 3], "while the other transaction is open");
    early.batch_execute("COMMIT").await.unwrap();
    assert_eq!(positions().await, [1, 2, 3]);
}

/// A batch that is rolled back takes no positions with it.
#[tokio::test]
async fn a_rolled_back_writer_leaves_no_hole() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let lock = LogLock::take(&database).await;
    lock.client.batch_execute(OTHER_WRITER).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.append(append_to("acme/web#7", 0)).await }
    });
    lock.waited_for_by(1).await;
    lock.client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().first_position, 1);
}

/// Many new streams in two batches at once: long answers, of which none may hold up another, nor what tells the other replicas.
#[tokio::test]
async fn a_crowd_of_new_streams_is_answered_while_the_next_batch_is_on_its_way() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let crowd = (0..1024).map(|caller| {
        let store = store.clone();
        async move {
            for round in 0..4 {
                store.append(append_to(&format!("acme/web#{}", 1 + caller * 4 + round), 0)).await?;
            }
            Ok::<(), AppendError>(())
        }
    });
    // What is held up is so until the statement's deadline, 9 s.
    let appended = timeout(Duration::from_secs(8), futures_util::future::join_all(crowd)).await.expect("held up");
    assert!(appended.into_iter().all(|appended| appended.is_ok()));
    let last = store.read_log(4095, 10, &LogFilter::default()).await.unwrap();
    assert_eq!(last.iter().map(|event| event.position).collect::<Vec<_>>(), [4096]);
}
