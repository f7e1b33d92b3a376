use conductor_core::port::{AppendError, StoreFailure};

use super::Queued;
use super::independent::Footprint;

/// Appends in one transaction at most: beyond this a batch only gets slower, not better.
pub(super) const MOST_APPENDS: usize = 512;

/// Text in one transaction at most, in bytes, unless a single append has more.
const MOST_BYTES: usize = 8 << 20;

/// Takes the next batch out of what waits: in order of arrival, each independent of the others. What stays keeps its order,
/// so the first is always taken and nothing starves.
pub(super) fn take(waiting: &mut Vec<Queued>) -> Vec<Queued> {
    let mut footprint = Footprint::default();
    let (mut taken, mut bytes) = (Vec::new(), 0);
    let mut left = Vec::new();
    for queued in waiting.drain(..) {
        let full = taken.len() == MOST_APPENDS || (bytes >= MOST_BYTES && !taken.is_empty());
        if !full && footprint.admit(&queued.append) {
            bytes += size(&queued);
            taken.push(queued);
        } else {
            left.push(queued);
        }
    }
    *waiting = left;
    taken
}

fn size(queued: &Queued) -> usize {
    let append = &queued.append;
    let events: usize = append.events.iter().map(|event| event.encoded.data.len() + event.encoded.metadata.len()).sum();
    let effects: usize = append.effects.iter().map(|effect| effect.data.len()).sum();
    events + effects + append.document.len()
}

/// Tells all of them the same.
pub(super) fn fail(batch: impl IntoIterator<Item = Queued>, failure: &StoreFailure) {
    for queued in batch {
        // A caller that has gone doesn't want to know.
        let _ = queued.reply.send(Err(AppendError::Store(failure.clone())));
    }
}
