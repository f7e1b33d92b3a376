use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::OpenError;

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `DATABASE_URL`: the role that serves.
    pub url: String,
    /// `CONDUCTOR_MIGRATE_DATABASE_URL`: the role that owns the tables; absent: the role that serves.
    pub migrate_url: Option<String>,
    /// Connections for reads and operational tables. The writer and the tail have one each beside them.
    pub pool_size: usize,
    /// How long a caller waits for one of them.
    pub pool_wait: Duration,
    /// How long the server works on one statement before it gives up. Below the deadline of a port's callers, so that they
    /// learn the reason.
    pub statement_timeout: Duration,
}

impl PostgresOptions {
    /// With the defaults: 16 connections, 2 s for one of them, 8 s for a statement.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            migrate_url: None,
            pool_size: 16,
            pool_wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(8),
        }
    }
}

/// URLs hold passwords.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// How long one connection may take to come up.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads a URL (or `key=value` pairs) and sets what every connection of ours has.
///
/// # Errors
/// When it is no connection string, or demands what this build can't give: encryption is refused by name rather than left
/// out silently.
pub(super) fn parse(url: &str) -> Result<Config, OpenError> {
    // The driver knows neither of these two modes; its own message would blame the syntax.
    if ["sslmode=verify-ca", "sslmode=verify-full"].iter().any(|mode| url.contains(mode)) {
        return Err(OpenError::Tls);
    }
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        OpenError::Url(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
    })?;
    match config.get_ssl_mode() {
        SslMode::Disable | SslMode::Prefer => {}
        SslMode::Require => return Err(OpenError::Tls),
        other => return Err(OpenError::Url(format!("sslmode {other:?} isn't known"))),
    }
    config
        .application_name("conductor-e")
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(Duration::from_secs(30))
        .tcp_user_timeout(Duration::from_secs(10))
        // After a failover, not the former primary.
        .target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(config)
}

/// Where that is, for people: hosts, ports and database, no user and no password.
pub(super) fn location(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        })
        .collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_that_is_demanded_is_refused_and_never_left_out() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let refused = parse(&format!("postgres://me@db/conductor?sslmode={mode}")).unwrap_err();
            assert!(matches!(refused, OpenError::Tls), "{mode}: {refused}");
        }
        assert!(parse("postgres://me@db/conductor?sslmode=disable").is_ok());
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let options = PostgresOptions::new("postgres://me:secret@db:5433/conductor");
        let config = parse(&options.url).unwrap();
        assert_eq!(location(&config), "db:5433/conductor");
        assert!(!format!("{options:?}{config:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_url_is_named_without_its_text() {
        let refused = parse("postgres://me:secret@db:notaport/x").unwrap_err();
        assert!(matches!(refused, OpenError::Url(_)));
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}
