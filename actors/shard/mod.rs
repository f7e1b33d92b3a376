//! A shard owns the actors of its streams and is the only one that knows their addresses.
//!
//! It starts an actor with its stream's first command, lets it leave memory when it is idle, restarts it from the log when it
//! crashed or froze, and sees it off when the daemon drains. Actors live on the thread that starts them, so only shards do.

mod children;
mod coming_and_going;
mod farewell;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use conductor_core::decider::Decider;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::board::Cause;
use crate::request::Rejected;
use crate::stream::{Office, Perform, Task};

use children::{Child, Children, Life};
use farewell::End;

/// A task for one of the shard's streams.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Execute<D: Decider>(pub(crate) Task<D>);

/// Take nothing new, finish all that is queued, then say so.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub(crate) oneshot::Sender<()>);

/// An actor has ended, in whatever way.
#[derive(Message)]
#[rtype(result = "()")]
struct Ended {
    key: Arc<str>,
    incarnation: u64,
    end: End,
}

/// The owner of some streams' actors.
pub(crate) struct Shard<D: Decider> {
    office: Arc<Office>,
    own: Arc<Addr<Self>>,
    children: Children<D>,
    incarnations: u64,
    /// Actors whose future has not ended yet, including those that are leaving.
    alive: usize,
    /// Takes nothing new.
    draining: bool,
    /// Who waits for the end of it.
    drains: Vec<oneshot::Sender<()>>,
}

impl<D: Decider> Shard<D> {
    pub(crate) fn new(office: Arc<Office>, own: Addr<Self>) -> Self {
        Self {
            office,
            own: Arc::new(own),
            children: Children::default(),
            incarnations: 0,
            alive: 0,
            draining: false,
            drains: Vec::new(),
        }
    }

    /// A place at the stream; its actor is started where there is none.
    fn admit(&mut self, task: &Task<D>) -> Result<OwnedSemaphorePermit, Rejected> {
        if self.draining {
            return Err(Rejected::Draining);
        }
        let now = Instant::now();
        if self.children.get(&task.key).is_none() {
            self.make_room()?;
            self.children.insert(Arc::clone(&task.key), Child::new(&self.office.settings, now));
        }
        let asleep = match self.children.touch(&task.key, now).map(|child| &child.life) {
            Some(Life::Awake { .. }) => false,
            Some(Life::Resting { until }) if *until > now => {
                return Err(Rejected::Busy { retry_after: *until - now });
            }
            Some(Life::Resting { .. } | Life::Unborn) | None => true,
        };
        if asleep {
            let life = self.wake(task);
            if let Some(child) = self.children.get_mut(&task.key) {
                child.life = life;
            }
        }
        self.children.get(&task.key).map_or_else(|| Err(self.busy()), Child::enter)
    }

    /// Hands a task to its actor. That may have crashed a moment ago: then nothing was begun.
    fn hand_over(&self, task: Task<D>, place: OwnedSemaphorePermit) {
        match self.children.get(&task.key).map(|child| &child.life) {
            Some(Life::Awake { address, .. }) => {
                if let Err(error) = address.try_send(Perform { task, place }) {
                    error.into_inner().task.answer(Err(self.busy()));
                }
            }
            Some(Life::Resting { .. } | Life::Unborn) | None => task.answer(Err(self.busy())),
        }
    }

    /// What a request without room is told.
    fn busy(&self) -> Rejected {
        Rejected::Busy { retry_after: self.office.settings.retry_after }
    }

    /// Says that nobody is left. The shard itself stays: a request that was admitted just before the gate closed finds it
    /// here, and is told that the daemon drains.
    fn tell_when_empty(&mut self) {
        if self.alive == 0 {
            for drained in self.drains.drain(..) {
                self.office.board.stopped();
                // Whoever drains may have given up at its deadline.
                let _ = drained.send(());
            }
        }
    }
}

impl<D: Decider> Actor for Shard<D> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_later(self.sweep_period(), Self::sweep);
    }
}

impl<D: Decider> Handler<Execute<D>> for Shard<D> {
    type Result = ();

    fn handle(&mut self, Execute(task): Execute<D>, _: &mut Self::Context) {
        match self.admit(&task) {
            Ok(place) => self.hand_over(task, place),
            Err(rejected) => task.answer(Err(rejected)),
        }
        self.office.board.set_live(self.children.len());
    }
}

impl<D: Decider> Handler<Ended> for Shard<D> {
    type Result = ();

    fn handle(&mut self, Ended { key, incarnation, end }: Ended, _: &mut Self::Context) {
        self.alive -= 1;
        let (cause, text) = match end {
            End::Left => return self.tell_when_empty(),
            End::Panicked(text) => (Cause::Panic, format!("{key} panicked: {text}")),
            End::Broke => (Cause::Panic, format!("{key} panicked, and again while it was dropped")),
            End::Aborted => {
                (Cause::Frozen, format!("{key} hung for {} ms", self.office.settings.frozen_after.as_millis()))
            }
        };
        tracing::error!(stream = %key, error = %text, "failed to keep an actor alive: {text}");
        self.office.board.trouble(cause, text);
        let now = Instant::now();
        if let Some(child) = self.children.get_mut(&key).filter(|child| child.is_incarnation(incarnation)) {
            let until = now + child.streak.failed(&self.office.settings.restart, now);
            child.life = Life::Resting { until };
            self.office.board.rest(&key, until);
        }
        self.tell_when_empty();
    }
}

impl<D: Decider> Handler<Drain> for Shard<D> {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, _: &mut Self::Context) {
        self.office.board.drain();
        self.draining = true;
        self.drains.push(drained);
        for key in self.children.keys() {
            self.see_off(&key);
        }
        self.tell_when_empty();
    }
}
