use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls};

use crate::postgres::{PostgresOptions, PostgresStore};

/// Where the tests' server is: a superuser's URL of a server that nobody else needs.
const SERVER: &str = "CONDUCTOR_TEST_POSTGRES_URL";

/// A database of one test; gone with it, unless the test fails.
pub(super) struct TestDatabase {
    server: Config,
    name: String,
}

impl TestDatabase {
    pub(super) async fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let url = std::env::var(SERVER).unwrap_or_else(|_| {
            panic!("{SERVER} is not set: run these tests by `tests/run`, which starts a PostgreSQL for them")
        });
        let server: Config = url.parse().unwrap();
        let name = format!("conductor_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        connect(&server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self { server, name }
    }

    /// Its URL, for the superuser.
    pub(super) fn url(&self) -> String {
        self.url_as(self.server.get_user().unwrap())
    }

    /// Its URL for another role, which needs no password here.
    pub(super) fn url_as(&self, role: &str) -> String {
        let tokio_postgres::config::Host::Tcp(host) = &self.server.get_hosts()[0] else { panic!("a host name") };
        format!("postgres://{role}@{host}:{}/{}", self.server.get_ports()[0], self.name)
    }

    /// A role of this test alone, with no rights yet.
    pub(super) async fn role(&self, prefix: &str) -> String {
        let role = format!("{prefix}_{}", self.name);
        self.client().await.batch_execute(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
        role
    }

    /// A plain connection to it, as superuser.
    pub(super) async fn client(&self) -> Client {
        connect(&self.url().parse().unwrap()).await
    }

    /// How a daemon reaches it.
    pub(super) fn options(&self) -> PostgresOptions {
        PostgresOptions { pool_size: 4, ..PostgresOptions::new(self.url()) }
    }

    /// Another daemon's store on it.
    pub(super) async fn store(&self) -> Arc<PostgresStore> {
        PostgresStore::connect(self.options()).await.unwrap()
    }
}

/// A plain connection.
pub(super) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connect(&server).await;
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await
            })
        });
        dropping.join().unwrap().unwrap();
    }
}
