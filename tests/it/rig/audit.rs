use std::collections::{BTreeMap, HashMap};

use conductor_adapters::replay::Replay;
use conductor_core::cost::{CostBy, CostFilter, CostRows};
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, Priority, Recorded};
use conductor_core::identity::{AgentId, StreamId, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::port::{LogFilter, RowFilter, Store, StoredRow};
use serde_json::Value;

/// Events and rows read at once.
const PAGE: usize = 1_000;
/// What an agent of the built-in rig may hold; one more for a critical issue.
const CAPACITY: usize = 1;

/// What a store holds after its daemon has ended, checked against the invariants while it is read.
#[derive(Debug)]
pub(crate) struct Audit {
    /// The log, in order of position.
    pub(crate) log: Vec<Recorded>,
    /// Given up on: effects, deliveries.
    pub(crate) dead: (u64, u64),
}

impl Audit {
    /// Reads everything. Panics where the log has a hole, a position is not above the one before, or a row is not what a fresh
    /// replay of its stream gives.
    pub(crate) async fn of(store: &dyn Store) -> Self {
        let log = whole_log(store).await;
        assert_eq!(store.head().await.unwrap(), log.last().map_or(0, |last| last.position), "the head");
        let replays = replayed(&log);
        for (stream, replay) in &replays {
            let row = store.row(stream).await.unwrap().unwrap_or_else(|| panic!("{stream} has events and no row"));
            assert_eq!(row.version, replay.version, "the version of {stream}'s row");
            assert_eq!(row.state, replay.state, "{stream}'s row is not its replay");
            assert_eq!(row.body, replay.body, "{stream}'s body");
        }
        for kind in [StreamKind::Issue, StreamKind::PullRequest, StreamKind::Agent] {
            let shown = rows(store, kind).await;
            let expected =
                replays.values().filter(|replay| replay.state.kind() == kind && replay.state.columns().shown);
            assert_eq!(shown.len(), expected.count(), "rows of {kind:?} that are shown");
            assert!(shown.iter().all(|row| replays.contains_key(&row.stream)), "a row of {kind:?} without events");
        }
        leases_are_within_bounds(&replays);
        costs_are_those_of_the_log(store, &log).await;
        let (outbox, inbox) = (store.outbox_depth().await.unwrap(), store.inbox_depth().await.unwrap());
        Self { log, dead: (outbox.iter().map(|depth| depth.dead).sum(), inbox.dead) }
    }

    /// Nothing was given up on.
    #[track_caller]
    pub(crate) fn holds(&self) {
        assert_eq!(self.dead, (0, 0), "dead letters: (effects, deliveries)");
    }

    /// Every answer that a caller got stands in the log where it said.
    pub(crate) fn has_all(&self, answers: &[Value]) {
        let at: HashMap<u64, &Recorded> = self.log.iter().map(|event| (event.position, event)).collect();
        for answer in answers {
            let position = answer["position"].as_u64().unwrap();
            let event = at.get(&position).unwrap_or_else(|| panic!("answered, and not in the log: {answer}"));
            assert_eq!(event.stream.to_string(), answer["streamId"].as_str().unwrap(), "{answer}");
            assert_eq!(event.version, answer["version"].as_u64().unwrap(), "{answer}");
            assert_eq!(event.event.type_name(), answer["type"].as_str().unwrap(), "{answer}");
        }
    }
}

async fn whole_log(store: &dyn Store) -> Vec<Recorded> {
    let mut log: Vec<Recorded> = Vec::new();
    loop {
        let after = log.last().map_or(0, |last| last.position);
        let page = store.read_log(after, PAGE, &LogFilter::default()).await.unwrap();
        let end = page.len() < PAGE;
        for event in page {
            let last = log.last().map_or(0, |last| last.position);
            assert!(event.position > last, "position {} follows {last}", event.position);
            log.push(event);
        }
        if end {
            return log;
        }
    }
}

/// Folding checks on the way that the versions of each stream are 1, 2, 3 …
fn replayed(log: &[Recorded]) -> HashMap<StreamId, Replay> {
    let mut replays: HashMap<StreamId, Replay> = HashMap::new();
    for event in log {
        let replay = replays.entry(event.stream.clone()).or_insert_with(|| Replay::of(&event.stream));
        replay.fold(event.clone()).unwrap();
    }
    replays
}

async fn rows(store: &dyn Store, kind: StreamKind) -> Vec<StoredRow> {
    let mut rows: Vec<StoredRow> = Vec::new();
    loop {
        let after = rows.last().map(StoredRow::cursor);
        let page = store.rows(kind, &RowFilter::default(), after.as_ref(), PAGE).await.unwrap();
        let end = page.len() < PAGE;
        rows.extend(page);
        if end {
            return rows;
        }
    }
}

/// Each row of what was spent, against a fresh fold of the log.
async fn costs_are_those_of_the_log(store: &dyn Store, log: &[Recorded]) {
    let mut fresh = CostRows::default();
    log.iter().for_each(|event| fresh.add(&event.stream, &event.event, event.time));
    let rows = store.costs(&CostFilter::default(), &[CostBy::Row]).await.unwrap();
    assert_eq!(rows.len(), fresh.0.len(), "rows of costs");
    for ((key, spent), row) in fresh.0.iter().zip(&rows) {
        assert_eq!(
            (row.day, &row.agent, &row.model),
            (Some(key.day), &Some(key.agent.clone()), &Some(key.model.clone()))
        );
        assert_eq!((&row.repo, row.number, row.spent), (&key.repo, key.number, *spent), "costs of {key:?}");
    }
}

fn leases_are_within_bounds(replays: &HashMap<StreamId, Replay>) {
    let mut held: BTreeMap<&AgentId, Vec<&Issue>> = BTreeMap::new();
    for replay in replays.values() {
        if let StreamState::Issue(issue) = &replay.state
            && let Some(lease) = &issue.lease
        {
            assert!(
                issue.state().is_some_and(IssueState::allows_holder),
                "{} in its state has a holder",
                issue.reference
            );
            held.entry(&lease.claimant.agent).or_default().push(issue);
        }
    }
    for (agent, issues) in held {
        let critical = issues.iter().any(|issue| issue.priority == Priority::Critical);
        let names: Vec<String> = issues.iter().map(|issue| issue.reference.to_string()).collect();
        assert!(issues.len() <= CAPACITY + usize::from(critical), "{agent} holds {names:?}");
    }
}
