//! What merges wait for, kept on record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, Event, Metadata, PullRequestEvent, PullRequestState, Recorded};
use conductor_core::identity::{PrRef, StreamId, StreamKind};
use conductor_core::port::{Cursor, LogFilter, RowFilter, Store, StoreFailure, StoredRow};
use conductor_core::pull_request::{PullRequestCommand, PullRequestDecider};

/// Events read in one tick.
const BATCH: usize = 500;
/// Rows read at once when all are looked at.
const PAGE: usize = 200;

/// The pass that sees to it that MERGE_GATE_WAITING says what holds: it follows the log, and asks each pull request that an event
/// may have moved – its own, one of its issue, a pause – to look at its gate again. Asking again changes nothing.
///
/// Here and not in the decider's every command: the gate looks at issues and at the rig, and a fact about a pull request must not
/// wait for their versions to stand still.
pub struct MergeGate {
    coordinator: Coordinator,
    /// Up to here the log was looked at; 0: nothing was, and all that is open is looked at first.
    position: AtomicU64,
}

impl MergeGate {
    /// Asks by way of that coordinator.
    #[must_use]
    pub fn new(coordinator: Coordinator) -> Self {
        Self { coordinator, position: AtomicU64::new(0) }
    }

    fn store(&self) -> &Arc<dyn Store> {
        self.coordinator.store()
    }

    /// The pull requests that these events may have moved.
    async fn moved_by(&self, events: &[Recorded]) -> Result<BTreeSet<PrRef>, StoreFailure> {
        let (mut pulls, mut issues) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            match (&event.stream, &event.event) {
                // Our own word: it is what was just found.
                (StreamId::PullRequest(_), Event::PullRequest(PullRequestEvent::MergeGateWaiting(_))) => {}
                (StreamId::PullRequest(pull), _) => drop(pulls.insert(pull.clone())),
                (StreamId::Issue(issue), _) => drop(issues.insert(issue.clone())),
                // A pause, or its end: whoever it may concern.
                (StreamId::Rig, _) => pulls.extend(self.open().await?),
                (StreamId::Agent(_), _) => {}
            }
        }
        for issue in issues {
            if let Some((_, StreamState::Issue(issue))) = self.store().load(&StreamId::Issue(issue)).await? {
                pulls.extend(issue.current);
            }
        }
        Ok(pulls)
    }

    /// Every open pull request.
    async fn open(&self) -> Result<Vec<PrRef>, StoreFailure> {
        let filter = RowFilter { states: vec![PullRequestState::Open.as_str()], ..RowFilter::default() };
        let (mut open, mut after): (Vec<PrRef>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let rows = self.store().rows(StreamKind::PullRequest, &filter, after.as_ref(), PAGE).await?;
            after = rows.last().filter(|_| rows.len() == PAGE).map(StoredRow::cursor);
            open.extend(rows.into_iter().filter_map(|row| match row.stream {
                StreamId::PullRequest(pull) => Some(pull),
                StreamId::Issue(_) | StreamId::Agent(_) | StreamId::Rig => None,
            }));
            if after.is_none() {
                return Ok(open);
            }
        }
    }
}

impl LeaderPass for MergeGate {
    const NAME: &'static str = "merge-gate";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let failed = |failure: StoreFailure| failure.to_string();
        let after = self.position.load(Ordering::Acquire);
        let (pulls, position, more) = if after == 0 {
            // The position first: what is appended meanwhile is looked at twice rather than missed.
            let head = self.store().head().await.map_err(failed)?;
            (self.open().await.map_err(failed)?.into_iter().collect(), head, false)
        } else {
            let events = self.store().read_log(after, BATCH, &LogFilter::default()).await.map_err(failed)?;
            let Some(last) = events.last() else { return Ok(Counters::default()) };
            (self.moved_by(&events).await.map_err(failed)?, last.position, events.len() == BATCH)
        };
        let looked_at = pulls.len() as u64;
        for pull in pulls {
            let metadata = Metadata::by(Actor::Daemon(Self::NAME.to_owned()));
            let request = Request::new(PullRequestCommand::SeeToMerge, metadata);
            match self
                .coordinator
                .execute_as_leader::<PullRequestDecider>(proof, StreamId::PullRequest(pull), request)
                .await
            {
                // Refused, or moved on meanwhile: the event that did it is read next.
                Ok(_) | Err(Rejected::Refused(_) | Rejected::Guarded { .. }) => {}
                Err(rejected) => return Err(rejected.to_string()),
            }
        }
        self.position.store(position, Ordering::Release);
        let counters = Counters::default().with("pulls", looked_at);
        Ok(if more { counters.and_more() } else { counters })
    }
}
