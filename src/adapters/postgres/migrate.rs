//! The schema: embedded, checksummed, applied under a lock, by the role that owns the tables.

use conductor_core::port::StoreFailure;
use tokio_postgres::{Client, Config, NoTls};

use super::failure::described;
use super::session_settings::with_settings;
use super::{OpenError, PostgresOptions, options};

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Of migrations, all over the server's database: ASCII `cond` and `schm`.
const MIGRATION_LOCK: i64 = 0x636f_6e64_7363_686d;

/// The oldest server that is tried: 15, as the server counts.
const OLDEST: i32 = 150_000;

/// Brings the schema to this build's state, and gives the serving role its rights. Safe to run any number of times, also
/// at the same time: the second waits for the first and then finds nothing to do.
///
/// A role that may not change the schema passes, as long as there is nothing to change.
///
/// # Errors
/// [`OpenError::Unavailable`] when the server can't be reached; anything else doesn't pass by waiting.
pub async fn migrate(options: &PostgresOptions) -> Result<(), OpenError> {
    let serving = options::parse(&options.url)?;
    let owner = options.migrate_url.as_deref().map(options::parse).transpose()?.unwrap_or_else(|| serving.clone());
    // A migration may take long; waiting for another migrator must not take for ever.
    let config = with_settings(&owner, &[("lock_timeout", "60s"), ("statement_timeout", "0")]);
    let (mut client, connection) =
        config.connect(NoTls).await.map_err(|error| OpenError::Unavailable(described(&error)))?;
    let connection = tokio::spawn(connection);
    let done = migrate_on(&mut client, &owner, &serving).await;
    // The session ends here, and with it the lock, whatever happened.
    drop(client);
    connection.abort();
    done
}

async fn migrate_on(client: &mut Client, owner: &Config, serving: &Config) -> Result<(), OpenError> {
    check_version(client).await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.map_err(refused)?;
    if !is_current(client).await? {
        let runner = embedded::migrations::runner();
        let report = runner.run_async(client).await.map_err(|error| OpenError::Migration(explained(&error)))?;
        let applied = report.applied_migrations().len();
        tracing::info!(applied, "brought the database's schema up to date: {applied} migrations");
    }
    if serving.get_user() != owner.get_user() {
        let role = serving.get_user().ok_or_else(|| OpenError::Url("it names no user to serve as".to_owned()))?;
        grant(client, role).await?;
    }
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await.map_err(refused)?;
    Ok(())
}

async fn check_version(client: &Client) -> Result<(), OpenError> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::integer, current_setting('server_version')", &[])
        .await
        .map_err(refused)?;
    young_enough(row.get(0), row.get(1))
}

fn young_enough(number: i32, name: &str) -> Result<(), OpenError> {
    if number < OLDEST { Err(OpenError::TooOld { found: name.to_owned() }) } else { Ok(()) }
}

/// Whether exactly this build's migrations were applied. Only looks, so it needs no right to change anything.
async fn is_current(client: &mut Client) -> Result<bool, OpenError> {
    let history =
        client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await.map_err(refused)?;
    if !history.get::<_, bool>(0) {
        return Ok(false);
    }
    let runner = embedded::migrations::runner();
    let applied =
        runner.get_applied_migrations_async(client).await.map_err(|error| OpenError::Migration(explained(&error)))?;
    let mut wanted = runner.get_migrations().clone();
    wanted.sort();
    Ok(applied == wanted)
}

/// What the serving role may do. The log it may read and add to, no more: guarded here, and by a trigger against others.
const RIGHTS: &str = "
    GRANT USAGE ON SCHEMA %1$s TO %2$I;
    REVOKE ALL ON streams, events FROM %2$I;
    GRANT SELECT, INSERT ON streams, events TO %2$I;
    GRANT SELECT, INSERT, UPDATE, DELETE ON read_models, outbox, inbox, answers, heartbeats, early_checks TO %2$I;
    GRANT SELECT, INSERT, UPDATE ON tokens, leader TO %2$I;
    GRANT SELECT, INSERT, UPDATE, DELETE ON lease_renewals TO %2$I;
    GRANT SELECT, INSERT, UPDATE, DELETE ON executions, execution_entries, agent_lines, learnings, costs,
        projections TO %2$I;
    GRANT SELECT ON issues, pulls, agents, refinery_schema_history TO %2$I;
";

async fn grant(client: &Client, role: &str) -> Result<(), OpenError> {
    // The server quotes the names.
    let quoted =
        client.query_one("SELECT format($1, current_schema()::regnamespace, $2::text)", &[&RIGHTS, &role]).await;
    let rights: String = quoted.map_err(refused)?.get(0);
    client.batch_execute(&format!("BEGIN; {rights} COMMIT")).await.map_err(refused)
}

fn refused(error: tokio_postgres::Error) -> OpenError {
    match super::failure::failure(&error) {
        StoreFailure::Unavailable(why) => OpenError::Unavailable(why),
        StoreFailure::Corrupt(why) => OpenError::Migration(why),
    }
}

/// The migration tool's error with the server's words, which it keeps one level down.
fn explained(error: &refinery::Error) -> String {
    let server = std::error::Error::source(error).and_then(|source| source.downcast_ref::<tokio_postgres::Error>());
    server.map_or_else(|| error.to_string(), |server| format!("{error}: {}", described(server)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_older_than_15_is_refused_by_name() {
        let refused = young_enough(140_011, "14.11").unwrap_err();
        assert_eq!(refused.to_string(), "use PostgreSQL 14.11: version 15 or later is needed");
        assert_eq!(young_enough(150_000, "15.0"), Ok(()));
    }
}
