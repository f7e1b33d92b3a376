//! Who waits for the log to grow, within one process.

use conductor_core::port::StoreFailure;
use tokio::sync::watch;

/// The head of the log, as something to wait for; `None` once the store is closed.
#[derive(Debug)]
pub(crate) struct LogTail(watch::Sender<Option<u64>>);

impl LogTail {
    /// A log that ends at `head` now.
    pub(crate) fn new(head: u64) -> Self {
        Self(watch::Sender::new(Some(head)))
    }

    /// The log is known to reach `head`; call it after the commit, never before.
    pub(crate) fn grown(&self, head: u64) {
        self.0.send_if_modified(|known| match known {
            Some(known) if *known < head => {
                *known = head;
                true
            }
            Some(_) | None => false,
        });
    }

    /// Nothing is appended any more: all who wait are told.
    pub(crate) fn close(&self) {
        self.0.send_replace(None);
    }

    /// Resolves once the log is known to reach past `position`.
    pub(crate) async fn wait_past(&self, position: u64) -> Result<(), StoreFailure> {
        let mut head = self.0.subscribe();
        let reached = head.wait_for(|head| head.is_none_or(|head| head > position)).await;
        match reached.map(|head| *head) {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(closed()),
        }
    }
}

/// What every call on a closed store is answered.
pub(crate) fn closed() -> StoreFailure {
    StoreFailure::Unavailable("it is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task::spawn};

    #[test]
    fn a_waiter_is_woken_by_the_commit_that_it_waits_for_and_by_no_earlier_one() {
        let tail = LogTail::new(3);
        let mut waiter = spawn(tail.wait_past(4));
        assert_pending!(waiter.poll());
        tail.grown(4);
        assert_pending!(waiter.poll());
        tail.grown(6);
        assert!(waiter.is_woken());
        assert_ready_ok!(waiter.poll());
    }

    #[test]
    fn the_head_never_goes_back() {
        let tail = LogTail::new(9);
        tail.grown(4);
        assert_ready_ok!(spawn(tail.wait_past(8)).poll());
    }

    #[test]
    fn closing_wakes_everybody_with_an_error() {
        let tail = LogTail::new(0);
        let mut waiter = spawn(tail.wait_past(4));
        assert_pending!(waiter.poll());
        tail.close();
        assert_ready_err!(waiter.poll());
        tail.grown(9);
        assert_ready_err!(spawn(tail.wait_past(4)).poll());
    }
}
