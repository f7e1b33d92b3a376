use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::StoreFailure;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::TryStreamExt;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, IsolationLevel, Row};

use super::failure::{failure, pool_failure};
use super::options::{CONNECT_TIMEOUT, PostgresOptions};
use super::pooling::OnOneRuntime;
use super::session_settings::with_settings;
use super::stream_names::StreamNames;

/// What a statement is given.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What `append_batch` takes too (`migrations/postgres`): ASCII `cond.log`.
pub(super) const TAKE_LOG_LOCK: &str = "SELECT pg_advisory_xact_lock(7165066908724391783)";

/// The pool, behind a few ways to run a statement. Every wait in here has an end.
///
/// Statements are prepared once per connection.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    pool: Pool,
    names: Arc<StreamNames>,
    /// Longer than the server's own limit, which answers with a reason; this one is for a server that says nothing.
    silence: Duration,
}

impl Connections {
    /// Opens no connection yet.
    pub(super) fn new(config: &Config, options: &PostgresOptions) -> Result<Self, StoreFailure> {
        let statement_timeout = options.statement_timeout.as_millis().to_string();
        let config = with_settings(
            config,
            &[
                ("statement_timeout", &statement_timeout),
                ("idle_in_transaction_session_timeout", &statement_timeout),
                // Compiling a plan costs more than any of these statements.
                ("jit", "off"),
            ],
        );
        let names = Arc::new(StreamNames::default());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(config, OnOneRuntime::current(Arc::clone(&names)), recycling);
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .wait_timeout(Some(options.pool_wait))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreFailure::Unavailable(error.to_string()))?;
        Ok(Self { pool, names, silence: options.statement_timeout + Duration::from_secs(1) })
    }

    /// How long a server may say nothing.
    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// Which streams ids stand for.
    pub(super) fn names(&self) -> &StreamNames {
        &self.names
    }

    /// Hands each row to `take`, as it comes: a page of the log is never held twice.
    pub(super) async fn each(
        &self,
        sql: &str,
        params: Params<'_>,
        mut take: impl FnMut(Row) -> Result<(), StoreFailure> + Send,
    ) -> Result<(), StoreFailure> {
        let client = self.pool.get().await.map_err(|error| pool_failure(&error))?;
        let work = async {
            let statement = client.prepare_cached(sql).await.map_err(|error| failure(&error))?;
            let rows = client.query_raw(&statement, params.iter().copied()).await.map_err(|error| failure(&error))?;
            let mut rows = std::pin::pin!(rows);
            while let Some(row) = rows.try_next().await.map_err(|error| failure(&error))? {
                take(row)?;
            }
            Ok(())
        };
        match timeout(self.silence, work).await {
            Ok(done) => done,
            Err(_) => Err(forsake(client)),
        }
    }

    /// All rows, each through `read`.
    pub(super) async fn rows<T: Send>(
        &self,
        sql: &str,
        params: Params<'_>,
        mut read: impl FnMut(&Row) -> Result<T, StoreFailure> + Send,
    ) -> Result<Vec<T>, StoreFailure> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(read(&row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// The one row, if there is one.
    pub(super) async fn first<T: Send>(
        &self,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Row) -> Result<T, StoreFailure> + Send,
    ) -> Result<Option<T>, StoreFailure> {
        Ok(self.rows(sql, params, read).await?.pop())
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64, StoreFailure> {
        let client = self.pool.get().await.map_err(|error| pool_failure(&error))?;
        let work = async {
            let statement = client.prepare_cached(sql).await.map_err(|error| failure(&error))?;
            client.execute(&statement, params).await.map_err(|error| failure(&error))
        };
        match timeout(self.silence, work).await {
            Ok(done) => done,
            Err(_) => Err(forsake(client)),
        }
    }

    /// Runs the same statement for each set of parameters, in one transaction that holds the log's lock: nobody appends
    /// meanwhile.
    pub(super) async fn execute_under_log_lock(&self, sql: &str, all: &[Params<'_>]) -> Result<(), StoreFailure> {
        let mut client = self.pool.get().await.map_err(|error| pool_failure(&error))?;
        let work = async {
            let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
            transaction.batch_execute(TAKE_LOG_LOCK).await?;
            let statement = transaction.prepare_cached(sql).await?;
            for params in all {
                transaction.execute(&statement, params).await?;
            }
            transaction.commit().await
        };
        let done = timeout(self.silence, work).await;
        match done {
            Ok(done) => done.map_err(|error| failure(&error)),
            Err(_) => Err(forsake(client)),
        }
    }

    /// A connection for work that is more than a statement; its caller puts an end to its wait.
    pub(super) async fn client(&self) -> Result<Object, StoreFailure> {
        self.pool.get().await.map_err(|error| pool_failure(&error))
    }

    /// No connection is given out any more; those in use end when they come back.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// A connection that went silent must not go back into the pool, where the next caller would wait behind the lost statement.
pub(super) fn forsake(client: Object) -> StoreFailure {
    drop(Object::take(client));
    StoreFailure::Unavailable("the server did not answer in time".to_owned())
}
