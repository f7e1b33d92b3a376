//! The schema's history, embedded; refinery keeps a checksum of each step and refuses a text that has changed since.

use rusqlite::Connection;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Brings the schema up to date; does nothing where it is. The folder's lock keeps two daemons apart.
pub(super) fn run(connection: &mut Connection) -> Result<(), refinery::Error> {
    let report = embedded::migrations::runner().run(connection)?;
    let applied = report.applied_migrations();
    // A fresh folder gets all of them: nothing that anybody has to know.
    if let (Some(first), Some(last)) = (applied.first(), applied.last())
        && first.version() > 1
    {
        tracing::info!(from = %first, to = %last, "brought the store's schema up to date, from {first} to {last}");
    }
    Ok(())
}
