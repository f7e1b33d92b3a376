use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{LineFilter, StoreFailure};
use tokio::time::{Instant, timeout};

use super::cursor::Cursor;
use super::feed::{Shared, State, Told};

/// Lines per read.
const PAGE: usize = 500;
/// Lines that other replicas keep, and places that were missing, are looked for this often. What is kept here wakes the tail.
pub(super) const PERIOD: Duration = Duration::from_millis(500);
/// From a failed read to the next; lines that come meanwhile are told afterwards.
const REST: Duration = Duration::from_secs(1);

/// Tells lines for as long as somebody reads.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut cursor = None;
    loop {
        if shared.rests() {
            cursor = None;
            shared.woken.notified().await;
        } else if let Err(failure) = follow_while_read(&shared, &mut cursor).await {
            tracing::warn!(%failure, "the live feed of agents' lines stands still: failed to {failure}");
            shared.turn_to(State::Failing);
            tokio::time::sleep(REST).await;
        }
    }
}

async fn follow_while_read(shared: &Shared, cursor: &mut Option<Cursor>) -> Result<(), StoreFailure> {
    while !shared.rests() {
        let cursor = match cursor {
            Some(cursor) => cursor,
            None => cursor.insert(Cursor::after(end(shared).await?)),
        };
        tell_what_is_new(shared, cursor).await?;
        shared.turn_to(State::Following);
        // That it was woken and that it wasn't lead to the same look.
        let _woken_or_not = timeout(PERIOD, shared.woken.notified()).await;
    }
    Ok(())
}

/// The place of the last line: what came before is for those who ask for it.
async fn end(shared: &Shared) -> Result<u64, StoreFailure> {
    let last = shared.in_time(shared.store.agent_lines(&LineFilter::default(), None, 1)).await?;
    Ok(last.first().map_or(0, |last| last.place))
}

async fn tell_what_is_new(shared: &Shared, cursor: &mut Cursor) -> Result<(), StoreFailure> {
    let mut after = cursor.floor();
    loop {
        let page = shared.in_time(shared.store.lines_after(after, PAGE)).await?;
        let whole = page.len() < PAGE;
        for kept in page {
            after = kept.place;
            if cursor.see(kept.place) {
                // Nobody may be left to hear it.
                drop(shared.lines.send(Arc::new(Told::of(kept))));
            }
        }
        if whole {
            cursor.settle(Instant::now());
            return Ok(());
        }
    }
}
