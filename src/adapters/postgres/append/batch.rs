use conductor_core::port::{AppendError, Body, StoreFailure};

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
    let body = match &append.body {
        Body::Keep => 0,
        Body::Set(text) => text.len(),
    };
    events + effects + body + append.document.len()
}

/// Tells all of them the same.
pub(super) fn fail(batch: impl IntoIterator<Item = Queued>, failure: &StoreFailure) {
    for queued in batch {
        // A caller that has gone doesn't want to know.
        let _ = queued.reply.send(Err(AppendError::Store(failure.clone())));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::codec::PreparedAppend;
    use crate::postgres::tests::story::append_to;

    fn waiting(issues: impl IntoIterator<Item = String>) -> Vec<Queued> {
        let queued = |issue: String| Queued {
            append: PreparedAppend::new(append_to(&issue, 0)).unwrap(),
            reply: oneshot::channel().0,
        };
        issues.into_iter().map(queued).collect()
    }

    fn names(batch: &[Queued]) -> Vec<&str> {
        batch.iter().map(|queued| queued.append.key.as_str()).collect()
    }

    #[test]
    fn what_disturbs_stays_in_order_and_comes_first_in_the_next_batch() {
        let mut waiting = waiting(["a/b#1", "a/b#1", "a/b#2", "a/b#1", "a/b#3"].map(str::to_owned));
        assert_eq!(names(&take(&mut waiting)), ["a/b#1", "a/b#2", "a/b#3"]);
        assert_eq!(names(&waiting), ["a/b#1", "a/b#1"]);
        assert_eq!(names(&take(&mut waiting)), ["a/b#1"]);
        assert_eq!(names(&take(&mut waiting)), ["a/b#1"]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_batch_is_bounded_in_number_and_in_bytes() {
        let mut many = waiting((1..=MOST_APPENDS + 5).map(|number| format!("a/b#{number}")));
        assert_eq!(take(&mut many).len(), MOST_APPENDS);
        assert_eq!(many.len(), 5);

        let mut large = waiting((1..=3).map(|number| format!("a/b#{number}")));
        large.iter_mut().for_each(|queued| queued.append.document = "x".repeat(MOST_BYTES));
        assert_eq!(take(&mut large).len(), 1, "one that is too large goes alone");
        assert_eq!(large.len(), 2);
    }
}
