use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::backoff::Streak;
use crate::board::{Cause, PassBoard};
use crate::guard::{Lost, within};

use super::{Cadence, Counters, Pass};

/// Run now, or after the tick under way. However many are sent, at most one waits: the flag is set by the first.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Nudge;

/// End after the tick under way.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop(pub(super) oneshot::Sender<()>);

/// What is set by others, and outlives an incarnation.
pub(super) struct Flags {
    /// A nudge is on its way.
    pub(super) nudged: Arc<AtomicBool>,
    /// The process ends: errors are to be expected.
    pub(super) ending: Arc<AtomicBool>,
}

/// Runs one pass for as long as the process lives.
pub(super) struct Periodic<P: Pass> {
    pass: Arc<P>,
    cadence: Cadence,
    board: Arc<PassBoard>,
    flags: Flags,
    phase: Phase,
    streak: Streak,
    stopping: Option<oneshot::Sender<()>>,
}

enum Phase {
    /// Until the timer fires or a nudge comes.
    Waiting(SpawnHandle),
    /// A tick is under way; `again` when somebody nudged since it began.
    Ticking { again: bool },
    /// After a failure: until the timer fires, whoever nudges. A store that is down isn't asked on every commit.
    Resting,
}

impl<P: Pass> Periodic<P> {
    pub(super) fn new(pass: Arc<P>, cadence: Cadence, board: Arc<PassBoard>, flags: Flags) -> Self {
        let phase = Phase::Ticking { again: false };
        Self { pass, cadence, board, flags, phase, streak: Streak::default(), stopping: None }
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        self.phase = Phase::Ticking { again: false };
        self.board.begun();
        let (pass, deadline) = (Arc::clone(&self.pass), self.cadence.deadline);
        let run = async move { within(P::NAME, deadline, pass.run()).await };
        context.spawn(run.into_actor(self).map(Self::ended));
    }

    /// Sets the timer for the next tick: here, at the end of one, so that a freeze is followed by one tick and no burst.
    fn ended(result: Result<Result<Counters, String>, Lost>, actor: &mut Self, context: &mut Context<Self>) {
        let again = matches!(actor.phase, Phase::Ticking { again: true });
        match result {
            Ok(Ok(counters)) => {
                // A rest of no time still goes through the timer, so that other actors of this thread get their turn.
                let rest = if again { Duration::ZERO } else { counters.next_after().unwrap_or(actor.cadence.period) };
                actor.board.went_well(counters, Instant::now() + rest);
                actor.streak = Streak::default();
                actor.phase = Phase::Waiting(context.run_later(rest, Self::tick));
            }
            Ok(Err(text)) if actor.flags.ending.load(Ordering::SeqCst) => {
                // Whoever goes on from the log, here after a restart or elsewhere, does what this tick could not.
                tracing::info!(pass = P::NAME, error = %text, "put {} off to the next start: {text}", P::NAME);
                actor.phase = Phase::Resting;
            }
            Ok(Err(text)) => actor.went_wrong(Cause::Error, text, context),
            Err(lost) => actor.went_wrong(Cause::from(&lost), lost.to_string(), context),
        }
        if let Some(stopped) = actor.stopping.take() {
            actor.stop(stopped, context);
        }
    }

    fn went_wrong(&mut self, cause: Cause, text: String, context: &mut Context<Self>) {
        tracing::error!(pass = P::NAME, error = %text, "failed to run {}: {text}", P::NAME);
        let now = Instant::now();
        // Not the period: an hourly pass that met a store away for a second would be unhealthy for an hour.
        let rest = self.streak.failed(&self.cadence.backoff, now);
        self.board.went_wrong(cause, text, now + rest);
        context.run_later(rest, Self::tick);
        self.phase = Phase::Resting;
    }

    fn stop(&mut self, stopped: oneshot::Sender<()>, context: &mut Context<Self>) {
        self.board.stopped();
        // Whoever drains may have given up at its deadline.
        let _ = stopped.send(());
        context.stop();
    }
}

impl<P: Pass> Actor for Periodic<P> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.tick(context);
    }
}

impl<P: Pass> Handler<Nudge> for Periodic<P> {
    type Result = ();

    fn handle(&mut self, Nudge: Nudge, context: &mut Self::Context) {
        // Cleared before the tick begins: what is nudged for from here on may be too late for it.
        self.flags.nudged.store(false, Ordering::SeqCst);
        match &mut self.phase {
            Phase::Waiting(timer) => {
                context.cancel_future(*timer);
                self.tick(context);
            }
            Phase::Ticking { again } => *again = true,
            Phase::Resting => {}
        }
    }
}

impl<P: Pass> Handler<Stop> for Periodic<P> {
    type Result = ();

    fn handle(&mut self, Stop(stopped): Stop, context: &mut Self::Context) {
        match self.phase {
            Phase::Ticking { .. } => self.stopping = Some(stopped),
            Phase::Waiting(_) | Phase::Resting => self.stop(stopped, context),
        }
    }
}
