use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conductor_adapters::postgres::{PostgresOptions, PostgresStore};
use conductor_adapters::sqlite::{SqliteOptions, SqliteStore};
use conductor_core::port::Store;
use conductor_test_support::{Daemon, DaemonCommand, fresh_database, postgres_url};
use reqwest::Client;
use tempfile::NamedTempFile;

use super::Rig;

/// What GitHub and the daemon share.
pub(crate) const SECRET: &str = "the tests' own secret";
/// No answer after this long is a failure of its own.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How a daemon is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    database: Option<String>,
    environment: Vec<(&'static str, String)>,
    /// Files that it reads.
    kept: Vec<Arc<NamedTempFile>>,
}

impl Setup {
    /// The embedded store, in the daemon's own folder.
    pub(crate) fn sqlite() -> Self {
        Self { database: None, environment: Vec::new(), kept: Vec::new() }
    }

    /// A fresh database on the shared server.
    pub(crate) async fn postgres(name: &str) -> Self {
        // PostgreSQL cuts names at 63 bytes, and the suffix that makes it unique must stay.
        Self::database(fresh_database(&postgres_url(), &name[..name.len().min(40)]).await)
    }

    /// That database.
    pub(crate) fn database(url: String) -> Self {
        Self { database: Some(url), environment: Vec::new(), kept: Vec::new() }
    }

    /// Without GitHub: agents' own reports are the facts.
    pub(crate) fn alone(self) -> Self {
        self
    }

    /// Without GitHub, and a reviewer is asked at once.
    pub(crate) fn reviewing(self) -> Self {
        self.env("CONDUCTOR_CONFIG", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/settings/reviewing.toml"))
    }

    /// The same, and a reviewer has a few seconds for its verdict.
    pub(crate) fn impatient(self) -> Self {
        self.env("CONDUCTOR_CONFIG", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/settings/impatient.toml"))
    }

    /// With a webhook secret, and a reviewer is asked at once.
    pub(crate) fn reviewing_with_github(self) -> Self {
        self.reviewing().with_github()
    }

    /// With a webhook secret: verdicts, CI and merges come from GitHub alone.
    pub(crate) fn with_github(self) -> Self {
        self.env("GITHUB_WEBHOOK_SECRET", SECRET)
    }

    /// Leases of seconds, so that a test can wait for their end.
    pub(crate) fn with_short_leases(self) -> Self {
        self.config("[timers]\nlease = \"4s\"\nonline_within = \"1s\"\nno_progress = \"12s\"\n")
    }

    /// A merge that waits for the same is told of after a second, and a person's after some.
    pub(crate) fn with_short_merge_patience(self) -> Self {
        self.config("[timers]\nmerge_reminder = \"1s\"\nmerge_blocked = \"5s\"\n")
    }

    /// Agents are gone after a second of silence.
    pub(crate) fn with_short_silence(self) -> Self {
        self.config("[timers]\nonline_within = \"1s\"\noffline_after = \"1s\"\n")
    }

    /// With that text as its file of settings.
    pub(crate) fn config(mut self, text: &str) -> Self {
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        self.kept.push(Arc::new(file));
        self.env("CONDUCTOR_CONFIG", path)
    }

    /// Where its PostgreSQL is.
    pub(crate) fn database_url(&self) -> &str {
        self.database.as_deref().expect("a test that looks behind the daemon's back has given it PostgreSQL")
    }

    /// Whether its webhook is open.
    pub(crate) fn has_github(&self) -> bool {
        self.environment.iter().any(|(name, _)| *name == "GITHUB_WEBHOOK_SECRET")
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// The command that starts it.
    pub(crate) fn command(&self) -> DaemonCommand {
        self.command_by(env!("CARGO_BIN_EXE_conductor-e"))
    }

    /// The same by way of another program.
    pub(crate) fn command_by(&self, program: &str) -> DaemonCommand {
        let database = self.database.iter().map(|url| ("DATABASE_URL", url.clone()));
        let variables = database.chain(self.environment.iter().cloned());
        let command = DaemonCommand::serve(program);
        variables.fold(command, |command, (name, value)| command.env(name, value))
    }

    /// A daemon that serves.
    pub(crate) async fn start(self) -> Rig {
        let daemon = self.command().start().await;
        self.around(daemon)
    }

    /// A rig around a daemon that serves already.
    pub(crate) fn around(self, daemon: Daemon) -> Rig {
        let http = Client::builder().timeout(ANSWER_WITHIN).build().unwrap();
        Rig { daemon, setup: self, http }
    }

    /// The store of a daemon that has ended.
    pub(crate) async fn open_store(&self, folder: &Path) -> Arc<dyn Store> {
        match &self.database {
            Some(url) => PostgresStore::connect(PostgresOptions::new(url)).await.unwrap(),
            None => SqliteStore::open(folder, SqliteOptions::default()).unwrap(),
        }
    }
}
