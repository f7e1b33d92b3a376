//! Agents' lines as they are written, for whoever reads along.
//!
//! ```text
//!   POST /api/agent-logs ──▶ table ◀── one tail task: lines_after, woken by a post here, else every half second
//!                        └─▶ Valkey `logs:<agentId>`        │ broadcast: the newest lines, encoded once, bounded
//!                                        reader × n: a filter ◀──────┘
//! ```
//!
//! A hint, not a record: `GET /api/agent-logs` has every line that is kept. The tail reads the table, so lines that another
//! replica took are told too. Places of lines are given in order and committed in any ([`cursor`]), so unlike a position of the
//! log a place is no promise: who comes back by the last one that it saw may miss a line that was committed late.

mod cursor;
mod feed;
mod publisher;
mod reader;
mod tail;
#[cfg(test)]
mod tests;

pub use feed::LineFeed;
pub use publisher::LinePublisher;
pub use reader::LineReader;
