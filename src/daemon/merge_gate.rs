//! What merges wait for, kept on record, and who is told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::decider::{Outcome, StreamState};
use conductor_core::event::{Actor, Event, Metadata, PullRequestEvent, PullRequestState, Recorded};
use conductor_core::identity::{PrRef, StreamId, StreamKind};
use conductor_core::merge_gate::look_again;
use conductor_core::port::{Cursor, LogFilter, RowFilter, Store, StoreFailure, StoredRow};
use conductor_core::pull_request::{PullRequest, PullRequestCommand, PullRequestDecider};
use conductor_core::time::Timestamp;

/// Events read in one tick.
const BATCH: usize = 500;
/// Rows read at once when all are looked at.
const PAGE: usize = 200;

/// From one look at what was due already to the next: it is in work, with a person, or was paused for a while.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// The pass that sees to it that MERGE_GATE_WAITING says what holds: it follows the log, and asks each pull request that an event
/// may have moved – its own, one of its issue, a pause – to look at its gate again. Asking again changes nothing. Those that wait
/// for the same for long are asked when that is due; it derives from their events, so no restart forgets or repeats a notice.
///
/// Here and not in the decider's every command: the gate looks at issues and at the rig, and a fact about a pull request must not
/// wait for their versions to stand still.
pub struct MergeGate {
    coordinator: Coordinator,
    /// Up to here the log was looked at; 0: nothing was, and all that is open is looked at first.
    position: AtomicU64,
    /// When those that wait are to be looked at again.
    due: Mutex<BTreeMap<PrRef, Timestamp>>,
}

impl MergeGate {
    /// Asks by way of that coordinator.
    #[must_use]
    pub fn new(coordinator: Coordinator) -> Self {
        Self { coordinator, position: AtomicU64::new(0), due: Mutex::default() }
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

    /// Has a pull request look at its gate; gives whether it had anything to say.
    async fn see_to(&self, pull: PrRef, proof: &LeaderProof) -> Result<u64, String> {
        let metadata = Metadata::by(Actor::Daemon(Self::NAME.to_owned()));
        let request = Request::new(PullRequestCommand::SeeToMerge, metadata);
        let stream = StreamId::PullRequest(pull);
        match self.coordinator.execute_as_leader::<PullRequestDecider>(proof, stream, request).await {
            Ok(answer) => {
                self.keep_in_mind(&answer.state);
                Ok(u64::from(answer.outcome == Outcome::Accepted))
            }
            // Refused, or moved on meanwhile: the event that did it is read next.
            Err(Rejected::Refused(_) | Rejected::Guarded { .. }) => Ok(0),
            Err(rejected) => Err(rejected.to_string()),
        }
    }

    /// Notes when it is to be looked at again.
    fn keep_in_mind(&self, pull: &PullRequest) {
        let now = self.coordinator.clock().now();
        let waits = pull.shown_state() == PullRequestState::Open;
        let next = look_again(pull, &self.coordinator.policy().timers).filter(|_| waits);
        let mut due = self.due();
        match next {
            Some(next) if next > now => due.insert(pull.reference.clone(), next),
            Some(_) => due.insert(pull.reference.clone(), now.plus(LOOK_AGAIN)),
            None => due.remove(&pull.reference),
        };
    }

    /// Those whose time has come.
    fn overdue(&self, now: Timestamp) -> Vec<PrRef> {
        self.due().iter().filter(|(_, due)| **due <= now).map(|(pull, _)| pull.clone()).collect()
    }

    /// Each entry is right after each single write.
    fn due(&self) -> MutexGuard<'_, BTreeMap<PrRef, Timestamp>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (mut pulls, position, more) = if after == 0 {
            // The position first: what is appended meanwhile is looked at twice rather than missed.
            let head = self.store().head().await.map_err(failed)?;
            (self.open().await.map_err(failed)?.into_iter().collect(), head, false)
        } else {
            let events = self.store().read_log(after, BATCH, &LogFilter::default()).await.map_err(failed)?;
            let last = events.last().map_or(after, |last| last.position);
            (self.moved_by(&events).await.map_err(failed)?, last, events.len() == BATCH)
        };
        pulls.extend(self.overdue(self.coordinator.clock().now()));
        let mut counters = Counters::default().with("pulls", pulls.len() as u64);
        for pull in pulls {
            counters.add("decided", self.see_to(pull, proof).await?);
        }
        self.position.store(position, Ordering::Release);
        Ok(if more { counters.and_more() } else { counters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{inside, policy};
    use conductor_actors::Cadence;
    use conductor_core::time::{hours, minutes};
    use tokio::time::sleep;

    /// A restart neither forgets a timer nor repeats a notice: both derive from what the log says.
    #[tokio::test(start_paused = true)]
    async fn people_are_told_once_and_a_person_is_called_whoever_leads() {
        inside(policy(), async |rig| {
            let (rig, reminders) = (rig.telling().await, "MERGE_GATE_REMINDER");
            rig.in_review(1, "dev-e-node", 57).await;
            let gate = MergeGate::new(rig.coordinator.clone());
            rig.coordinator.start_leader_pass(gate, Cadence::every(Duration::from_secs(60))).await;
            sleep(minutes(119)).await;
            assert!(!rig.said_of_pull(57).await.contains(&reminders));
            sleep(minutes(2)).await;
            assert!(rig.said_of_pull(57).await.contains(&reminders));
            let successor = MergeGate::new(rig.coordinator.clone());
            let proof = rig.elected().await;
            let counters = successor.run(&proof).await.unwrap();
            assert_eq!((counters.get("pulls"), counters.get("decided")), (1, 0), "it was told");
            sleep(hours(21)).await;
            assert_eq!(rig.state(1).await, "in_review");
            sleep(hours(1)).await;
            assert_eq!(rig.state(1).await, "escalated");
            let said = rig.said_of_pull(57).await;
            assert_eq!(said.iter().filter(|kind| **kind == reminders).count(), 1, "{said:?}");
        })
        .await;
    }
}
