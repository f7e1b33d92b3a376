use super::database::TestDatabase;
use crate::postgres::{OpenError, PostgresOptions, PostgresStore, migrate};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn daemons_that_start_together_migrate_once() {
    let database = TestDatabase::create().await;
    let starting: Vec<_> = (0..6).map(|_| tokio::spawn(PostgresStore::connect(database.options()))).collect();
    for started in starting {
        started.await.unwrap().unwrap();
    }
    let rows = database.client().await.query("SELECT version FROM refinery_schema_history", &[]).await.unwrap();
    let mut versions: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    versions.sort_unstable();
    let (all, _) = (versions.clone(), versions.dedup());
    assert_eq!(all, versions, "each once");
    assert!(versions.len() > 5, "{versions:?}");
}

#[tokio::test]
async fn a_schema_that_is_not_this_builds_is_refused() {
    let changes = [
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
        "INSERT INTO refinery_schema_history VALUES (99, 'of_tomorrow', '2027-01-01T00:00:00Z', '1')",
    ];
    for change in changes {
        let database = TestDatabase::create().await;
        migrate(&database.options()).await.unwrap();
        database.client().await.batch_execute(change).await.unwrap();
        let refused = PostgresStore::connect(database.options()).await.unwrap_err();
        assert!(matches!(refused, OpenError::Migration(_)), "{change}: {refused:?}");
    }
}

#[tokio::test]
async fn a_role_without_rights_is_told_that_it_can_not_migrate() {
    let database = TestDatabase::create().await;
    let role = database.role("stranger").await;
    let refused = PostgresStore::connect(PostgresOptions::new(database.url_as(&role))).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Migration(why) if why.contains("permission denied")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage_and_no_mistake() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let options = PostgresOptions::new(format!("postgres://postgres@127.0.0.1:{port}/conductor"));
    let refused = PostgresStore::connect(options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
}
