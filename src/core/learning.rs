//! What agents have learned about a repository: small notes by key, the latest word stands.

use crate::identity::{AgentId, RepoName};
use crate::time::Timestamp;

/// Characters of one value at most.
pub const LONGEST_VALUE: usize = 16 << 10;
/// Characters of one key at most.
pub const LONGEST_KEY: usize = 200;
/// Notes that are kept of one repository. Beyond it the one that was not written for longest gives way: agents write them, and
/// nobody is there to tidy up.
pub const MOST_LEARNINGS: usize = 1_000;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learning {
    /// About which repository.
    pub repo: RepoName,
    /// By which it is found and overwritten, matched exactly.
    pub key: String,
    /// What is known.
    pub value: String,
    /// Who wrote it last.
    pub agent: AgentId,
    /// When that was.
    pub updated_at: Timestamp,
}
