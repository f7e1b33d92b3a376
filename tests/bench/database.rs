use std::sync::Arc;

use anyhow::Context;
use conductor_adapters::postgres::{PostgresOptions, PostgresStore};
use tokio_postgres::{Client, Config, NoTls};

use crate::options::Options;

/// A fresh database of that name; gives its URL.
pub(crate) async fn create(options: &Options, name: &str) -> anyhow::Result<String> {
    let server = client(&options.postgres).await?;
    server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    server.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    url(options, name)
}

fn url(options: &Options, name: &str) -> anyhow::Result<String> {
    let (server, _) = options.postgres.rsplit_once('/').context("the server's URL names no database")?;
    Ok(format!("{server}/{name}"))
}

/// A store on it.
pub(crate) async fn store(url: &str) -> anyhow::Result<Arc<PostgresStore>> {
    PostgresStore::connect(PostgresOptions::new(url)).await.context("open the store")
}

/// A plain connection.
pub(crate) async fn client(url: &str) -> anyhow::Result<Client> {
    let config: Config = url.parse()?;
    let (client, connection) = config.connect(NoTls).await.context("reach PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}
