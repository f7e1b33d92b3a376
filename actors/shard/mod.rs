//! A shard owns the actors of its streams and is the only one that knows their addresses.
//!
//! It starts an actor with its stream's first command, lets it leave memory when it is idle, restarts it from the log when it
//! crashed or froze, and sees it off when the daemon drains. Actors live on the thread that starts them, so only shards do.

mod children;
mod farewell;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use conductor_core::decider::Decider;
use futures_util::FutureExt;
use futures_util::future::abortable;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::board::Cause;
use crate::request::Rejected;
use crate::stream::{Clerk, Leave, Office, Perform, StreamActor, Task};

use children::{Child, Children, Life};
use farewell::{End, Farewell};

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

    /// Starts an actor and runs its future, so that its end is heard of however it comes.
    fn wake(&mut self, task: &Task<D>) -> Life<D> {
        self.incarnations += 1;
        self.alive += 1;
        let farewell = Farewell::new(Arc::clone(&self.own), Arc::clone(&task.key), self.incarnations);
        let clerk = Clerk::new(task.stream.clone(), Arc::clone(&task.key), Arc::clone(&self.office));
        let mut context = Context::new();
        // 0 is "no bound": the stream's gate is exact, actix's own bound isn't.
        context.set_mailbox_capacity(0);
        let address = context.address();
        let (life, abort) = abortable(AssertUnwindSafe(context.into_future(StreamActor::new(clerk))).catch_unwind());
        // A combinator and no `async` block, which would keep room for the actor twice: 0.5 kB for each idle stream.
        actix_rt::spawn(life.map(move |end| farewell.say(end)));
        Life::Awake { incarnation: self.incarnations, address, abort }
    }

    /// Makes room for one more actor: the one that was idle longest leaves.
    fn make_room(&mut self) -> Result<(), Rejected> {
        if self.children.len() < self.office.settings.live_streams.max(1) {
            return Ok(());
        }
        let idle = self.children.longest_idle().ok_or_else(|| self.busy())?;
        self.see_off(&idle);
        Ok(())
    }

    /// Lets an idle actor leave. Nothing is queued (its gate is empty), and what comes from now on starts another one, so no
    /// message can fall between the two.
    fn see_off(&mut self, key: &Arc<str>) {
        match self.children.remove(key).map(|child| child.life) {
            Some(Life::Awake { address, .. }) => {
                // Fails only for an actor that has ended already, which is what was wanted.
                let _ = address.try_send(Leave);
            }
            Some(Life::Resting { .. } | Life::Unborn) | None => {}
        }
        self.office.board.set_live(self.children.len());
    }

    fn busy(&self) -> Rejected {
        Rejected::Busy { retry_after: self.office.settings.retry_after }
    }

    /// Passivates the idle and restarts the frozen. Re-armed at its end: after a stall it runs once, not once per missed tick.
    fn sweep(&mut self, context: &mut Context<Self>) {
        let now = Instant::now();
        for key in self.children.idle(now, &self.office.settings) {
            self.see_off(&key);
        }
        for key in self.office.board.frozen() {
            if let Some(Child { life: Life::Awake { abort, .. }, .. }) = self.children.get(&key) {
                abort.abort();
            }
        }
        context.run_later(self.sweep_period(), Self::sweep);
    }

    /// Often enough that an actor stays at most a quarter longer than it should.
    fn sweep_period(&self) -> Duration {
        let shortest = self.office.settings.idle.min(self.office.settings.frozen_after);
        (shortest / 4).max(Duration::from_millis(10))
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
