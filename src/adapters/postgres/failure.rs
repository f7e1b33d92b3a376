use conductor_core::port::StoreFailure;
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::tail::closed;

/// What a caller is told about an error of the driver: whether it is worth trying again.
pub(super) fn failure(error: &Error) -> StoreFailure {
    match error.code() {
        Some(code) if repeats(code) => StoreFailure::Corrupt(described(error)),
        Some(_) | None => StoreFailure::Unavailable(described(error)),
    }
}

/// Whether the statement itself was wrong: a value that PostgreSQL can't hold (22), a broken constraint (23), a missing
/// table or right (42), a limit of the server (54). It fails the same way each time. Everything else (connection, resources,
/// shutdown, a demoted primary, time-outs) passes.
pub(super) fn repeats(code: &SqlState) -> bool {
    ["22", "23", "42", "54"].iter().any(|class| code.code().starts_with(class))
}

/// With the server's own words: the driver's `Display` says only `db error`.
pub(super) fn described(error: &Error) -> String {
    match error.as_db_error() {
        Some(server) => format!("{} ({})", server.message(), server.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// What a caller is told when the pool has no connection for it.
pub(super) fn pool_failure(error: &PoolError) -> StoreFailure {
    let why = match error {
        PoolError::Closed => return closed(),
        PoolError::Timeout(_) => "no connection of the pool became free in time".to_owned(),
        PoolError::Backend(error) => described(error),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => error.to_string(),
    };
    StoreFailure::Unavailable(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_again_the_same_way_is_no_outage() {
        for code in
            [SqlState::CHARACTER_NOT_IN_REPERTOIRE, SqlState::UNIQUE_VIOLATION, SqlState::INSUFFICIENT_PRIVILEGE]
        {
            assert!(repeats(&code), "{code:?}");
        }
        let passing = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::QUERY_CANCELED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::DISK_FULL,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::TOO_MANY_CONNECTIONS,
        ];
        for code in passing {
            assert!(!repeats(&code), "{code:?}");
        }
    }
}
