//! Connections that break, servers that fall silent, pools that run dry.

use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{AppendError, EventStore, Inbox, LogFilter, Store, StoreFailure};
use tokio::time::timeout;

use super::database::TestDatabase;
use super::log_lock::LogLock;
use super::story::append_to;
use crate::postgres::{PostgresOptions, PostgresStore};

/// For what must happen, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn is_outage<T>(answer: &Result<T, AppendError>) -> bool {
    matches!(answer, Err(AppendError::Store(StoreFailure::Unavailable(_))))
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_an_append_writes_nothing_and_comes_back() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let lock = LogLock::take(&database).await;
    let cut = tokio::spawn({
        let store = store.clone();
        async move { store.append(append_to("acme/web#7", 0)).await }
    });
    let writer = lock.waited_for_by(1).await[0];
    lock.terminate(writer).await;
    let answer = cut.await.unwrap();
    assert!(is_outage(&answer), "{answer:?}");
    lock.release().await;

    assert_eq!(store.append(append_to("acme/web#7", 0)).await.unwrap().first_position, 1);
}

/// Writers that repeat on any doubt by loading anew, while all of the daemon's connections are cut again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_cut_again_and_again_leave_nothing_half_written() {
    const EACH: u64 = 30;
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let writing: Vec<_> =
        (1..=4).map(|number| tokio::spawn(write_through(store.clone(), format!("acme/web#{number}"), EACH))).collect();
    let saboteur = database.client().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'conductor-e' AND datname = current_database()";
    for round in 1..=6 {
        // Not before something was written since the last cut.
        timeout(PATIENCE, store.wait_past(round * 10)).await.expect("the log grows between cuts").unwrap();
        saboteur.execute(cut, &[]).await.unwrap();
    }
    for writer in writing {
        timeout(PATIENCE, writer).await.expect("writers come through").unwrap();
    }
    let whole = "SELECT NOT EXISTS (
            SELECT FROM streams s LEFT JOIN read_models r ON r.stream = s.id
            WHERE r.version IS DISTINCT FROM (SELECT max(version) FROM events e WHERE e.stream = s.id)
               OR r.version IS DISTINCT FROM (SELECT count(*) FROM events e WHERE e.stream = s.id)
        ) AND (SELECT max(position) = count(*) FROM events)";
    assert!(saboteur.query_one(whole, &[]).await.unwrap().get::<_, bool>(0));
}

async fn write_through(store: Arc<PostgresStore>, issue: String, events: u64) {
    let stream = append_to(&issue, 0).stream;
    loop {
        let Ok(loaded) = store.load(&stream).await else { continue };
        let version = loaded.map_or(0, |(version, _)| version);
        if version >= events {
            return;
        }
        match store.append(append_to(&issue, version)).await {
            Ok(receipt) => assert_eq!(receipt.first_version, version + 1),
            answer => assert!(is_outage(&answer), "{answer:?}"),
        }
    }
}

/// The waiter has seen nothing yet when its connection goes.
#[tokio::test]
async fn a_reader_whose_listening_connection_was_cut_is_woken_all_the_same() {
    let database = TestDatabase::create().await;
    let (here, there) = (database.store().await, database.store().await);
    let saboteur = database.client().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE query ~ 'LISTEN|max' AND application_name = 'conductor-e' AND datname = current_database()";
    while saboteur.query_one(cut, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
    there.append(append_to("acme/web#7", 0)).await.unwrap();
    timeout(PATIENCE, here.wait_past(0)).await.expect("woken").unwrap();
    assert_eq!(here.read_log(0, 10, &LogFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_pool_that_ran_dry_is_an_outage_after_a_bounded_wait() {
    let database = TestDatabase::create().await;
    let options = PostgresOptions { pool_size: 1, pool_wait: Duration::from_millis(50), ..database.options() };
    let store = PostgresStore::connect(options).await.unwrap();
    let blocker = database.client().await;
    blocker.batch_execute("BEGIN; LOCK TABLE inbox").await.unwrap();
    let occupying = tokio::spawn({
        let store = store.clone();
        async move { store.inbox_depth().await }
    });
    let refused = loop {
        // Until the other call has the connection.
        match store.ping().await {
            Ok(()) => tokio::task::yield_now().await,
            Err(failure) => break failure,
        }
    };
    assert!(matches!(&refused, StoreFailure::Unavailable(why) if why.contains("pool")), "{refused:?}");
    blocker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(occupying.await.unwrap().unwrap().waiting, 0);
}

#[tokio::test]
async fn a_statement_that_hangs_is_an_outage_after_its_time() {
    let database = TestDatabase::create().await;
    let options = PostgresOptions { statement_timeout: Duration::from_millis(100), ..database.options() };
    let store = PostgresStore::connect(options).await.unwrap();
    let blocker = database.client().await;
    blocker.batch_execute("BEGIN; LOCK TABLE inbox, events").await.unwrap();
    let refused = store.inbox_depth().await.unwrap_err();
    assert!(matches!(&refused, StoreFailure::Unavailable(why) if why.contains("57014")), "{refused:?}");
    let refused = store.append(append_to("acme/web#7", 0)).await;
    assert!(is_outage(&refused), "{refused:?}");
    blocker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.append(append_to("acme/web#7", 0)).await.unwrap().first_version, 1);
}

/// What was taken in before is written; what comes after is refused.
#[tokio::test]
async fn closing_writes_what_waits() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let lock = LogLock::take(&database).await;
    let waiting: Vec<_> = (1..=3)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.append(append_to(&format!("acme/web#{number}"), 0)).await })
        })
        .collect();
    lock.waited_for_by(1).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    lock.release().await;
    for append in waiting {
        append.await.unwrap().unwrap();
    }
    timeout(PATIENCE, closing).await.expect("closes").unwrap();
    assert!(is_outage(&store.append(append_to("acme/web#9", 0)).await));
}
