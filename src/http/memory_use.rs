//! What agents do with their memory, summed up for whoever asks.

use conductor_core::cost::Day;
use conductor_core::memory_use::{MEMORY_EVENTS, MemoryDays, MemoryUse};
use conductor_core::port::{LogFilter, Store, StoreFailure};
use tokio::sync::Mutex;

/// Events per read.
const PAGE: usize = 1_000;

/// A read model in memory, of this process: one sum per day. It follows the log by position whenever somebody asks, so nobody pays
/// for it but who asks, and every replica says the same. The first one after a start reads what there is of these types.
#[derive(Debug, Default)]
pub struct MemoryUses(Mutex<Followed>);

#[derive(Debug, Default)]
struct Followed {
    /// Everything up to here is in it.
    position: u64,
    days: MemoryDays,
}

impl MemoryUses {
    /// All that the log says by now, from a day on.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn since(&self, store: &dyn Store, day: Option<Day>) -> Result<MemoryUse, StoreFailure> {
        let filter = LogFilter { types: MEMORY_EVENTS.map(str::to_owned).into() };
        // One at a time: another one would read the same.
        let mut followed = self.0.lock().await;
        // Known before the read, which has seen everything up to it.
        let head = store.head().await?;
        loop {
            let page = store.read_log(followed.position, PAGE, &filter).await?;
            let whole = page.len() < PAGE;
            for recorded in page {
                followed.days.add(&recorded.event, recorded.time);
                followed.position = recorded.position;
            }
            if whole {
                followed.position = followed.position.max(head);
                return Ok(followed.days.since(day));
            }
        }
    }
}
