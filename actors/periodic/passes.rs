use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::arbiters::Place;
use crate::board::{Board, PassBoard};
use crate::settings::Settings;
use crate::supervise::{Slot, supervise};

use super::actor::{Flags, Nudge, Periodic, Stop};
use super::{Cadence, Pass};

/// The passes that run, by name.
#[derive(Default)]
pub(crate) struct Passes {
    running: RwLock<BTreeMap<&'static str, Running>>,
    /// Set once and for all when the process begins to end.
    ending: Arc<AtomicBool>,
}

/// A pass, without its type.
struct Running {
    nudge: Box<dyn Fn() + Send + Sync>,
    stop: Box<dyn Fn(oneshot::Sender<()>) + Send + Sync>,
    board: Arc<PassBoard>,
}

impl Passes {
    /// Starts a pass at `place`. One of the same name that runs already goes on unseen, so names are given once.
    pub(crate) async fn start<P: Pass>(
        &self,
        pass: P,
        cadence: Cadence,
        place: &Place,
        settings: &Settings,
        board: &Board,
    ) {
        // A tick has its deadline; one that outlives it by that much blocks its thread.
        let board = board.add_pass(PassBoard::new(P::NAME, cadence.deadline.max(settings.frozen_after)));
        let nudged = Arc::new(AtomicBool::new(false));
        let slot: Arc<Slot<Periodic<P>>> = Arc::new(Slot::default());
        let running = Running {
            nudge: Box::new({
                let (slot, nudged) = (Arc::clone(&slot), Arc::clone(&nudged));
                move || {
                    if !nudged.swap(true, Ordering::SeqCst) && !slot.send(Nudge) {
                        // Nobody there: its next incarnation begins with a tick anyway.
                        nudged.store(false, Ordering::SeqCst);
                    }
                }
            }),
            stop: Box::new({
                let slot = Arc::clone(&slot);
                move |stopped| {
                    // False when the pass has ended already; the sender is dropped then, which says so.
                    let _ = slot.send(Stop(stopped));
                }
            }),
            board: Arc::clone(&board),
        };
        self.running.write().unwrap_or_else(PoisonError::into_inner).insert(P::NAME, running);
        let (crashing, ending) = (Arc::clone(&board), Arc::clone(&self.ending));
        let pass = Arc::new(pass);
        supervise(
            place,
            slot,
            settings.restart,
            move |_| {
                nudged.store(false, Ordering::SeqCst);
                let flags = Flags { nudged: Arc::clone(&nudged), ending: Arc::clone(&ending) };
                Periodic::new(Arc::clone(&pass), cadence, Arc::clone(&board), flags)
            },
            move |panic| crashing.crashed(panic),
        )
        .await;
    }

    /// Wakes a pass, if there is one of that name.
    pub(crate) fn nudge(&self, name: &str) {
        if let Some(running) = self.running.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            (running.nudge)();
        }
    }

    /// To be called before requests are refused for the end of the process: ticks that are refused from then on have not failed.
    pub(crate) fn expect_the_end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Stops all of them, each after its current tick.
    pub(crate) async fn stop(&self) {
        let stopped: Vec<oneshot::Receiver<()>> = {
            let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
            running
                .values()
                .map(|running| {
                    let (done, is_done) = oneshot::channel();
                    (running.stop)(done);
                    is_done
                })
                .collect()
        };
        // An error means that the pass is gone already.
        join_all(stopped).await;
    }

    /// The names of those that have not stopped.
    pub(crate) fn not_stopped(&self) -> Vec<&'static str> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running
            .values()
            .map(|running| &running.board)
            .filter(|board| !board.is_stopped())
            .map(|board| board.name())
            .collect()
    }
}
