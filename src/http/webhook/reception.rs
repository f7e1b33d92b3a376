//! How much of a burst is taken in at once, so that the rest of the daemon goes on beside it.
//!
//! Deliveries come without token and uncounted, and GitHub repeats none that was refused: what finds no room waits rather than
//! being turned away, and only who waits for too long is told to come again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::error::{ApiError, Code};

/// Bytes of bodies in memory: ten of the largest, thousands of the usual.
const BYTES: usize = 256 << 20;
/// Deliveries that the store is given at once. Whatever else is to be written finds so many before it and no more, however
/// many wait: a heartbeat is one commit late, not ten thousand.
const STORING: usize = 32;
/// The longest that a body waits for room. The bodies that hold it may wait for more of it themselves, so it has to end.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(5);

/// Room for deliveries on their way into the store.
#[derive(Debug)]
pub struct Reception {
    bytes: Arc<Semaphore>,
    storing: Semaphore,
}

impl Default for Reception {
    fn default() -> Self {
        Self::of(BYTES, STORING)
    }
}

/// The room of one body; it is free again when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Reception {
    fn of(bytes: usize, storing: usize) -> Self {
        Self { bytes: Arc::new(Semaphore::new(bytes)), storing: Semaphore::new(storing) }
    }

    /// Makes room for so many bytes more. Taken as they come and not as they are announced: whoever only announces takes none.
    ///
    /// # Errors
    /// 503 where there is none for too long.
    pub(super) async fn enlarge(&self, room: &mut Room, bytes: usize) -> Result<(), ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::too_large())?;
        let more = match Arc::clone(&self.bytes).try_acquire_many_owned(bytes) {
            Ok(more) => more,
            Err(TryAcquireError::NoPermits) => {
                let waited = tokio::time::timeout(WAIT_FOR_ROOM, Arc::clone(&self.bytes).acquire_many_owned(bytes));
                waited.await.map_err(|_| full())?.map_err(|_: AcquireError| full())?
            }
            Err(TryAcquireError::Closed) => return Err(full()),
        };
        match &mut room.0 {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Does the storing when it is its turn; first come, first stored.
    pub(super) async fn in_turn<T>(&self, storing: impl Future<Output = T>) -> T {
        // Never closed; were it, storing out of turn is better than not at all.
        let _turn = self.storing.acquire().await.ok();
        storing.await
    }
}

fn full() -> ApiError {
    ApiError::not_now(
        Code::Busy,
        "too many deliveries are coming in at once: deliver again after the time in Retry-After",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_room_and_is_told_to_come_again_when_there_is_none() {
        let reception = Reception::of(10, 1);
        let (mut first, mut second) = (Room::default(), Room::default());
        reception.enlarge(&mut first, 4).await.unwrap();
        reception.enlarge(&mut first, 4).await.unwrap();
        let refused = reception.enlarge(&mut second, 3).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (503, "busy"));
        let leaving = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (found, ()) = tokio::join!(reception.enlarge(&mut second, 10), leaving);
        found.unwrap();
        drop(second);
        assert_eq!(reception.bytes.available_permits(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_burst_so_many_are_in_the_store_at_once_and_all_come_there_in_turn() {
        let reception = Reception::of(10, 3);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let order = std::sync::Mutex::new(Vec::new());
        let (inside, most, order) = (&inside, &most, &order);
        let deliveries = (0..100).map(|number| {
            reception.in_turn(async move {
                order.lock().unwrap().push(number);
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        });
        futures_util::future::join_all(deliveries.collect::<Vec<_>>()).await;
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert!(order.lock().unwrap().iter().copied().eq(0..100));
    }
}
