//! The live feed: the log as server-sent events, for as many readers as there are.
//!
//! ```text
//!   store ── one tail task: read_log, wait_past ──▶ Window: the newest events, encoded once, bounded
//!                                                      │ watch: how far the log has come
//!     reader × n: a position and a filter ◀────────────┘
//!        └─ older than the window: pages of the store, one at a time, until it has caught up
//! ```
//!
//! **A reader is a position.** Positions are in commit order, so "everything after *p*, in order" has one meaning on every
//! replica and after every restart: a reader that says the last position it has seen misses nothing and sees nothing twice.
//! Nothing is queued per reader; all share one window, which is the bound of each. Whoever was live and has fallen out of it
//! is sent away and comes back by its position, so nobody waits for a slow reader. One that does not read at all is cut off by
//! the server's limit on stalled connections (see [`crate::server`]).

mod feed;
mod frame;
mod places;
mod reader;
mod tail;
#[cfg(test)]
mod tests;
mod window;

pub use feed::{DEFAULT_READERS, LiveFeed, NoReading};
pub(crate) use places::{Place, Places};
pub use reader::Reader;
pub(crate) use reader::{COME_BACK_AFTER, HEARTBEAT};
