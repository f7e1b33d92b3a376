//! Rows that many ask for at once.

use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{EventStore, ReadModels, Store, StoreFailure};
use futures_util::future::join_all;

use super::database::TestDatabase;
use super::story::append_to;

fn issue(number: u64) -> StreamId {
    StreamId::Issue(IssueRef::parse(&format!("acme/web#{number}")).unwrap())
}

/// More than one statement takes: each is told of its own stream, also where two ask for the same, or for none.
#[tokio::test]
async fn each_of_a_crowd_is_given_its_own_row() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    for number in 1..=5_u64 {
        for version in 0..number {
            store.append(append_to(&format!("acme/web#{number}"), version)).await.unwrap();
        }
    }
    let crowd = (0..600).map(|nth| nth % 7 + 1);
    let found = join_all(crowd.clone().map(|number| {
        let store = &store;
        async move { store.load(&issue(number)).await.unwrap() }
    }))
    .await;
    for (number, found) in crowd.zip(found) {
        let versions = found.map(|(version, state)| match state {
            StreamState::Issue(issue) => (version, issue.reference.number),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => panic!("not an issue"),
        });
        // There are issues 1 to 5, each at the version of its number.
        assert_eq!(versions, (1..=5).contains(&number).then_some((number, number)));
    }
}

/// Who asks after what is committed sees it, however many asked before.
#[tokio::test]
async fn nobody_is_told_what_was_read_before_it_asked() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let stream = issue(1);
    for version in 0..20 {
        let (appended, before) = tokio::join!(store.append(append_to("acme/web#1", version)), store.row(&stream));
        appended.unwrap();
        assert!(before.unwrap().is_none_or(|row| row.version == version || row.version == version + 1));
        assert_eq!(store.row(&stream).await.unwrap().unwrap().version, version + 1);
    }
}

#[tokio::test]
async fn a_closed_store_says_so_to_readers() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    store.close().await;
    assert!(matches!(store.row(&issue(1)).await, Err(StoreFailure::Unavailable(_))));
}
