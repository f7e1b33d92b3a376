//! Threads for actors, all on one Tokio runtime.
//!
//! Pools spawn their connection tasks on whichever runtime calls first; with a runtime per arbiter a busy actor would stall
//! other people's queries. So the arbiters only poll their actors, and I/O belongs to the shared runtime's workers.

use std::future::Future;
use std::sync::Arc;

use actix_rt::{Arbiter, ArbiterHandle, System};
use tokio::runtime::Runtime;

/// Runs `main` as the root task of an actix system on `runtime`.
pub fn run_system<F: Future>(runtime: &Arc<Runtime>, main: F) -> F::Output {
    let shared = Arc::clone(runtime);
    System::with_tokio_rt(move || shared).block_on(main)
}

/// Where actors run: one place per shard, and one for the passes, whose work must not delay requests.
#[derive(Debug)]
pub struct Arbiters {
    shards: Vec<Place>,
    passes: Place,
}

impl Arbiters {
    /// Starts threads for `shards` shards and one for the passes.
    ///
    /// # Panics
    /// Outside of an actix system (see [`run_system`]), or when the operating system gives no thread.
    #[must_use]
    pub fn start(runtime: &Arc<Runtime>, shards: usize) -> Self {
        let arbiter = || {
            let shared = Arc::clone(runtime);
            Place::Arbiter(Arbiter::with_tokio_rt(move || shared).handle())
        };
        Self { shards: (0..shards.max(1)).map(|_| arbiter()).collect(), passes: arbiter() }
    }

    /// Everything on the caller's own thread, which must be inside a `LocalSet` (an actix system is).
    #[must_use]
    pub fn here(shards: usize) -> Self {
        Self { shards: vec![Place::Here; shards.max(1)], passes: Place::Here }
    }

    pub(crate) fn shards(&self) -> &[Place] {
        &self.shards
    }

    pub(crate) fn passes(&self) -> &Place {
        &self.passes
    }

    /// Ends the threads. Drain first: what is queued is lost.
    pub fn stop(&self) {
        for place in self.shards.iter().chain([&self.passes]) {
            match place {
                Place::Arbiter(handle) => {
                    handle.stop();
                }
                Place::Here => {}
            }
        }
    }
}

/// One thread on which actors run.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A thread of its own.
    Arbiter(ArbiterHandle),
    /// The caller's thread.
    Here,
}

impl Place {
    /// Runs `start` there.
    pub(crate) fn run(&self, start: impl FnOnce() + Send + 'static) {
        match self {
            Self::Arbiter(handle) => {
                // False when the thread has ended: `start` is dropped, and with it whatever would have told of a start.
                handle.spawn_fn(start);
            }
            Self::Here => start(),
        }
    }
}
