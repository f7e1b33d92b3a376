//! The schema's history, embedded; refinery keeps a checksum of each step and refuses a text that has changed since.

use rusqlite::Connection;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Brings the schema up to date; does nothing where it is. The folder's lock keeps two daemons apart.
pub(super) fn run(connection: &mut Connection) -> Result<(), refinery::Error> {
    let report = embedded::migrations::runner().run(connection)?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "applied a migration");
    }
    Ok(())
}
