use conductor_core::port::StoreFailure;
use rusqlite::ErrorCode;

use crate::codec::CodecError;

/// What goes wrong inside a statement or with what it found.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
    #[error("{0}")]
    Codec(#[from] CodecError),
    #[error("{0}")]
    Store(#[from] StoreFailure),
}

impl From<Fault> for StoreFailure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(failure) => failure,
            Fault::Codec(error) => error.into(),
            Fault::Sql(error) if is_corrupt(&error) => Self::Corrupt(error.to_string()),
            Fault::Sql(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Whether repeating can't help: the file is broken, or a column holds what we never write.
fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
        )
}

/// For SQLite, whose whole numbers are signed; nothing that is counted here comes near the end.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was stored by way of [`signed`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A `LIMIT`.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
