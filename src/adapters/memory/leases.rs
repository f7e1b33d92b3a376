use conductor_core::identity::IssueRef;
use conductor_core::port::{LeaseRenewals, LeaseSigns, PortFuture, StoreClock, StoreFailure};
use conductor_core::time::Timestamp;

use super::MemoryStore;

impl LeaseRenewals for MemoryStore {
    fn note_signs<'a>(&'a self, signs: &'a [LeaseSigns]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for noted in signs {
                match tables.signs.get_mut(&noted.issue) {
                    Some(known) => known.take(noted),
                    None => drop(tables.signs.insert(noted.issue.clone(), noted.clone())),
                }
            }
            Ok(())
        })
    }

    fn lease_signs(&self) -> PortFuture<'_, Result<Vec<LeaseSigns>, StoreFailure>> {
        self.with(|tables| Ok(tables.signs.values().cloned().collect()))
    }

    fn signs_of<'a>(&'a self, issue: &'a IssueRef) -> PortFuture<'a, Result<Option<LeaseSigns>, StoreFailure>> {
        self.with(move |tables| Ok(tables.signs.get(issue).cloned()))
    }
}

impl StoreClock for MemoryStore {
    fn store_now(&self) -> PortFuture<'_, Result<Option<Timestamp>, StoreFailure>> {
        self.with(|_| Ok(None))
    }
}
