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
