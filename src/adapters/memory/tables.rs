use std::collections::BTreeMap;

use conductor_core::agent_log::KeptLine;
use conductor_core::cost::CostRows;
use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::identity::{Claimant, EventId, IssueRef, RepoName, StreamId};
use conductor_core::learning::Learning;
use conductor_core::port::{Answer, Columns, Delivery, EarlyCheck, KeyedAnswer, LeaseSigns, PendingEffect};
use conductor_core::time::Timestamp;
use conductor_core::token::Token;

use super::execution_logs::KeptExecution;

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The event at position `p` stands at `p - 1`.
    pub(super) log: Vec<Recorded>,
    /// By [`StreamId::key`].
    pub(super) streams: BTreeMap<String, Stream>,
    /// Live leases by the key of their stream, so that a guard looks at no more than there are.
    pub(super) leases: BTreeMap<String, Lease>,
    /// In order of recording.
    pub(super) outbox: Vec<OutboxRow>,
    /// In order of receipt.
    pub(super) inbox: Vec<InboxRow>,
    /// By scope and key.
    pub(super) answers: BTreeMap<(String, String), KeptAnswer>,
    pub(super) heartbeats: BTreeMap<Claimant, Timestamp>,
    /// By issue, which compares without case.
    pub(super) signs: BTreeMap<IssueRef, LeaseSigns>,
    /// In order of keeping.
    pub(super) checks: Vec<(EarlyCheck, Timestamp)>,
    /// In order of keeping.
    pub(super) tokens: Vec<Token>,
    pub(super) costs: CostRows,
    /// In order of keeping.
    pub(super) lines: Vec<KeptLine>,
    /// By repository and key.
    pub(super) learnings: BTreeMap<RepoName, BTreeMap<String, Learning>>,
    pub(super) executions: BTreeMap<EventId, KeptExecution>,
}

/// A stream and its row.
#[derive(Debug)]
pub(super) struct Stream {
    /// In its first spelling.
    pub(super) id: StreamId,
    /// Positions of its events: that of version `v` stands at `v - 1`.
    pub(super) positions: Vec<u64>,
    pub(super) state: StreamState,
    pub(super) columns: Columns,
    pub(super) body: Option<String>,
}

impl Stream {
    pub(super) fn version(&self) -> u64 {
        self.positions.len() as u64
    }
}

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) claimant: Claimant,
    pub(super) unstarted: bool,
}

/// Where something that is worked off stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// To be done, at once or from that time on.
    Waits(Option<Timestamp>),
    Done,
    /// Given up on.
    Dead,
}

#[derive(Debug)]
pub(super) struct OutboxRow {
    pub(super) pending: PendingEffect,
    pub(super) key: String,
    pub(super) progress: Progress,
    /// Of the last try; empty where none failed.
    pub(super) error: String,
}

#[derive(Debug)]
pub(super) struct InboxRow {
    pub(super) delivery: Delivery,
    pub(super) attempts: u32,
    pub(super) progress: Progress,
    pub(super) body_dropped: bool,
    /// Of the last try; empty where none failed.
    pub(super) error: String,
}

#[derive(Debug)]
pub(super) struct KeptAnswer {
    pub(super) key: KeyedAnswer,
    pub(super) answer: Answer,
    pub(super) since: Timestamp,
}

impl Tables {
    /// The version of a stream; 0 for one without events.
    pub(super) fn version_of(&self, stream: &StreamId) -> u64 {
        self.streams.get(&stream.key()).map_or(0, Stream::version)
    }

    pub(super) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn effect(&mut self, id: EventId) -> Option<&mut OutboxRow> {
        self.outbox.iter_mut().find(|row| row.pending.id == id)
    }

    pub(super) fn delivery(&mut self, id: &str) -> Option<&mut InboxRow> {
        self.inbox.iter_mut().find(|row| row.delivery.id == id)
    }
}
