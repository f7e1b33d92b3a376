use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use conductor_core::decider::PORT_DEADLINE;
use conductor_core::port::Clock;
use conductor_core::time::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::guard::{locked, within};
use crate::ports::Ports;

use super::{LeaderProof, LeaderSettings};

/// Whether this process is the leader, as far as it knows.
pub(crate) struct Leadership {
    ports: Ports,
    settings: LeaderSettings,
    /// Names this process, and no other one, in the store.
    holder: String,
    reign: watch::Sender<Option<Reign>>,
    /// Whether elections take place.
    standing: AtomicBool,
    /// Passes to be woken by an election.
    passes: Mutex<Vec<&'static str>>,
}

/// A term, and how long this process relies on it.
#[derive(Debug, Clone, Copy)]
struct Reign {
    term: u64,
    until: Instant,
    /// The same by the wall clock, which also counts while the whole machine sleeps. The earlier of the two ends it; a wall
    /// clock that is set forwards ends it too early, until the next renewal.
    until_wall: Timestamp,
}

/// When the store was asked: what trust is measured from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    at: Instant,
    wall: Timestamp,
}

impl Leadership {
    /// Of a process with that name, which gets an addition of its own.
    pub(crate) fn new(ports: Ports, name: &str, settings: LeaderSettings) -> Arc<Self> {
        let holder = format!("{name}/{:08x}", ports.entropy.random() & 0xffff_ffff);
        Arc::new(Self {
            ports,
            settings,
            holder,
            reign: watch::Sender::new(None),
            standing: AtomicBool::new(false),
            passes: Mutex::default(),
        })
    }

    /// A proof for as long as the current term is trusted; `None` where it isn't (any more).
    pub(crate) fn proof(self: &Arc<Self>) -> Option<LeaderProof> {
        let term = self.reign.borrow().filter(|reign| reign.holds(&*self.ports.clock))?.term;
        Some(LeaderProof::new(term, Arc::clone(self)))
    }

    /// Whether that term is still the trusted one.
    pub(super) fn holds(&self, term: u64) -> bool {
        self.reign.borrow().is_some_and(|reign| reign.term == term && reign.holds(&*self.ports.clock))
    }

    /// Resolves when that term is trusted no more.
    pub(super) async fn lost(&self, term: u64) {
        let mut reign = self.reign.subscribe();
        loop {
            let Some(current) = reign.borrow_and_update().filter(|reign| reign.term == term) else { return };
            if !current.holds(&*self.ports.clock) {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(current.until) => {}
                // The sender is in `self`, so this is never an error.
                _ = reign.changed() => {}
            }
        }
    }

    /// A pass that is to be woken when this process is elected. True for the first: elections are to begin.
    pub(crate) fn enlist(&self, pass: &'static str) -> bool {
        locked(&self.passes).push(pass);
        !self.standing.swap(true, Ordering::SeqCst)
    }

    pub(super) fn enlisted(&self) -> Vec<&'static str> {
        locked(&self.passes).clone()
    }

    pub(super) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(super) fn settings(&self) -> &LeaderSettings {
        &self.settings
    }

    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// The term that this process was elected for last, trusted or not, unless it is known to be over.
    pub(super) fn term(&self) -> Option<u64> {
        self.reign.borrow().map(|reign| reign.term)
    }

    /// To be called before the store is.
    pub(super) fn asking(&self) -> Asked {
        Asked { at: Instant::now(), wall: self.ports.clock.now() }
    }

    /// The store said that the term is this process', in answer to what was asked then.
    pub(super) fn trust(&self, term: u64, asked: Asked) {
        let trusted = self.settings.term.saturating_sub(self.settings.margin);
        let reign = Reign { term, until: asked.at + trusted, until_wall: asked.wall.plus(trusted) };
        self.reign.send_replace(Some(reign));
    }

    /// The term is over.
    pub(super) fn distrust(&self) {
        self.reign.send_replace(None);
    }

    /// Gives the term back, so that another replica needn't wait for its end. For a process that stops: it has to have
    /// stopped its passes before.
    pub(crate) async fn resign(&self) {
        let Some(term) = self.term() else { return };
        self.distrust();
        let given_back = within("giving the term back", PORT_DEADLINE, self.ports.store.end_term(&self.holder, term));
        match given_back.await {
            Ok(Ok(())) => tracing::info!(term, "gave term {term} back"),
            Ok(Err(error)) => tracing::warn!(term, %error, "failed to give term {term} back: failed to {error}"),
            Err(lost) => tracing::warn!(term, error = %lost, "failed to give term {term} back: {lost}"),
        }
    }
}

impl Reign {
    fn holds(&self, clock: &dyn Clock) -> bool {
        Instant::now() < self.until && clock.now() < self.until_wall
    }
}

impl std::fmt::Debug for Leadership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leadership").field("holder", &self.holder).field("reign", &*self.reign.borrow()).finish()
    }
}
