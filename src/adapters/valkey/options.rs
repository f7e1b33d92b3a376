use std::time::Duration;

use fred::types::config::Config;

/// How the broker is reached.
#[derive(Clone)]
pub struct ValkeyOptions {
    /// `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS; `valkey` and `valkeys` say the same.
    pub url: String,
    /// One command may take this long. Longer than the two seconds of a health check, which then says `timeout` by itself.
    pub command_timeout: Duration,
    /// A connection on which an answer is due for this long is given up.
    pub unresponsive_after: Duration,
    /// The longest rest between two tries to connect; the first is a tenth of a second.
    pub longest_rest: Duration,
    /// Commands on their way to the connection; more are refused at once.
    pub queue: usize,
}

impl ValkeyOptions {
    /// That server, with the defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            command_timeout: Duration::from_secs(3),
            unresponsive_after: Duration::from_secs(5),
            // A server that is back is found within this and its own start.
            longest_rest: Duration::from_secs(2),
            queue: 1024,
        }
    }

    /// What the URL says.
    pub(super) fn config(&self) -> Result<Config, UrlError> {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            return Err(UrlError::Scheme);
        }
        Config::from_url_centralized(&self.url).map_err(|_| UrlError::Malformed)
    }

    /// Whether the URL can be one.
    ///
    /// # Errors
    /// In words that don't hold the URL, whose password nobody shall see.
    pub fn check(&self) -> Result<(), UrlError> {
        self.config().map(|_| ())
    }
}

impl std::fmt::Debug for ValkeyOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValkeyOptions").field("command_timeout", &self.command_timeout).finish_non_exhaustive()
    }
}

const SCHEMES: [&str; 4] = ["redis", "rediss", "valkey", "valkeys"];

/// What is wrong with a URL; never the URL itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another protocol, a cluster, a sentinel.
    #[error(
        "must begin with redis://, rediss://, valkey:// or valkeys:// (agents pull their work where it is left out)"
    )]
    Scheme,
    /// The right protocol, and nothing to reach by it.
    #[error("must be redis://[user:password@]host[:port][/database]")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_by_any_of_its_names_is_taken() {
        for url in ["redis://h", "rediss://u:hunter2@h:1/2", "valkey://h:6380", "valkeys://:hunter2@h"] {
            let config = ValkeyOptions::new(url).config().unwrap();
            assert_eq!(config.uses_tls(), url.contains("ss:") || url.contains("ys:"), "{url}");
        }
        assert!(!format!("{:?}", ValkeyOptions::new("redis://:hunter2@h")).contains("hunter2"));
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_being_shown() {
        for url in ["", "h:6379", "http://h", "redis-cluster://h", "redis-sentinel://h"] {
            assert_eq!(ValkeyOptions::new(url).check(), Err(UrlError::Scheme), "{url}");
        }
        for url in ["redis://", "redis://h:port", "redis://h/database"] {
            assert_eq!(ValkeyOptions::new(url).check(), Err(UrlError::Malformed), "{url}");
        }
    }
}
