use std::time::Duration;

use conductor_core::port::{Candidacy, LeaderTerm, PortFuture, StoreFailure};

use super::MemoryStore;

impl LeaderTerm for MemoryStore {
    fn take_term<'a>(&'a self, holder: &'a str, length: Duration) -> PortFuture<'a, Result<Candidacy, StoreFailure>> {
        self.with(move |_| Ok(self.term.take(holder, length)))
    }

    fn renew_term<'a>(
        &'a self,
        holder: &'a str,
        term: u64,
        length: Duration,
    ) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.with(move |_| Ok(self.term.renew(holder, term, length)))
    }

    fn end_term<'a>(&'a self, holder: &'a str, term: u64) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |_| {
            self.term.end(holder, term);
            Ok(())
        })
    }
}
