//! Which stream entries are those of the dead.
//!
//! An entry is *pending* while a consumer has read it and not acknowledged it. Consumers acknowledge last, so a pending entry is the
//! usual sign of work under way. It is *dead* when its reader took it and its agent is *unheard*: no heartbeat, event or log line
//! for as long as makes an agent gone, counted from its assignment and only while the daemon was listening. It is *stale* when
//! what it tells of is over, whoever still has it.
//!
//! | Found | Made of it |
//! |---|---|
//! | dead, and its lease or dispatch lives | that one ends in the log, **then** the entry is acknowledged; the ordinary passes hand out again |
//! | dead or old, and stale or nobody's | acknowledged, so that it can be trimmed and wakes nobody |
//! | stale, and handed to consumers again and again | acknowledged: whoever dies of it would for ever find it among its own first |
//! | handed out again and again, and its lease lives | left to the lease's own times, and counted |
//!
//! What this does not do: it moves no entry to another consumer. Existing runtimes read their own pending entries only at their
//! start, so one that was moved would never be seen.

mod suspicion;
mod verdict;

pub use suspicion::Suspicion;
pub use verdict::{Standing, Verdict, judge};
