//! The entry: what an agent finds in its stream when it is handed something to do.
//!
//! Entries are made at their **delivery**, from the row as it is then: an effect names the lease or the dispatch, and whoever
//! delivers it asks ([`of_issue`], [`of_pull_request`]) whether that one is still live.

mod entry_of;
mod fields;
mod still;

pub use entry_of::EntryOf;
pub use fields::{Entry, EntryKind, Job, about};
pub use still::{Moot, of_issue, of_pull_request};
