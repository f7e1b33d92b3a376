use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{Candidacy, LeaderTerm, PortFuture, StoreFailure};

use super::SqliteStore;

/// The folder's lock keeps other daemons out, so the term needs no row. Each call goes through the writer all the same: a
/// store that can't write (closed, or a disk that hangs) has no leader who could do anything.
impl LeaderTerm for SqliteStore {
    fn take_term<'a>(&'a self, holder: &'a str, length: Duration) -> PortFuture<'a, Result<Candidacy, StoreFailure>> {
        let (term, holder) = (Arc::clone(&self.term), holder.to_owned());
        self.write(move |_| Ok(term.take(&holder, length)))
    }

    fn renew_term<'a>(
        &'a self,
        holder: &'a str,
        term: u64,
        length: Duration,
    ) -> PortFuture<'a, Result<bool, StoreFailure>> {
        let (current, holder) = (Arc::clone(&self.term), holder.to_owned());
        self.write(move |_| Ok(current.renew(&holder, term, length)))
    }

    fn end_term<'a>(&'a self, holder: &'a str, term: u64) -> PortFuture<'a, Result<(), StoreFailure>> {
        let (current, holder) = (Arc::clone(&self.term), holder.to_owned());
        self.write(move |_| {
            current.end(&holder, term);
            Ok(())
        })
    }
}
