//! Signs of life of those who hold leases, in batches: a sign of 10,000 agents each half minute must not cost as many writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::expiry::LeaseClocks;
use conductor_core::identity::{AgentId, Claimant, IssueRef};
use conductor_core::issue::{Issue, Lease};
use conductor_core::port::{LeaseSigns, PortFuture, Store, StoreFailure};
use conductor_core::time::Timestamp;

use crate::batch::{Batcher, Gathered};

/// Who knows which leases are live.
pub trait LiveLeases: Send + Sync {
    /// Those of an agent, all its instances together.
    fn held_by(&self, agent: &AgentId) -> Vec<(IssueRef, Lease)>;
}

/// Keeps leases alive while their holders are heard from.
#[derive(Clone)]
pub struct LeaseKeeper {
    batcher: Batcher<Signs>,
    live: Arc<dyn LiveLeases>,
    terms: LeaseTerms,
}

/// How long leases last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerms {
    /// From the claim, or the last sign of life.
    pub length: Duration,
    /// Pushed work reaches its agent by way of a stream.
    pub streamed: bool,
}

struct Signs(Arc<dyn Store>);

impl Gathered for Signs {
    type Key = IssueRef;
    type News = LeaseSigns;

    const WHAT: &'static str = "signs of life";

    fn take(waiting: &mut LeaseSigns, newer: &LeaseSigns) {
        waiting.take(newer);
    }

    fn write<'a>(&'a self, batch: &'a [(IssueRef, LeaseSigns)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            let signs: Vec<LeaseSigns> = batch.iter().map(|(_, signs)| signs.clone()).collect();
            self.0.note_signs(&signs).await
        })
    }
}

impl LeaseKeeper {
    /// Starts the writer on the current Tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, live: Arc<dyn LiveLeases>, terms: LeaseTerms) -> Self {
        Self { batcher: Batcher::start(Signs(store)), live, terms }
    }

    /// Whether pushed work reaches its agent by way of a stream.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.terms.streamed
    }

    /// When a lease with these signs ends unless it is renewed.
    #[must_use]
    pub fn expires_at(&self, lease: &Lease, signs: Option<&LeaseSigns>) -> Timestamp {
        LeaseClocks::of(lease, signs, self.terms.streamed).expires_at(lease, self.terms.length)
    }

    /// Has an issue show its lease with the end that it has by now.
    pub fn show_renewed(&self, issue: &mut Issue, signs: Option<&LeaseSigns>) {
        if let Some(lease) = &mut issue.lease {
            lease.expires_at = self.expires_at(lease, signs);
        }
    }

    /// A sign of this claimant, which may have shown a lease's token: every lease that it is the holder of goes on. A lease of a
    /// bare id is kept by any of its instances, one of an instance by that one or by the token.
    pub fn heard(&self, from: &Claimant, token: Option<&str>, at: Timestamp) {
        for (issue, lease) in self.live.held_by(&from.agent) {
            // A token is of one lease; of the others its bearer is who it says.
            let shows = token.filter(|token| lease.is_held_by(from, Some(token)));
            if shows.is_some() || lease.is_held_by(from, None) {
                self.note(issue, &lease, None, at);
            }
        }
    }

    /// A sign that this claimant works on an issue (a run, a log line of one, an event about the work): where it is the holder,
    /// its lease goes on, and has been started.
    pub fn worked(&self, from: &Claimant, token: Option<&str>, on: &IssueRef, at: Timestamp) {
        let held = self.live.held_by(&from.agent).into_iter().filter(|(issue, _)| issue == on);
        for (issue, lease) in held.filter(|(_, lease)| lease.is_held_by(from, token)) {
            self.note(issue, &lease, Some(at), at);
        }
    }

    fn note(&self, issue: IssueRef, lease: &Lease, worked_at: Option<Timestamp>, at: Timestamp) {
        let signs = LeaseSigns { renewed_at: Some(at), worked_at, ..LeaseSigns::none(issue.clone(), lease.epoch) };
        self.batcher.note(issue, signs);
    }

    /// The entry of a pushed assignment was added to its agent's stream: from now on the lease's time runs.
    pub fn entry_added(&self, issue: &IssueRef, epoch: u32, at: Timestamp) {
        let signs = LeaseSigns { delivered_at: Some(at), ..LeaseSigns::none(issue.clone(), epoch) };
        self.batcher.note(issue.clone(), signs);
    }

    /// What was heard and isn't written yet.
    #[must_use]
    pub fn unwritten(&self) -> BTreeMap<IssueRef, LeaseSigns> {
        self.batcher.unwritten()
    }

    /// All that is known of an issue's newest lease, written or not.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn signs_of(&self, store: &dyn Store, issue: &IssueRef) -> Result<Option<LeaseSigns>, StoreFailure> {
        // What waits to be written is read first, so that nothing falls between the two.
        let unwritten = self.batcher.unwritten_of(issue);
        let written = store.signs_of(issue).await?;
        Ok(joined(written, unwritten))
    }

    /// The same of all issues.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn signs(&self, store: &dyn Store) -> Result<BTreeMap<IssueRef, LeaseSigns>, StoreFailure> {
        let unwritten = self.unwritten();
        let written = store.lease_signs().await?;
        let mut all: BTreeMap<IssueRef, LeaseSigns> =
            written.into_iter().map(|signs| (signs.issue.clone(), signs)).collect();
        for (issue, signs) in unwritten {
            let known = all.remove(&issue);
            all.extend(joined(known, Some(signs)).map(|signs| (issue, signs)));
        }
        Ok(all)
    }

    /// Writes what waits and ends; what is heard later is lost.
    pub async fn close(&self) {
        self.batcher.close().await;
    }
}

fn joined(written: Option<LeaseSigns>, unwritten: Option<LeaseSigns>) -> Option<LeaseSigns> {
    match (written, unwritten) {
        (Some(mut known), Some(newer)) => {
            known.take(&newer);
            Some(known)
        }
        (known, newer) => known.or(newer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_adapters::memory::MemoryStore;
    use conductor_core::event::AssignmentKind;

    struct Held(Vec<(IssueRef, Lease)>);

    impl LiveLeases for Held {
        fn held_by(&self, agent: &AgentId) -> Vec<(IssueRef, Lease)> {
            self.0.iter().filter(|(_, lease)| lease.claimant.agent == *agent).cloned().collect()
        }
    }

    fn lease(number: u64, holder: &str) -> (IssueRef, Lease) {
        let lease = Lease {
            claimant: Claimant::parse(holder).unwrap(),
            token: format!("secret-{number}"),
            epoch: 3,
            kind: AssignmentKind::Work,
            expires_at: at(0),
            branch_hint: String::new(),
            head: None,
            assigned_at: at(0),
            assigned_version: 2,
            started_version: None,
            hook: false,
            started_at: None,
            pushed: false,
        };
        (issue(number), lease)
    }

    fn issue(number: u64) -> IssueRef {
        IssueRef::parse(&format!("acme/web#{number}")).unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn keeper(leases: Vec<(IssueRef, Lease)>) -> (LeaseKeeper, Arc<dyn Store>) {
        let store: Arc<dyn Store> = MemoryStore::new();
        let terms = LeaseTerms { length: Duration::from_secs(1800), streamed: true };
        (LeaseKeeper::start(Arc::clone(&store), Arc::new(Held(leases)), terms), store)
    }

    fn renewed(keeper: &LeaseKeeper) -> Vec<u64> {
        keeper.unwritten().into_keys().map(|issue| issue.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_bare_ids_lease_is_kept_by_any_instance_and_an_instances_by_itself_or_its_token() {
        let leases = || vec![lease(1, "dev-e-node"), lease(2, "dev-e-node/a"), lease(3, "dev-e-python")];
        for (from, token, wanted) in [
            ("dev-e-node", None, vec![1]),
            ("dev-e-node/a", None, vec![1, 2]),
            ("dev-e-node/b", None, vec![1]),
            ("dev-e-node/b", Some("secret-2"), vec![1, 2]),
            ("dev-e-node", Some("a past one"), vec![1]),
            ("dev-e-python", Some("secret-2"), vec![3]),
            ("dev-e-dotnet", None, vec![]),
        ] {
            let (keeper, _) = keeper(leases());
            keeper.heard(&Claimant::parse(from).unwrap(), token, at(5));
            assert_eq!(renewed(&keeper), wanted, "{from} {token:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_a_sign_of_the_lease_that_it_is_about() {
        let (keeper, store) = keeper(vec![lease(1, "dev-e-node"), lease(2, "dev-e-node")]);
        keeper.worked(&Claimant::parse("dev-e-node/a").unwrap(), None, &issue(2), at(5));
        keeper.heard(&Claimant::parse("dev-e-node").unwrap(), None, at(7));
        let signs = keeper.signs(&*store).await.unwrap();
        assert_eq!((signs[&issue(1)].worked_at, signs[&issue(1)].renewed_at), (None, Some(at(7))));
        assert_eq!((signs[&issue(2)].worked_at, signs[&issue(2)].renewed_at), (Some(at(5)), Some(at(7))));
        keeper.worked(&Claimant::parse("dev-e-node").unwrap(), Some("a past one"), &issue(1), at(9));
        assert_eq!(keeper.unwritten()[&issue(1)].worked_at, None, "whoever shows a token of the past isn't the holder");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_and_what_waits_are_one() {
        let (keeper, store) = keeper(vec![lease(1, "dev-e-node")]);
        keeper.entry_added(&issue(1), 3, at(1));
        keeper.batcher.write().await;
        assert!(keeper.unwritten().is_empty());
        keeper.heard(&Claimant::parse("dev-e-node").unwrap(), None, at(9));
        let signs = keeper.signs_of(&*store, &issue(1)).await.unwrap().unwrap();
        assert_eq!((signs.delivered_at, signs.renewed_at), (Some(at(1)), Some(at(9))));
        assert_eq!(keeper.signs(&*store).await.unwrap(), [(issue(1), signs)].into());
        keeper.close().await;
        assert_eq!(store.signs_of(&issue(1)).await.unwrap().unwrap().renewed_at, Some(at(9)));
    }
}
