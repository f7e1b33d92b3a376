//! Supervision that actix does not have, for the actors that live as long as the process: shards and passes.
//!
//! Its `Supervisor` does not survive a panic of the actor. Here the actor's future is run under `catch_unwind`; after a panic
//! a new incarnation takes its place, after a back-off, under a new address.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::arbiters::Place;
use crate::backoff::{BackoffSettings, Streak};
use crate::guard::panic_text;

/// The address of whichever incarnation is alive.
#[derive(Debug)]
pub(crate) struct Slot<A: Actor> {
    address: RwLock<Option<Addr<A>>>,
}

impl<A: Actor> Default for Slot<A> {
    fn default() -> Self {
        Self { address: RwLock::new(None) }
    }
}

impl<A: Actor> Slot<A> {
    /// Puts a message into the mailbox; false when nobody is there at the moment.
    ///
    /// The mailbox has no bound of its own; whoever sends holds a permit, or is one of a fixed number of senders.
    pub(crate) fn send<M>(&self, message: M) -> bool
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let address = self.address.read().unwrap_or_else(PoisonError::into_inner);
        address.as_ref().is_some_and(|address| address.try_send(message).is_ok())
    }

    fn set(&self, address: Option<Addr<A>>) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Runs incarnations of an actor at `place` until one stops by itself; resolves when the first one has an address.
///
/// `make` builds an incarnation, `crashed` hears of each panic.
pub(crate) async fn supervise<A: Actor<Context = Context<A>>>(
    place: &Place,
    slot: Arc<Slot<A>>,
    restart: BackoffSettings,
    make: impl Fn(Addr<A>) -> A + Send + 'static,
    crashed: impl Fn(String) + Send + 'static,
) {
    let (ready, is_ready) = oneshot::channel();
    place.run(move || {
        actix_rt::spawn(async move {
            let mut streak = Streak::default();
            let mut ready = Some(ready);
            loop {
                let mut context = Context::new();
                // 0 is "no bound": the gate before the mailbox is exact, actix's own bound isn't.
                context.set_mailbox_capacity(0);
                let actor = make(actix::AsyncContext::address(&context));
                slot.set(Some(actix::AsyncContext::address(&context)));
                if let Some(ready) = ready.take() {
                    // Whoever started this may have given up waiting; the actor runs all the same.
                    let _ = ready.send(());
                }
                let end = AssertUnwindSafe(context.into_future(actor)).catch_unwind().await;
                slot.set(None);
                match end {
                    Ok(()) => return,
                    Err(panic) => crashed(panic_text(&*panic)),
                }
                tokio::time::sleep(streak.failed(&restart, Instant::now())).await;
            }
        });
    });
    // The sender is dropped only with the arbiter's thread; requests then find an empty slot and are answered.
    let _ = is_ready.await;
}
