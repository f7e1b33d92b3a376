use std::path::PathBuf;
use std::time::Duration;

/// What is measured, and how long.
#[derive(Debug, clap::Parser)]
#[command(about = "How fast the stores are; run it by tests/bench/run")]
pub(crate) struct Options {
    /// A superuser's URL of a private server.
    #[arg(long)]
    pub(crate) postgres: String,
    /// Process id of that server: what it uses is ours.
    #[arg(long)]
    pub(crate) postmaster: u32,
    /// Folder with `pgbench`.
    #[arg(long)]
    pub(crate) pg_bin: PathBuf,
    /// Folder for SQLite's files; on a disk, not in memory.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// This part alone; absent: all.
    #[arg(long)]
    pub(crate) only: Option<Part>,
    /// Callers at once, one row of the table each.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32,64,256")]
    pub(crate) callers: Vec<usize>,
    /// Rounds, each of ours and the reference.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 4)]
    pub(crate) seconds: u64,
    /// Issues whose streams are appended to.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) issues: usize,
    /// Events in the log for start-up and replay.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Appends to PostgreSQL.
    Postgres,
    /// Appends to SQLite.
    Sqlite,
    /// Start-up and replay over a long log.
    Log,
    /// Claims.
    Claims,
    /// Memory of idle actors.
    Idle,
    /// Token checks.
    Tokens,
    /// The endpoints that agents ask most.
    Http,
    /// From a webhook to the entry that an agent reads; needs Redis or Valkey.
    Delivery,
}

impl Options {
    /// Whether that part is to be measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Of one measurement.
    pub(crate) fn span(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
