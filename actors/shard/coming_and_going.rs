//! How actors come into memory and leave it: by the first command, by idleness, for want of room, and by force.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context};
use conductor_core::decider::Decider;
use futures_util::FutureExt;
use futures_util::future::abortable;
use tokio::time::Instant;

use crate::request::Rejected;
use crate::stream::{Clerk, Leave, StreamActor, Task};

use super::Shard;
use super::children::{Child, Life};
use super::farewell::Farewell;

impl<D: Decider> Shard<D> {
    /// Starts an actor and runs its future, so that its end is heard of however it comes.
    pub(super) fn wake(&mut self, task: &Task<D>) -> Life<D> {
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
    pub(super) fn make_room(&mut self) -> Result<(), Rejected> {
        if self.children.len() < self.office.settings.live_streams.max(1) {
            return Ok(());
        }
        let idle = self.children.longest_idle().ok_or_else(|| self.busy())?;
        self.see_off(&idle);
        Ok(())
    }

    /// Lets an idle actor leave. Nothing is queued (its gate is empty), and what comes from now on starts another one, so no
    /// message can fall between the two.
    pub(super) fn see_off(&mut self, key: &Arc<str>) {
        match self.children.remove(key).map(|child| child.life) {
            Some(Life::Awake { address, .. }) => {
                // Fails only for an actor that has ended already, which is what was wanted.
                let _ = address.try_send(Leave);
            }
            Some(Life::Resting { .. } | Life::Unborn) | None => {}
        }
        self.office.board.set_live(self.children.len());
    }

    /// Passivates the idle and restarts the frozen. Re-armed at its end: after a stall it runs once, not once per missed tick.
    pub(super) fn sweep(&mut self, context: &mut Context<Self>) {
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
    pub(super) fn sweep_period(&self) -> Duration {
        let shortest = self.office.settings.idle.min(self.office.settings.frozen_after);
        (shortest / 4).max(Duration::from_millis(10))
    }
}
