use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::Leadership;

/// Proof that this process was elected leader. Nobody else makes one.
///
/// It is of one term: a later term of the same process doesn't revive it.
#[derive(Debug, Clone)]
pub struct LeaderProof {
    term: u64,
    leadership: Arc<Leadership>,
}

impl LeaderProof {
    pub(super) fn new(term: u64, leadership: Arc<Leadership>) -> Self {
        Self { term, leadership }
    }

    /// Whether its term is still trusted, as of this very moment. To be asked right before each act, since time passes at
    /// every await – also an hour of it, in a process that was frozen.
    #[must_use]
    pub fn still_holds(&self) -> bool {
        self.leadership.holds(self.term)
    }

    /// The number of the term.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Does the work while the proof holds; `None` when that ended first, and the work at its await.
    pub(super) async fn whilst<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut lost) = (pin!(work), pin!(self.leadership.lost(self.term)));
        poll_fn(|context| {
            // Not by the timer alone: in a process that was frozen the work may be woken before it.
            if !self.still_holds() || lost.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}
