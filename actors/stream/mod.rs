//! One actor per active stream: recover, then for each command decide → append → evolve → publish → reply.
//!
//! `ResponseActFuture` would interleave two commands between read and write. So the state changes in exactly one place, the
//! `AtomicResponse` below: it is moved *out* of the actor when a command begins and put back when it is certain again.
//! Whatever ends the command in between (a panic, an abort) leaves [`Memory::Forgotten`] behind, and the next one replays.

mod clerk;
mod memory;
mod neighbourhood;
mod plan;
mod reading;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, AtomicResponse, Context, Handler, Message, WrapFuture};
use conductor_core::decider::Decider;
use conductor_core::identity::StreamId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::board::Admitted;
use crate::request::{Answer, Rejected, Request};

pub(crate) use clerk::{Clerk, Office};
use memory::Memory;
pub(crate) use neighbourhood::Neighbourhood;

/// What a caller waits for.
pub(crate) type Reply<D> = oneshot::Sender<Result<Answer<<D as Decider>::State>, Rejected>>;

/// A request on its way, with everything that its answer sets free.
pub(crate) struct Task<D: Decider> {
    pub(crate) stream: StreamId,
    /// [`StreamId::key`], computed once.
    pub(crate) key: Arc<str>,
    pub(crate) request: Request<D::Command>,
    /// After this the caller has gone.
    pub(crate) until: Instant,
    pub(crate) reply: Reply<D>,
    pub(crate) place: OwnedSemaphorePermit,
    pub(crate) admitted: Admitted,
}

impl<D: Decider> Task<D> {
    /// Answers and gives the place back; a caller who has hung up is no error.
    pub(crate) fn answer(self, answer: Result<Answer<D::State>, Rejected>) {
        drop((self.place, self.admitted));
        let _ = self.reply.send(answer);
    }
}

/// A task, with its place at this stream.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Perform<D: Decider> {
    pub(crate) task: Task<D>,
    pub(crate) place: OwnedSemaphorePermit,
}

/// The pill at the end of a mailbox: everything queued before it is finished first.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Leave;

/// The writer of one stream.
pub(crate) struct StreamActor<D: Decider> {
    clerk: Clerk<D>,
    memory: Memory<D::State>,
}

impl<D: Decider> StreamActor<D> {
    pub(crate) fn new(clerk: Clerk<D>) -> Self {
        Self { clerk, memory: Memory::Forgotten }
    }
}

// No `stopping` and no `stopped`: actix calls them after a panic too, on whatever state that left.
impl<D: Decider> Actor for StreamActor<D> {
    type Context = Context<Self>;

    /// Recovers; messages wait meanwhile. Where that fails, the first command tries again and its caller is told.
    fn started(&mut self, context: &mut Self::Context) {
        let clerk = self.clerk.clone();
        let recovery = async move { clerk.recover().await };
        context.wait(recovery.into_actor(self).map(|memory, actor, _| actor.memory = memory));
    }
}

impl<D: Decider> Handler<Perform<D>> for StreamActor<D> {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, Perform { task, place }: Perform<D>, _: &mut Self::Context) -> Self::Result {
        let (clerk, mut memory) = (self.clerk.clone(), std::mem::take(&mut self.memory));
        let work = async move {
            let answer = clerk.perform(&mut memory, &task.request, task.until).await;
            (memory, answer, task)
        };
        AtomicResponse::new(Box::pin(work.into_actor(self).map(move |(memory, answer, task), actor, _| {
            actor.memory = memory;
            drop(place);
            task.answer(answer);
        })))
    }
}

impl<D: Decider> Handler<Leave> for StreamActor<D> {
    type Result = ();

    fn handle(&mut self, Leave: Leave, context: &mut Self::Context) {
        context.stop();
    }
}
