//! Rows that another build's projections wrote.

use conductor_core::identity::StreamKind;
use conductor_core::port::{EventStore, ReadModels, RowFilter};

use super::database::TestDatabase;
use super::story::append_to;

/// Its document can't even be read, and isn't: the log is.
#[tokio::test]
async fn a_row_of_another_build_is_replayed_and_not_believed() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let stream = append_to("acme/web#7", 0).stream;
    for version in 0..3 {
        store.append(append_to("acme/web#7", version)).await.unwrap();
    }
    let (loaded, row) = (store.load(&stream).await.unwrap(), store.row(&stream).await.unwrap());
    assert_eq!(loaded.as_ref().map(|(version, _)| *version), Some(3));

    let owner = database.client().await;
    owner.batch_execute("UPDATE read_models SET projection = 0, document = '{}', shown = true").await.unwrap();
    assert_eq!(store.load(&stream).await.unwrap(), loaded);
    assert_eq!(store.row(&stream).await.unwrap(), row);
    let listed = store.rows(StreamKind::Issue, &RowFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed.into_iter().map(|row| row.state).collect::<Vec<_>>(), [loaded.clone().unwrap().1]);

    owner.batch_execute("TRUNCATE read_models").await.unwrap();
    assert_eq!(store.load(&stream).await.unwrap(), loaded, "without any row");
    store.append(append_to("acme/web#7", 3)).await.unwrap();
    assert_eq!(store.row(&stream).await.unwrap().map(|row| row.version), Some(4));
}

/// Byte for byte, over more streams than fit one transaction, whether outdated or gone.
#[tokio::test]
async fn opening_makes_rows_of_older_projections_anew() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let appends = (1..=250).map(|number| store.append(append_to(&format!("acme/web#{number}"), 0)));
    futures_util::future::try_join_all(appends).await.unwrap();
    let owner = database.client().await;
    let fingerprint = "SELECT md5(string_agg(read_models::text, ',' ORDER BY stream)) FROM read_models";
    let before: String = owner.query_one(fingerprint, &[]).await.unwrap().get(0);
    let damage =
        "UPDATE read_models SET projection = 0, document = '{}', state = 'odd', holder = 'x' WHERE stream % 2 = 0;
        DELETE FROM read_models WHERE stream % 5 = 0";
    owner.batch_execute(damage).await.unwrap();

    database.store().await;
    let after: String = owner.query_one(fingerprint, &[]).await.unwrap().get(0);
    assert_eq!(after, before);
}

/// It is being rolled out, and this one is on its way out.
#[tokio::test]
async fn opening_leaves_rows_of_newer_projections_alone() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let stream = append_to("acme/web#7", 0).stream;
    store.append(append_to("acme/web#7", 0)).await.unwrap();
    let row = store.row(&stream).await.unwrap();
    let owner = database.client().await;
    owner.batch_execute("UPDATE read_models SET projection = 99, document = '[]'").await.unwrap();
    let reopened = database.store().await;
    let kept = owner.query_one("SELECT projection, document FROM read_models", &[]).await.unwrap();
    assert_eq!((kept.get::<_, i32>(0), kept.get::<_, &str>(1)), (99, "[]"));
    assert_eq!(reopened.row(&stream).await.unwrap(), row);
}
