use std::time::Duration;

use super::{PortFuture, StoreFailure};

/// Which of the daemons on one store acts on timers: a term of office, kept beside the log.
///
/// A term ends **by the store's own clock** unless it is renewed before; nobody else's clock is asked. So whoever is elected
/// measures its trust in itself from before it asked, and has stopped trusting itself when somebody else can be elected.
/// A store that only one daemon can open promises the same among the holders of that daemon.
pub trait LeaderTerm: Send + Sync {
    /// Begins a term of `length` for `holder`, unless another's lasts. Whoever holds the term already begins a new one,
    /// under a new number: it doesn't know what became of the answer to its last call.
    fn take_term<'a>(&'a self, holder: &'a str, length: Duration) -> PortFuture<'a, Result<Candidacy, StoreFailure>>;

    /// Makes the term last for `length` from now on; false where it has ended, or is not this holder's (any more).
    fn renew_term<'a>(
        &'a self,
        holder: &'a str,
        term: u64,
        length: Duration,
    ) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// Ends the term now, so that nobody has to wait for its end; does nothing to a term that is not this holder's.
    fn end_term<'a>(&'a self, holder: &'a str, term: u64) -> PortFuture<'a, Result<(), StoreFailure>>;
}

/// What became of an attempt to begin a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidacy {
    /// It has begun.
    Elected {
        /// Its number: higher than that of every term before.
        term: u64,
    },
    /// Another's lasts.
    Standby {
        /// Whose.
        leader: String,
        /// For how long at most, unless it is renewed.
        left: Duration,
    },
}
