use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{LogFilter, StoreFailure};

use super::feed::Shared;
use super::frame::Frame;

/// Events per read.
const PAGE: usize = 500;
/// From a failed read to the next. Meanwhile readers hear heartbeats; nothing is lost, since the tail goes on where it was.
const REST: Duration = Duration::from_secs(1);

/// Keeps the window at the end of the log for as long as somebody reads.
pub(super) async fn follow(shared: Arc<Shared>) {
    loop {
        if shared.rests() {
            shared.arrived.notified().await;
        } else if let Err(failure) = follow_while_read(&shared).await {
            if !shared.progress.borrow().failing {
                tracing::warn!(%failure, "the live feed stands still: failed to {failure}");
            }
            shared.progress.send_modify(|progress| progress.failing = true);
            tokio::time::sleep(REST).await;
        }
    }
}

async fn follow_while_read(shared: &Shared) -> Result<(), StoreFailure> {
    let everything = LogFilter::default();
    // There is a head after a failure: nothing of what came meanwhile is passed over.
    let known = shared.progress.borrow().head;
    let mut position = match known {
        Some(head) => head,
        None => begin(shared).await?,
    };
    while !shared.rests() {
        let events = shared.in_time(shared.store.read_log(position, PAGE, &everything)).await?;
        went_on(shared, position);
        let Some(last) = events.last() else {
            shared.store.wait_past(position).await?;
            continue;
        };
        position = last.position;
        let frames: Vec<Frame> = events.into_iter().map(Frame::of).collect();
        {
            let mut window = shared.window_mut();
            frames.into_iter().for_each(|frame| window.push(frame));
        }
        shared.progress.send_modify(|progress| progress.head = Some(position));
    }
    Ok(())
}

/// Begins at the end of the log: what came before is for those who ask for it.
async fn begin(shared: &Shared) -> Result<u64, StoreFailure> {
    let head = shared.in_time(shared.store.head()).await?;
    shared.window_mut().restart(head);
    shared.progress.send_modify(|progress| progress.head = Some(head));
    Ok(head)
}

fn went_on(shared: &Shared, position: u64) {
    if shared.progress.borrow().failing {
        tracing::info!(position, "the live feed goes on at position {position}");
        shared.progress.send_modify(|progress| progress.failing = false);
    }
}
