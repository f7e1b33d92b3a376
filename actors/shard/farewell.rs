use std::sync::Arc;

use actix::Addr;
use conductor_core::decider::Decider;

use super::{Ended, Shard};

/// How an actor ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It stopped when asked to.
    Left,
    /// It panicked, with this text.
    Panicked(String),
    /// It was taken down because it hung.
    Aborted,
}

/// Tells the shard that an actor has ended, by being dropped: so it is told even where the task itself goes down, for a panic
/// while a broken actor is dropped is beyond `catch_unwind`.
pub(super) struct Farewell<D: Decider> {
    shard: Addr<Shard<D>>,
    key: Arc<str>,
    incarnation: u64,
    pub(super) end: End,
}

impl<D: Decider> Farewell<D> {
    pub(super) fn new(shard: Addr<Shard<D>>, key: Arc<str>, incarnation: u64) -> Self {
        Self { shard, key, incarnation, end: End::Panicked("while it was dropped".to_owned()) }
    }
}

impl<D: Decider> Drop for Farewell<D> {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, End::Left);
        // Fails when the shard itself is gone; its next incarnation starts without children.
        let _ = self.shard.try_send(Ended { key: Arc::clone(&self.key), incarnation: self.incarnation, end });
    }
}
