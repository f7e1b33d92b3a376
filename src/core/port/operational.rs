//! Operational tables: joined by the API, never touched by a rebuild of the read models.

use crate::event::CheckRecorded;
use crate::identity::{Claimant, RepoName, Sha};
use crate::time::Timestamp;

use super::{KeyedAnswer, PortFuture, Receipt, StoreFailure};

/// Answers that were given under an idempotency key.
pub trait Answers: Send + Sync {
    /// What was answered under this scope and key before; the caller compares fingerprints.
    fn answered<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> PortFuture<'a, Result<Option<(KeyedAnswer, Answer)>, StoreFailure>>;

    /// Keeps an answer that no append kept (a refusal, a repeat by meaning); the first one stays.
    fn remember<'a>(
        &'a self,
        key: &'a KeyedAnswer,
        status: u16,
        body: &'a str,
        now: Timestamp,
    ) -> PortFuture<'a, Result<(), StoreFailure>>;
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The append that it was; the HTTP ring words the answer again.
    Appended {
        /// The stream, as text.
        stream: crate::identity::StreamId,
        /// Where it ended up.
        receipt: Receipt,
    },
    /// Literally this.
    Literal {
        /// HTTP status.
        status: u16,
        /// JSON text.
        body: String,
    },
}

/// Last heartbeats: too many for the log.
pub trait Heartbeats: Send + Sync {
    /// Notes when claimants were last heard from; the later time stays.
    fn heard<'a>(&'a self, heard: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// All of them, by agent and instance.
    fn last_heartbeats(&self) -> PortFuture<'_, Result<Vec<LastHeartbeat>, StoreFailure>>;
}

/// When a claimant was last heard from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastHeartbeat {
    /// Who.
    pub claimant: Claimant,
    /// When.
    pub at: Timestamp,
}

/// Checks whose head no known pull request has yet; kept for 7 days.
pub trait EarlyChecks: Send + Sync {
    /// Keeps a check.
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>>;

    /// Those of one head; they stay until they age out, since appending them twice changes nothing.
    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>>;
}

/// A check that came before its pull request.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyCheck {
    /// Where.
    pub repo: RepoName,
    /// What.
    pub check: CheckRecorded,
}

/// Upkeep of the operational tables.
pub trait Housekeeping: Send + Sync {
    /// Drops what is past its time: delivery bodies after 7 days and ids after 90, answers after 7 days, delivered effects
    /// after 7 days, early checks after 7 days, signs of leases after 7 days without another.
    fn prune(&self, now: Timestamp) -> PortFuture<'_, Result<Pruned, StoreFailure>>;
}

/// What a [`Housekeeping::prune`] dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Bodies of deliveries.
    pub bodies: u64,
    /// Deliveries whole.
    pub deliveries: u64,
    /// Kept answers.
    pub answers: u64,
    /// Delivered effects.
    pub effects: u64,
    /// Early checks.
    pub checks: u64,
    /// Signs of life of leases that are long over.
    pub signs: u64,
}
