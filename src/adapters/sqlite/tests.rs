use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use conductor_core::identity::StreamId;
use conductor_core::port::{
    AppendError, EventStore, LogFilter, ObsoleteEffect, Outbox, ReadModels, Store, StoreFailure,
};
use conductor_core::reaction::Destination;
use rusqlite::Connection;

use super::{OpenError, SqliteOptions, SqliteStore};
use crate::contract::Subject;
use crate::contract::story::{Pen, approved, approved_as, at, issue_id, online, opened, prioritised, pull_id, sha};
use conductor_core::event::Priority;

/// A folder of its own that goes with the test.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("conductor-sqlite-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self) -> Arc<SqliteStore> {
        SqliteStore::open(&self.0, SqliteOptions::default()).unwrap()
    }

    /// A person's own connection, beside the store's.
    fn sql(&self) -> Connection {
        Connection::open(self.0.join("conductor.db")).unwrap()
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn fresh() -> Subject {
    let folder = TempFolder::new();
    Subject::new(folder.open(), folder)
}

crate::store_contract!(fresh);

fn as_store(store: &Arc<SqliteStore>) -> Arc<dyn Store> {
    Arc::clone(store) as Arc<dyn Store>
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_told_who_the_first_is() {
    let folder = TempFolder::new();
    let first = folder.open();
    let refused = SqliteStore::open(&folder.0, SqliteOptions::default()).unwrap_err();
    let OpenError::Locked { holder, .. } = &refused else { panic!("{refused}") };
    assert!(holder.starts_with(&format!("pid {} on ", std::process::id())), "{holder}");
    assert!(refused.to_string().contains(holder.as_str()), "{refused}");
    first.close().await;
    folder.open().close().await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again_and_migrating_twice_changes_nothing() {
    let folder = TempFolder::new();
    let store = folder.open();
    let pen = Pen::approved_issue(&as_store(&store), "Acme/Web#7").await;
    let log = store.read_log(0, 10, &LogFilter::default()).await.unwrap();
    store.close().await;
    let again = folder.open();
    assert_eq!(again.read_log(0, 10, &LogFilter::default()).await.unwrap(), log);
    assert_eq!(again.load(&pen.stream).await.unwrap(), Some((1, pen.state)));
    again.wait_past(0).await.unwrap();
}

#[tokio::test]
async fn a_migration_whose_text_has_changed_since_is_refused() {
    let folder = TempFolder::new();
    folder.open().close().await;
    folder.sql().execute("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1", []).unwrap();
    let refused = SqliteStore::open(&folder.0, SqliteOptions::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::Migration { reason, .. } if reason.contains("V1__log")), "{refused}");
}

#[tokio::test]
async fn events_can_be_neither_changed_nor_deleted_nor_replaced() {
    let folder = TempFolder::new();
    let store = folder.open();
    Pen::approved_issue(&as_store(&store), "acme/web#7").await;
    let before = store.read_log(0, 10, &LogFilter::default()).await.unwrap();
    let sql = folder.sql();
    for (statement, refusal) in [
        ("UPDATE events SET data = '{}'", "never changed"),
        ("DELETE FROM events", "never deleted"),
        ("INSERT OR REPLACE INTO events SELECT * FROM events", "never replaced"),
        (
            "REPLACE INTO events SELECT position + 1, id, stream, version, type, schema, time, data, metadata FROM events",
            "never replaced",
        ),
    ] {
        let refused = sql.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains(refusal), "{statement}: {refused}");
    }
    assert_eq!(store.read_log(0, 10, &LogFilter::default()).await.unwrap(), before);
}

#[tokio::test]
async fn a_row_of_other_projections_is_replayed_when_loaded_and_rebuilt_at_the_next_start() {
    let folder = TempFolder::new();
    let store = folder.open();
    let mut pen = Pen::issue(&as_store(&store), "acme/web#7");
    pen.write(vec![approved_as(Priority::High, "the body")]).await;
    let row = store.row(&pen.stream).await.unwrap();
    folder.sql().execute_batch("UPDATE read_models SET projection = 0, document = 'old'; DELETE FROM bodies;").unwrap();
    assert_eq!(store.load(&pen.stream).await.unwrap(), Some((1, pen.state.clone())));
    store.close().await;
    assert_eq!(folder.open().row(&pen.stream).await.unwrap(), row);
}

/// Appends approved issues until one is refused; gives those that were answered and the one that wasn't.
async fn fill(store: &Arc<SqliteStore>, first: u64) -> (Vec<StreamId>, Pen, AppendError) {
    let (mut answered, body) = (Vec::new(), "x".repeat(20_000));
    for number in first.. {
        let mut pen = Pen::issue(&as_store(store), &format!("acme/web#{number}"));
        let append = pen.draft(vec![approved_as(Priority::Normal, &body)]);
        match pen.send(append).await {
            Ok(_) => answered.push(pen.stream),
            Err(error) => return (answered, pen, error),
        }
    }
    unreachable!("the disk fills before the numbers end")
}

#[tokio::test]
async fn a_full_disk_is_unavailable_leaves_nothing_half_written_and_is_recovered_from() {
    let folder = TempFolder::new();
    let options = SqliteOptions { max_pages: Some(150), ..SqliteOptions::default() };
    let store = SqliteStore::open(&folder.0, options).unwrap();
    let (answered, mut refused, error) = fill(&store, 1).await;
    assert!(matches!(error, AppendError::Store(StoreFailure::Unavailable(_))), "{error}");
    assert!(answered.len() > 1, "only {} were answered", answered.len());

    let log = store.read_log(0, 1000, &LogFilter::default()).await.unwrap();
    assert_eq!(log.iter().map(|event| event.stream.clone()).collect::<Vec<_>>(), answered);
    assert_eq!(store.row(&refused.stream).await.unwrap(), None);
    assert_eq!(store.load(&refused.stream).await.unwrap(), None);

    store.write(|connection| Ok(connection.pragma_update(None, "max_page_count", 10_000)?)).await.unwrap();
    refused.write(vec![approved()]).await;
    assert_eq!(store.head().await.unwrap(), log.len() as u64 + 1);
}

#[tokio::test]
async fn a_job_that_fails_is_taken_back_alone() {
    let folder = TempFolder::new();
    let store = folder.open();
    let shared = as_store(&store);
    let good = Pen::issue(&shared, "acme/web#1").draft(vec![approved()]);
    let (failed, answered) = tokio::join!(
        store.write(|connection| {
            connection.execute("INSERT INTO heartbeats VALUES ('half', '', 1)", [])?;
            Ok(connection.execute("INSERT INTO heartbeats VALUES ('half', '', 2)", [])?)
        }),
        store.append(good),
    );
    assert!(matches!(failed, Err(StoreFailure::Unavailable(_))), "{failed:?}");
    assert_eq!(answered.unwrap().last_version, 1);
    let left: i64 = folder.sql().query_row("SELECT count(*) FROM heartbeats", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_job_that_panics_is_taken_back_and_the_writer_goes_on() {
    let folder = TempFolder::new();
    let store = folder.open();
    let panicked: Result<(), StoreFailure> = store
        .write(|connection| {
            connection.execute("INSERT INTO heartbeats VALUES ('half', '', 1)", [])?;
            panic!("a bug")
        })
        .await;
    assert!(panicked.is_err());
    Pen::approved_issue(&as_store(&store), "acme/web#7").await;
    let left: i64 = folder.sql().query_row("SELECT count(*) FROM heartbeats", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn people_find_issues_pulls_agents_and_the_timeline_in_views() {
    let folder = TempFolder::new();
    let store = as_store(&folder.open());
    Pen::approved_issue(&store, "Acme/Web#7").await;
    Pen::pull(&store, "Acme/Web#8").write(vec![opened(&pull_id("Acme/Web#8"), sha(1))]).await;
    Pen::agent(&store, "dev-e-node").write(vec![online()]).await;
    let sql = folder.sql();
    for (view, expected) in [("issues", "Acme/Web#7"), ("pulls", "Acme/Web#8"), ("agents", "dev-e-node")] {
        let found: String = sql.query_row(&format!("SELECT id FROM {view}"), [], |row| row.get(0)).unwrap();
        assert_eq!(found, expected, "{view}");
    }
    let (stream, time): (String, String) = sql
        .query_row("SELECT stream, time FROM timeline WHERE type = 'ISSUE_APPROVED'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((stream.as_str(), time.as_str()), ("Acme/Web#7", "2026-11-21T09:30:00.123Z"));
}

#[tokio::test]
async fn what_cannot_be_understood_is_corrupt_and_not_a_guess() {
    let folder = TempFolder::new();
    let store = folder.open();
    Pen::approved_issue(&as_store(&store), "acme/web#7").await;
    folder.sql().execute("UPDATE read_models SET document = '{'", []).unwrap();
    let failure = store.row(&issue_id("acme/web#7")).await.unwrap_err();
    assert!(matches!(failure, StoreFailure::Corrupt(_)), "{failure}");
}

#[tokio::test]
async fn reads_do_not_wait_for_the_writer() {
    let folder = TempFolder::new();
    let store = folder.open();
    let mut pen = Pen::approved_issue(&as_store(&store), "acme/web#7").await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let writing = Arc::clone(&store);
    let blocked = tokio::spawn(async move {
        writing.write(move |_| Ok(held.recv().map_err(|_| StoreFailure::Unavailable("gone".to_owned()))?)).await
    });
    assert_eq!(store.load(&pen.stream).await.unwrap().map(|(version, _)| version), Some(1));
    release.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    pen.write(vec![prioritised(Priority::High)]).await;
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let refused = SqliteStore::open(Path::new("/dev/null/data"), SqliteOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("/dev/null/data"), "{refused}");
}

#[tokio::test]
async fn the_reason_why_an_effect_no_longer_holds_is_kept_and_one_that_can_not_be_read_keeps_no_other_back() {
    let folder = TempFolder::new();
    let store = folder.open();
    let mut pen = Pen::approved_issue(&as_store(&store), "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80", "acme/web#81", "acme/web#82"]);
    let (obsolete, broken) = (append.effects[0].id, append.effects[1].id);
    pen.send(append).await.unwrap();
    store.obsolete(&[ObsoleteEffect { id: obsolete, reason: "merged meanwhile".to_owned() }]).await.unwrap();
    let kept: String =
        folder.sql().query_row("SELECT obsolete FROM outbox WHERE number = 1", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, "merged meanwhile");
    folder.sql().execute("UPDATE outbox SET data = '{}' WHERE number = 2", []).unwrap();
    let due = store.due(Destination::Internal, at(100), 10).await.unwrap();
    let [Err(unreadable), Ok(_)] = &due[..] else { panic!("{due:?}") };
    assert_eq!((unreadable.id, unreadable.key.as_str(), unreadable.attempts), (broken, "acme/web#81", 0));
    store.failed(broken, &unreadable.why, None).await.unwrap();
    assert_eq!(store.due(Destination::Internal, at(100), 10).await.unwrap().len(), 1, "a dead letter");
}
