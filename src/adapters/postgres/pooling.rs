use std::sync::Arc;

use deadpool_postgres::Connect;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::stream_names::StreamNames;

/// Opens connections whose driver runs on the runtime that opened the store.
///
/// Left to itself the pool spawns it on whichever runtime asks first: an HTTP worker's own, where one busy handler would
/// stall everybody's queries.
#[derive(Debug)]
pub(super) struct OnOneRuntime {
    runtime: Handle,
    names: Arc<StreamNames>,
}

impl OnOneRuntime {
    /// On the caller's runtime. Whatever was known of the database by another connection is forgotten with each new one.
    pub(super) fn current(names: Arc<StreamNames>) -> Self {
        Self { runtime: Handle::current(), names }
    }
}

impl Connect for OnOneRuntime {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        self.names.forget_all();
        let config = config.clone();
        let runtime = self.runtime.clone();
        // The socket belongs to the runtime on which it was opened, so opening it has to happen there as well.
        let opening = self.runtime.spawn(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let driver = runtime.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to PostgreSQL ended: {error}");
                }
            });
            Ok((client, driver))
        });
        async move {
            match opening.await {
                Ok(opened) => opened,
                // That runtime is going down: nobody will answer, and the pool's own deadline says so.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_outlives_the_runtime_that_asked_for_it() {
        let (store, worker) = (runtime(), runtime());
        let url = std::env::var("CONDUCTOR_TEST_POSTGRES_URL").expect("run by tests/run, which starts PostgreSQL");
        let open = {
            let _entered = store.enter();
            OnOneRuntime::current(Arc::default())
        };
        let (client, _driver) = worker.block_on(open.connect(&url.parse().unwrap())).unwrap();
        drop(worker);
        let answer: i32 = store.block_on(client.query_one("SELECT 1", &[])).unwrap().get(0);
        assert_eq!(answer, 1);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }
}
