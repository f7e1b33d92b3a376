//! Execution logs: what an agent's runtime tells of one *run* – one process that works on one issue or reviews one pull
//! request – step by step and line by line.
//!
//! They are kept beside the log of events and prove nothing: a run that says "completed" says it after giving up too. What a
//! run means for an issue (it has begun, it ended without progress) is told to the issue as a command like any other.

use crate::identity::{Claimant, EventId, IssueRef, RepoName};
use crate::record;
use crate::time::Timestamp;

/// Steps that are kept of one run; a runtime writes one per turn at most.
pub const MOST_STEPS: u64 = 1_000;
/// Lines that are kept of one run: some hours of a talkative one.
pub const MOST_LINES: u64 = 20_000;

/// Bytes that are kept of one line.
pub const LONGEST_LINE: usize = 4 << 10;
/// Bytes that are kept of what one step was.
pub const LONGEST_DETAIL: usize = 16 << 10;

/// The beginning of a text, `most` bytes of it at most, with a mark where it was cut.
#[must_use]
pub fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

crate::words! {
    /// How a run stands, in the words of the runtime.
    pub enum ExecutionStatus {
        /// It goes on, or its process died without a word.
        Running = "running",
        /// It ended of its own accord; no evidence of success.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
    }
}

record! {
    /// What a run says of itself when it begins.
    pub struct RunHeader {
        /// Whose run it is.
        "agentId" => claimant: Claimant,
        /// Where it works; a chat has no repository.
        "repo" => repo: Option<RepoName>,
        /// The issue or pull request: they share one sequence of numbers.
        "number" => number: Option<u64>,
        /// The model that it began with.
        "model" => model: Option<String>,
    }
}

impl RunHeader {
    /// What it is about, where it is about one issue or pull request.
    #[must_use]
    pub fn about(&self) -> Option<IssueRef> {
        IssueRef::new(self.repo.clone()?, self.number?)
    }
}

record! {
    /// What a run says of itself when it ends.
    pub struct RunEnd {
        /// `completed` or `failed`.
        "status" => status: ExecutionStatus,
        /// US dollars, as the runtime counted them; sums of costs are made of TOKEN_USAGE alone.
        "totalCostUsd" => cost_usd: Option<f64>,
        /// Turns of the model.
        "totalTurns" => turns: Option<u64>,
        /// Tokens read.
        "totalInputTokens" => input_tokens: Option<u64>,
        /// Tokens written.
        "totalOutputTokens" => output_tokens: Option<u64>,
        /// Tokens read from the cache.
        "cacheReadTokens" => cache_read_tokens: Option<u64>,
        /// Tokens written to the cache.
        "cacheCreationTokens" => cache_creation_tokens: Option<u64>,
        /// Milliseconds spent in calls of the model's API.
        "durationApiMs" => duration_api_ms: Option<f64>,
        /// The pull request that it says it opened.
        "prNumber" => pr_number: Option<u64>,
    }
}

record! {
    /// Something that a run did.
    pub struct ExecutionStep {
        /// What kind of thing, in the runtime's words.
        "type" => kind: String,
        /// How it went, likewise.
        "status" => status: Option<String>,
        /// What it was.
        "detail" => detail: Option<String>,
        /// US dollars so far.
        "costUsd" => cost_usd: Option<f64>,
        /// Turns so far.
        "turns" => turns: Option<u64>,
        /// When it was told, by our clock.
        "at" => at: Timestamp,
    }
}

record! {
    /// A line of a run's output.
    pub struct ExecutionLine {
        /// When it was written, in the runtime's words: its clock is its own.
        "timestamp" => timestamp: Option<String>,
        /// How loud, in the runtime's words.
        "level" => level: Option<String>,
        /// The line, cut to [`LONGEST_LINE`].
        "message" => message: String,
    }
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// A UUID: ours, or one that the runtime chose so that it may repeat itself.
    pub id: EventId,
    /// What it said when it began.
    pub header: RunHeader,
    /// When that was, by our clock.
    pub started_at: Timestamp,
    /// When it last told anything.
    pub last_at: Timestamp,
    /// How and when it ended, once it has said so.
    pub end: Option<(RunEnd, Timestamp)>,
    /// Steps that it told, those beyond [`MOST_STEPS`] included, which are not kept.
    pub steps: u64,
    /// Lines that it told, those beyond [`MOST_LINES`] included, which are not kept.
    pub lines: u64,
}

impl Execution {
    /// A run that begins now.
    #[must_use]
    pub fn begun(id: EventId, header: RunHeader, now: Timestamp) -> Self {
        Self { id, header, started_at: now, last_at: now, end: None, steps: 0, lines: 0 }
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> ExecutionStatus {
        self.end.as_ref().map_or(ExecutionStatus::Running, |(end, _)| end.status)
    }
}

/// What became of entries that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Entries of that kind before these.
    pub before: u64,
    /// Of these, how many are kept.
    pub kept: u64,
    /// Of these, how many are beyond what is kept.
    pub dropped: u64,
}

impl Added {
    /// What becomes of `told` entries after `before` others where `most` are kept.
    #[must_use]
    pub fn of(before: u64, told: usize, most: u64) -> Self {
        let told = u64::try_from(told).unwrap_or(u64::MAX);
        let kept = told.min(most.saturating_sub(before));
        Self { before, kept, dropped: told - kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_counted_and_not_kept() {
        assert_eq!(Added::of(0, 3, 10), Added { before: 0, kept: 3, dropped: 0 });
        assert_eq!(Added::of(8, 3, 10), Added { before: 8, kept: 2, dropped: 1 });
        assert_eq!(Added::of(12, 3, 10), Added { before: 12, kept: 0, dropped: 3 });
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_says_so() {
        assert_eq!(cut("short".to_owned(), 5), "short");
        assert_eq!(cut("shorter".to_owned(), 5), "short…");
        assert_eq!(cut("aé".to_owned(), 2), "a…");
    }

    #[test]
    fn a_run_is_about_a_number_only_where_it_names_its_repository() {
        let header = |repo: Option<&str>, number| RunHeader {
            claimant: Claimant::parse("dev-e-node").unwrap(),
            repo: repo.and_then(RepoName::parse),
            number,
            model: None,
        };
        assert_eq!(header(Some("acme/web"), Some(4)).about(), IssueRef::parse("acme/web#4"));
        for (repo, number) in [(None, Some(4)), (Some("acme/web"), None), (Some("acme/web"), Some(0))] {
            assert_eq!(header(repo, number).about(), None);
        }
    }
}
