//! What agents tell beside their events: lines and notes. Operational tables, never touched by a rebuild.

use crate::agent_log::{AgentLine, KeptLine, LogLevel};
use crate::identity::{AgentId, RepoName};
use crate::learning::Learning;
use crate::time::Timestamp;

use super::{PortFuture, StoreFailure};

/// Lines of agents' processes.
pub trait AgentLogs: Send + Sync {
    /// Keeps lines, in order.
    fn keep_lines<'a>(&'a self, lines: &'a [AgentLine], now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// Lines that match, the latest first, at most `limit`; with `before` those of lower places.
    fn agent_lines<'a>(
        &'a self,
        filter: &'a LineFilter,
        before: Option<u64>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<KeptLine>, StoreFailure>>;

    /// Lines of higher places than `after`, by place, at most `limit`. A place that is passed over may be there later: places are
    /// given in order, and lines kept side by side appear in any.
    fn lines_after(&self, after: u64, limit: usize) -> PortFuture<'_, Result<Vec<KeptLine>, StoreFailure>>;

    /// Drops lines that came before that, and of each agent all but the latest `most`; gives how many.
    fn drop_lines(&self, before: Timestamp, most: u64) -> PortFuture<'_, Result<u64, StoreFailure>>;
}

/// Which lines; absent: any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineFilter {
    /// Of this agent, all its instances together.
    pub agent: Option<AgentId>,
    /// As loud as this.
    pub level: Option<LogLevel>,
    /// In this repository.
    pub repo: Option<RepoName>,
    /// On this issue or pull request.
    pub number: Option<u64>,
}

impl LineFilter {
    /// Whether it lets that line through.
    #[must_use]
    pub fn passes(&self, line: &AgentLine) -> bool {
        self.agent.as_ref().is_none_or(|agent| line.claimant.agent == *agent)
            && self.level.is_none_or(|level| line.level == level)
            && self.repo.as_ref().is_none_or(|repo| line.repo.as_ref() == Some(repo))
            && self.number.is_none_or(|number| line.number == Some(number))
    }
}

/// What agents have learned about repositories.
pub trait Learnings: Send + Sync {
    /// Keeps a note, over an older one with its repository and key. Where a repository then has more than
    /// [`MOST_LEARNINGS`](crate::learning::MOST_LEARNINGS), the one that was not written for longest goes.
    fn learn<'a>(&'a self, learning: &'a Learning) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// All notes about a repository, by key.
    fn learnings<'a>(&'a self, repo: &'a RepoName) -> PortFuture<'a, Result<Vec<Learning>, StoreFailure>>;
}
