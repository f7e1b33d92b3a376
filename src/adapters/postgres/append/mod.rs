//! The write side: **group commit**.
//!
//! Callers put their appends into a bounded queue. One task takes all that waits, at most [`batch::MOST_APPENDS`], and
//! writes it in one transaction: one call of `append_batch` (`migrations/postgres`), one round trip; a [lone] append of the
//! ordinary kind goes by a shorter way. Under load the next batch is sent [ahead](pace), so that the server doesn't wait for
//! us; it works on them one after the other.
//! There the log's lock is taken, each append is judged, the winners are written and the readers woken; each caller gets an
//! answer of its own, after the commit.
//!
//! Positions continue from the highest one in the log. A counter row would be one more thing that can disagree with it, and
//! is updated so often that a forgotten transaction elsewhere (which keeps dead rows from being cleaned up) would slow down
//! every append; an insert-only table has no dead rows.

mod batch;
mod herald;
mod independent;
mod lone;
mod pace;
mod session;
mod statement;
mod task;
mod verdict;
mod writer;

use conductor_core::port::{AppendError, Receipt, StoreFailure};
use tokio::sync::oneshot;

use crate::codec::PreparedAppend;

pub(super) use writer::Writer;

/// Appends that may wait: four full batches, less than a second of work.
const QUEUE: usize = 4 * batch::MOST_APPENDS;

/// An append on its way, with where its answer goes.
#[derive(Debug)]
struct Queued {
    append: PreparedAppend,
    reply: oneshot::Sender<Result<Receipt, AppendError>>,
}

fn unavailable(why: &str) -> StoreFailure {
    StoreFailure::Unavailable(why.to_owned())
}
