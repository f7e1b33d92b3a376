//! Lines that agents' processes write about themselves: shown to people for some days, then dropped. Nothing is decided by them.

use crate::identity::{Claimant, RepoName};
use crate::record;
use crate::time::Timestamp;

/// Bytes that are kept of one line.
pub const LONGEST_AGENT_LINE: usize = 4 << 10;
/// Lines that are kept of one agent, all its instances together: a day of a talkative one. Older ones go with the next upkeep.
pub const MOST_LINES_OF_AGENT: u64 = 50_000;

crate::words! {
    /// How loud a line is, in the words of the agents.
    pub enum LogLevel {
        /// Said in passing.
        Info = "info",
        /// Not as it should be.
        Warn = "warn",
        /// Went wrong.
        Error = "error",
        /// Work goes on.
        Progress = "progress",
        /// What the agent's command line tool complains about.
        CliStderr = "cli-stderr",
    }
}

record! {
    /// A line as an agent wrote it.
    pub struct AgentLine {
        /// Whose it is.
        "agentId" => claimant: Claimant,
        /// When it was written, in the agent's words: its clock is its own.
        "ts" => ts: Option<String>,
        /// How loud.
        "level" => level: LogLevel,
        /// The line, cut to [`LONGEST_AGENT_LINE`].
        "message" => message: String,
        /// Where it worked.
        "repo" => repo: Option<RepoName>,
        /// On which issue or pull request.
        "issueNumber" => number: Option<u64>,
    }
}

/// A line as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLine {
    /// Its place: later ones have higher numbers. It tells pages apart and nothing else.
    pub place: u64,
    /// When it came, by our clock.
    pub at: Timestamp,
    /// What it says.
    pub line: AgentLine,
}
