use std::collections::BTreeSet;

use conductor_core::port::{Delivery, Inbox, InboxDepth, PendingDelivery, PortFuture, Received, StoreFailure};
use conductor_core::time::Timestamp;

use super::MemoryStore;
use super::tables::{InboxRow, Progress};

impl Inbox for MemoryStore {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        self.with(move |tables| {
            if tables.delivery(&delivery.id).is_some() {
                return Ok(Received::Duplicate);
            }
            let progress = if delivery.ignored.is_some() { Progress::Done } else { Progress::Waits(None) };
            tables.inbox.push(InboxRow { delivery, attempts: 0, progress, body_dropped: false, error: String::new() });
            Ok(Received::Accepted)
        })
    }

    fn waiting(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        self.with(move |tables| {
            let (mut held_back, mut waiting) = (BTreeSet::new(), Vec::new());
            for row in &tables.inbox {
                let key = row.delivery.ordering_key.as_str();
                match row.progress {
                    // An empty key says that nothing belongs together.
                    Progress::Waits(Some(time)) if time > now => drop(!key.is_empty() && held_back.insert(key)),
                    Progress::Waits(_) if held_back.contains(key) => {}
                    Progress::Waits(_) if waiting.len() < limit => {
                        waiting.push(PendingDelivery { delivery: row.delivery.clone(), attempts: row.attempts });
                    }
                    Progress::Waits(_) => break,
                    Progress::Done | Progress::Dead => {}
                }
            }
            Ok(waiting)
        })
    }

    fn worked<'a>(&'a self, id: &'a str, _outcome: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            if let Some(row) = tables.delivery(id) {
                row.progress = Progress::Done;
            }
            Ok(())
        })
    }

    fn stuck<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            if let Some(row) = tables.delivery(id) {
                row.attempts += 1;
                error.clone_into(&mut row.error);
                row.progress = retry_at.map_or(Progress::Dead, |time| Progress::Waits(Some(time)));
            }
            Ok(())
        })
    }

    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        self.with(|tables| {
            let mut depth = InboxDepth::default();
            for row in &tables.inbox {
                match row.progress {
                    Progress::Waits(_) => {
                        let received = row.delivery.received_at;
                        depth.waiting += 1;
                        depth.oldest = Some(depth.oldest.map_or(received, |oldest| oldest.min(received)));
                    }
                    Progress::Dead => depth.dead += 1,
                    Progress::Done => {}
                }
            }
            Ok(depth)
        })
    }
}
