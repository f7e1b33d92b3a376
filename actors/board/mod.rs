//! The observable board: what every actor is doing, readable while actors hang.
//!
//! Actors write here as they work; readers never ask a mailbox. Health is *progress*, not existence: work that waits
//! without any being finished for too long is unhealthy, even where the actor can't say so itself.

mod pass;
mod shard;
mod snapshot;

use std::sync::{Arc, Mutex};

use conductor_core::time::Timestamp;
use tokio::time::Instant;

use crate::guard::{Lost, locked};

pub(crate) use pass::PassBoard;
pub(crate) use shard::{Admitted, ShardBoard, UnderWay};
pub use snapshot::{ActorKind, ActorReport, BoardSnapshot, Condition, LastError, PassReport, RestartCounts};

/// All boards of one coordinator.
#[derive(Debug, Default)]
pub(crate) struct Board {
    shards: Mutex<Vec<Arc<ShardBoard>>>,
    passes: Mutex<Vec<Arc<PassBoard>>>,
}

impl Board {
    pub(crate) fn add_shard(&self, shard: ShardBoard) -> Arc<ShardBoard> {
        let shard = Arc::new(shard);
        locked(&self.shards).push(Arc::clone(&shard));
        shard
    }

    pub(crate) fn add_pass(&self, pass: PassBoard) -> Arc<PassBoard> {
        let pass = Arc::new(pass);
        locked(&self.passes).push(Arc::clone(&pass));
        pass
    }

    /// Everything as plain data, as of `now`.
    pub(crate) fn snapshot(&self, now: Timestamp) -> BoardSnapshot {
        let face = Face { now, instant: Instant::now() };
        let mut actors = Vec::new();
        for shard in locked(&self.shards).iter() {
            shard.report(&face, &mut actors);
        }
        actors.extend(locked(&self.passes).iter().map(|pass| pass.report(&face)));
        BoardSnapshot { at: now, actors }
    }

    /// Streams with a command under way, as `kind/key`.
    pub(crate) fn streams_under_way(&self) -> Vec<String> {
        locked(&self.shards).iter().flat_map(|shard| shard.streams_under_way()).collect()
    }
}

/// Why a state was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something panicked.
    Panic,
    /// A port answered with a failure.
    Error,
    /// Something did not end in time.
    Frozen,
}

impl From<&Lost> for Cause {
    fn from(lost: &Lost) -> Self {
        match lost {
            Lost::Panicked { .. } => Self::Panic,
            Lost::Late { .. } => Self::Frozen,
        }
    }
}

/// Counts of restarts and the last error: the same for every actor.
#[derive(Debug, Default)]
struct Troubles {
    restarts: RestartCounts,
    last: Option<(Instant, String)>,
}

impl Troubles {
    fn note(&mut self, cause: Cause, text: String) {
        match cause {
            Cause::Panic => self.restarts.panic += 1,
            Cause::Error => self.restarts.error += 1,
            Cause::Frozen => self.restarts.frozen += 1,
        }
        self.last = Some((Instant::now(), text));
    }

    fn last(&self, face: &Face) -> Option<LastError> {
        self.last.as_ref().map(|(at, text)| LastError { at: face.time(*at), text: text.clone() })
    }
}

/// A clock's face: spans are measured on the monotonic clock and shown as times of the day, so that a jump of the latter
/// never turns anything unhealthy.
struct Face {
    now: Timestamp,
    instant: Instant,
}

impl Face {
    fn time(&self, at: Instant) -> Timestamp {
        match at.checked_duration_since(self.instant) {
            Some(ahead) => self.now.plus(ahead),
            None => self.now.minus(self.instant.saturating_duration_since(at)),
        }
    }
}
