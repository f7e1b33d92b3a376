//! Which pull requests wait for a verdict, in memory.
//!
//! It only says where to look: whether something is to be done is read from the store, and decided at the append. An entry that
//! is a moment old costs a look; one that is over is dropped when somebody looks.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use conductor_actors::StateListener;
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, PullRequestState};
use conductor_core::identity::{AgentId, PrRef, StreamId, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::port::{RowFilter, Store, StoreFailure};
use conductor_core::pull_request::PullRequest;
use conductor_core::quota::Drought;
use conductor_core::review::{Awaiting, droughts};

/// Rows read at once when the index is filled.
const PAGE: usize = 1000;
/// Pull requests whose version is remembered, whether they wait or not.
const VERSIONS: usize = 20_000;

/// Wakes whoever sees to what waits.
pub type Wake = dyn Fn() + Send + Sync;

/// The index; fed by the actors, asked by the pass and by reviewers.
#[derive(Default)]
pub struct ReviewIndex {
    inner: Mutex<Inner>,
    /// Called when one begins to wait. Not its own: whoever wakes the pass knows the actors, who know this index.
    begun: OnceLock<Weak<Wake>>,
}

#[derive(Default)]
struct Inner {
    awaiting: BTreeMap<PrRef, (u64, Awaiting)>,
    versions: HashMap<PrRef, u64>,
}

impl ReviewIndex {
    /// Fills it from the rows of open pull requests.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn fill(&self, store: &dyn Store) -> Result<(), StoreFailure> {
        let open = RowFilter { states: vec![PullRequestState::Open.as_str()], ..RowFilter::default() };
        let mut after = None;
        loop {
            let rows = store.rows(StreamKind::PullRequest, &open, after.as_ref(), PAGE).await?;
            for row in &rows {
                self.changed(&row.stream, row.version, &row.state);
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => after = Some(last.cursor()),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Has somebody woken whenever a pull request begins to wait, for as long as the caller keeps `wake`. The first one stays.
    pub fn when_one_begins(&self, wake: &Arc<Wake>) {
        self.begun.get_or_init(|| Arc::downgrade(wake));
    }

    /// Everything that waits, by name.
    #[must_use]
    pub fn awaiting(&self) -> Vec<PrRef> {
        self.inner().awaiting.keys().cloned().collect()
    }

    /// What that reviewer was asked, the earliest deadline first.
    #[must_use]
    pub fn asked_of(&self, reviewer: &AgentId) -> Vec<PrRef> {
        let inner = self.inner();
        let asked = inner.awaiting.values().filter_map(|(_, one)| {
            one.asked.as_ref().filter(|(asked, _)| asked == reviewer).map(|(_, deadline)| (*deadline, one.pull.clone()))
        });
        let mut asked: Vec<_> = asked.collect();
        asked.sort();
        asked.into_iter().map(|(_, pull)| pull).collect()
    }

    /// What nobody is asked about, the longest waiting first.
    #[must_use]
    pub fn unasked(&self) -> Vec<PrRef> {
        let inner = self.inner();
        let unasked = inner.awaiting.values().filter(|(_, one)| one.asked.is_none());
        let mut unasked: Vec<_> = unasked.map(|(_, one)| (one.since, one.pull.clone())).collect();
        unasked.sort();
        unasked.into_iter().map(|(_, pull)| pull).collect()
    }

    /// Each reviewer's failures in a row for want of quota, over all that waits.
    #[must_use]
    pub fn droughts(&self) -> BTreeMap<AgentId, Drought> {
        droughts(self.inner().awaiting.values().map(|(_, one)| one))
    }

    /// The version that is known of a pull request; 0 for none.
    #[must_use]
    pub fn version_of(&self, pull: &PrRef) -> u64 {
        self.inner().versions.get(pull).copied().unwrap_or(0)
    }

    fn take(&self, pull: &PullRequest, version: u64) {
        let (name, waits) = (&pull.reference, Awaiting::of(pull));
        let mut inner = self.inner();
        let known = inner.awaiting.get(name).map(|(version, _)| *version).max(inner.versions.get(name).copied());
        if known.is_some_and(|known| known >= version) {
            return;
        }
        if inner.versions.len() >= VERSIONS {
            inner.versions.clear();
        }
        inner.versions.insert(name.clone(), version);
        let begins = match waits {
            Some(waits) => {
                let asks = waits.asked.is_none();
                let before = inner.awaiting.insert(name.clone(), (version, waits));
                asks && before.is_none_or(|(_, before)| before.asked.is_some())
            }
            None => {
                inner.awaiting.remove(name);
                false
            }
        };
        drop(inner);
        if begins {
            self.wake();
        }
    }

    /// An issue that enters review may be told later than its pull request.
    fn take_issue(&self, issue: &Issue) {
        let current = issue.current.as_ref().filter(|_| issue.state() == Some(IssueState::InReview));
        let waits = |pull| self.inner().awaiting.get(pull).is_some_and(|(_, one)| one.asked.is_none());
        if current.is_some_and(waits) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(wake) = self.begun.get().and_then(Weak::upgrade) {
            wake();
        }
    }

    /// Every change is made whole under the lock, so a panic elsewhere leaves nothing half-done behind.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateListener for ReviewIndex {
    fn changed(&self, _stream: &StreamId, version: u64, state: &StreamState) {
        match state {
            StreamState::PullRequest(pull) => self.take(pull, version),
            StreamState::Issue(issue) => self.take_issue(issue),
            StreamState::Agent(_) | StreamState::Rig(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::event::PrRole;
    use conductor_core::issue::{KnownPull, Phase};
    use conductor_core::pull_request::Dispatch;
    use conductor_core::time::Timestamp;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn pull(number: u64, since: i64) -> PullRequest {
        let mut pull = PullRequest::unknown(PrRef::parse(&format!("acme/web#{number}")).unwrap());
        pull.known = true;
        pull.reviewable_since = Some(at(since));
        pull
    }

    fn asked(number: u64, of: &str, deadline: i64) -> PullRequest {
        let dispatch = Dispatch {
            reviewer: AgentId::parse(of).unwrap(),
            head: None,
            deadline: at(deadline),
            pushed: false,
            delivered_at: None,
            version: 2,
        };
        PullRequest { dispatch: Some(dispatch), ..pull(number, 1) }
    }

    fn numbers(pulls: Vec<PrRef>) -> Vec<u64> {
        pulls.into_iter().map(|pull| pull.number).collect()
    }

    #[test]
    fn the_longest_waiting_and_the_earliest_deadline_come_first() {
        let index = ReviewIndex::default();
        for pull in [pull(1, 9), pull(2, 5), asked(3, "review-e", 60), asked(4, "review-e", 30), asked(5, "other", 1)] {
            index.take(&pull, 3);
        }
        assert_eq!(numbers(index.unasked()), [2, 1]);
        assert_eq!(numbers(index.asked_of(&AgentId::parse("review-e").unwrap())), [4, 3]);
        assert_eq!(numbers(index.awaiting()), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_over_is_dropped_and_an_older_state_told_late_brings_it_not_back() {
        let index = ReviewIndex::default();
        index.take(&pull(1, 1), 2);
        index.take(&PullRequest { draft: true, ..pull(1, 1) }, 4);
        index.take(&pull(1, 1), 3);
        assert_eq!((index.awaiting(), index.version_of(&pull(1, 1).reference)), (Vec::new(), 4));
    }

    #[test]
    fn whoever_begins_to_wait_wakes_the_pass_once() {
        let (index, woken) = (ReviewIndex::default(), Arc::new(AtomicU32::new(0)));
        let counter = Arc::clone(&woken);
        let wake: Arc<Wake> = Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        index.when_one_begins(&wake);
        index.take(&pull(1, 1), 1);
        index.take(&pull(1, 1), 2);
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        index.take(&asked(1, "review-e", 9), 3);
        index.take(&pull(1, 1), 4);
        assert_eq!(woken.load(Ordering::SeqCst), 2, "who was asked gave no verdict");
        let mut issue = Issue::unknown(PrRef::parse("acme/web#4").unwrap());
        index.take_issue(&issue);
        assert_eq!(woken.load(Ordering::SeqCst), 2, "it is not in review");
        issue.phase = Phase::Open;
        issue.current = Some(pull(1, 1).reference);
        let standing = pull(1, 1).standing();
        issue.pulls.insert(pull(1, 1).reference, KnownPull::new(standing, PrRole::Current));
        index.take_issue(&issue);
        assert_eq!(woken.load(Ordering::SeqCst), 3, "it entered review after its pull request had said so");
    }
}
