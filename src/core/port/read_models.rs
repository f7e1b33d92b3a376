use crate::decider::StreamState;
use crate::identity::{AgentId, IssueRef, RepoName, Sha, StreamId, StreamKind};

use super::{PortFuture, StoreFailure};

/// Rows, as the last append of each stream left them.
pub trait ReadModels: Send + Sync {
    /// Shown rows of one kind that match, by repo (without case) and number, or by id; at most `limit`, after `after`.
    fn rows<'a>(
        &'a self,
        kind: StreamKind,
        filter: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>>;

    /// The row of one stream, shown or not, with its body.
    fn row<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>>;

    /// The pull requests of a repository whose current head is this.
    fn pulls_with_head<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>>;

    /// Whether that number is a pull request, an issue, or unknown to the log. A number that was once mistaken for an issue
    /// and has turned out to be a pull request is a pull request.
    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>>;
}

/// Which rows; absent: any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFilter {
    /// Of this repository.
    pub repo: Option<RepoName>,
    /// In one of these states (their words); empty: any.
    pub states: Vec<&'static str>,
    /// With this priority (its word).
    pub priority: Option<&'static str>,
    /// Held by this agent.
    pub agent: Option<AgentId>,
}

/// After which row a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Lower-case repository, or the agent's id.
    pub name: String,
    /// Number, or 0.
    pub number: u64,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    /// Its stream.
    pub stream: StreamId,
    /// The stream's version that it shows.
    pub version: u64,
    /// The document.
    pub state: StreamState,
    /// The text beside it.
    pub body: Option<String>,
}

impl StoredRow {
    /// The cursor of a page that begins after this row.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::of(&self.stream)
    }
}

impl Cursor {
    /// The place of a stream's row in the order of rows.
    #[must_use]
    pub fn of(stream: &StreamId) -> Self {
        match stream {
            StreamId::Issue(reference) | StreamId::PullRequest(reference) => {
                Self { name: reference.repo.as_str().to_ascii_lowercase(), number: reference.number }
            }
            StreamId::Agent(agent) => Self { name: agent.as_str().to_owned(), number: 0 },
            StreamId::Rig => Self { name: "rig".to_owned(), number: 0 },
        }
    }
}
