use std::sync::Arc;

use actix::Addr;
use conductor_core::decider::Decider;
use futures_util::future::Aborted;

use crate::guard::panic_text;

use super::{Ended, Shard};

/// How an actor ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It stopped when asked to.
    Left,
    /// It panicked, with this text.
    Panicked(String),
    /// It panicked once more while it was dropped.
    Broke,
    /// It was taken down because it hung.
    Aborted,
}

/// Tells the shard that an actor has ended, by being dropped: so it is told even where the task itself goes down, for a panic
/// while a broken actor is dropped is beyond `catch_unwind`.
pub(super) struct Farewell<D: Decider> {
    shard: Arc<Addr<Shard<D>>>,
    key: Arc<str>,
    incarnation: u64,
    end: End,
}

impl<D: Decider> Farewell<D> {
    pub(super) fn new(shard: Arc<Addr<Shard<D>>>, key: Arc<str>, incarnation: u64) -> Self {
        Self { shard, key, incarnation, end: End::Broke }
    }

    /// Tells how its future ended.
    pub(super) fn say(mut self, end: Result<std::thread::Result<()>, Aborted>) {
        self.end = match end {
            Ok(Ok(())) => End::Left,
            Ok(Err(panic)) => End::Panicked(panic_text(&*panic)),
            Err(Aborted) => End::Aborted,
        };
    }
}

impl<D: Decider> Drop for Farewell<D> {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, End::Left);
        // Fails when the shard itself is gone; its next incarnation starts without children.
        let _ = self.shard.try_send(Ended { key: Arc::clone(&self.key), incarnation: self.incarnation, end });
    }
}
