//! The shapes that clients see: camelCase, every field present, times in RFC 3339 with milliseconds.

mod agent_line;
mod agent_row;
mod alive;
mod answer;
mod assignment;
mod board;
mod cost_view;
mod dead_letter_row;
mod event;
mod execution_row;
mod explanation;
mod issue_row;
mod learning_row;
mod memory_view;
mod pull_row;
mod queue_row;
mod review;
mod token_row;

pub use agent_line::{AgentLineRow, LinesKept};
pub use agent_row::{AgentRow, AssignmentRow, Presence};
pub use alive::Alive;
pub use answer::{EventAnswer, LogPlace};
#[cfg(test)]
pub(crate) use assignment::tests::assignment as assignment_for_tests;
pub use assignment::{AssignmentView, IssueView, LeaseView};
pub use board::board;
pub(crate) use board::board_schema;
pub use cost_view::{
    AgentCost, CostOfOne, CostSummary, CostsByIssue, DailyCosts, DayCost, IssueCost, ModelCost, PublicCosts, RepoCost,
    Span, SpentView, Sums, UsageView,
};
pub use dead_letter_row::{DeadLetterRow, Retried};
pub(crate) use dead_letter_row::{INBOX, lanes};
pub use event::StoredEvent;
pub(crate) use event::with_timeline;
pub use execution_row::{EntriesAdded, ExecutionBegun, ExecutionDetail, ExecutionRow, LineRow, StepRow};
pub use explanation::{Explained, ExplanationView};
pub use issue_row::IssueRow;
pub use learning_row::LearningRow;
pub use memory_view::MemoryView;
pub use pull_row::PullRow;
pub use queue_row::QueueRow;
pub use review::ReviewView;
#[cfg(test)]
pub(crate) use review::tests::review as review_for_tests;
pub use token_row::{FreshToken, TokenRow};

use conductor_core::time::Timestamp;
use std::fmt::Display;

/// Names as text.
fn texts<T: Display>(names: impl IntoIterator<Item = T>) -> Vec<String> {
    names.into_iter().map(|name| name.to_string()).collect()
}

/// A time as text, or null.
fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
