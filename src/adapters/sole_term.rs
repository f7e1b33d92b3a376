//! The leader's term of a store that one process has for itself: kept in its memory, gone with it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use conductor_core::port::Candidacy;
use tokio::time::Instant;

/// The current term. Nobody else can have the store open (its folder is locked, or it is this process' memory), so nothing
/// of this has to outlive the process.
#[derive(Debug, Default)]
pub(crate) struct SoleTerm(Mutex<Term>);

#[derive(Debug, Default)]
struct Term {
    /// 0: there was none yet.
    number: u64,
    holder: String,
    /// Monotonic: a jump of the wall clock neither ends a term nor makes it last.
    ends: Option<Instant>,
}

impl Term {
    fn lasts_for(&self, holder: &str, number: u64, now: Instant) -> bool {
        self.holder == holder && self.number == number && self.ends.is_some_and(|ends| ends > now)
    }
}

impl SoleTerm {
    pub(crate) fn take(&self, holder: &str, length: Duration) -> Candidacy {
        let (mut term, now) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if let Some(ends) = term.ends.filter(|ends| *ends > now && term.holder != holder) {
            return Candidacy::Standby { leader: term.holder.clone(), left: ends - now };
        }
        *term = Term { number: term.number + 1, holder: holder.to_owned(), ends: Some(now + length) };
        Candidacy::Elected { term: term.number }
    }

    pub(crate) fn renew(&self, holder: &str, number: u64, length: Duration) -> bool {
        let (mut term, now) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let lasts = term.lasts_for(holder, number, now);
        if lasts {
            term.ends = Some(now + length);
        }
        lasts
    }

    pub(crate) fn end(&self, holder: &str, number: u64) {
        let mut term = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if term.lasts_for(holder, number, Instant::now()) {
            term.ends = None;
        }
    }
}
