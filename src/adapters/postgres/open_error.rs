/// Why a store could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The connection string can't be read.
    #[error("read the database URL: {0}")]
    Url(String),
    /// The connection string demands encryption.
    #[error(
        "connect with TLS: this build has none; use sslmode=disable on a trusted network, or a local proxy that encrypts"
    )]
    Tls,
    /// The server is older than what this needs.
    #[error("use PostgreSQL {found}: version 15 or later is needed")]
    TooOld {
        /// As the server says it.
        found: String,
    },
    /// The server can't be reached or doesn't answer in time; worth trying again.
    #[error("reach PostgreSQL: {0}")]
    Unavailable(String),
    /// The schema is another one than this build's: changed migrations, one of a later version, or no right to migrate.
    #[error("migrate the database: {0}")]
    Migration(String),
    /// A stream can't be replayed.
    #[error("rebuild the read models: {0}")]
    Rebuild(String),
}
