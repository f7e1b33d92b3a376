use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use conductor_core::identity::StreamKind;

use crate::guard::locked;

use super::snapshot::{ActorKind, ActorReport, Condition};
use super::{Cause, Face, Troubles};

/// One shard and its stream actors.
#[derive(Debug)]
pub(crate) struct ShardBoard {
    kind: StreamKind,
    name: String,
    frozen_after: Duration,
    vitals: Mutex<Vitals>,
}

#[derive(Debug)]
struct Vitals {
    since: Instant,
    stage: Stage,
    /// Requests in the shard's mailbox, in its actors' mailboxes and under way.
    admitted: usize,
    /// Since when there is something to do without a break.
    busy_since: Option<Instant>,
    last_progress: Option<Instant>,
    handled: u64,
    live: usize,
    under_way: HashMap<Arc<str>, Instant>,
    resting: HashMap<Arc<str>, Rest>,
    troubles: Troubles,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Draining,
    Stopped,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    since: Instant,
    until: Instant,
}

impl ShardBoard {
    pub(crate) fn new(kind: StreamKind, number: usize, frozen_after: Duration) -> Self {
        let vitals = Vitals {
            since: Instant::now(),
            stage: Stage::Running,
            admitted: 0,
            busy_since: None,
            last_progress: None,
            handled: 0,
            live: 0,
            under_way: HashMap::new(),
            resting: HashMap::new(),
            troubles: Troubles::default(),
        };
        Self { kind, name: format!("{kind}/{number}"), frozen_after, vitals: Mutex::new(vitals) }
    }

    /// A request is on its way to the shard; it counts until the returned value is dropped.
    pub(crate) fn admit(self: &Arc<Self>) -> Admitted {
        let mut vitals = locked(&self.vitals);
        vitals.admitted += 1;
        vitals.busy_since.get_or_insert_with(Instant::now);
        Admitted { board: Arc::clone(self) }
    }

    /// A stream actor begins something; it is under way until the returned value is dropped.
    pub(crate) fn begin(self: &Arc<Self>, key: &Arc<str>) -> UnderWay {
        locked(&self.vitals).under_way.insert(Arc::clone(key), Instant::now());
        UnderWay { board: Arc::clone(self), key: Arc::clone(key) }
    }

    /// A state was thrown away.
    pub(crate) fn trouble(&self, cause: Cause, text: String) {
        locked(&self.vitals).troubles.note(cause, text);
    }

    /// The shard itself crashed; its next incarnation starts without children.
    pub(crate) fn crashed(&self, panic: &str) {
        tracing::error!(shard = self.name, error = panic, "failed to keep shard {} alive: {panic}", self.name);
        let mut vitals = locked(&self.vitals);
        vitals.troubles.note(Cause::Panic, format!("the shard panicked: {panic}"));
        vitals.live = 0;
    }

    pub(crate) fn set_live(&self, live: usize) {
        locked(&self.vitals).live = live;
    }

    /// A stream actor crashed and rests.
    pub(crate) fn rest(&self, key: &Arc<str>, until: Instant) {
        locked(&self.vitals).resting.insert(Arc::clone(key), Rest { since: Instant::now(), until });
    }

    pub(crate) fn drain(&self) {
        locked(&self.vitals).enter(Stage::Draining);
    }

    pub(crate) fn stopped(&self) {
        let mut vitals = locked(&self.vitals);
        vitals.enter(Stage::Stopped);
        vitals.live = 0;
    }

    /// The streams whose command is under way for longer than it ever should be.
    pub(crate) fn frozen(&self) -> Vec<Arc<str>> {
        let vitals = locked(&self.vitals);
        let frozen = vitals.under_way.iter().filter(|(_, since)| since.elapsed() > self.frozen_after);
        frozen.map(|(key, _)| Arc::clone(key)).collect()
    }

    pub(super) fn streams_under_way(&self) -> Vec<String> {
        locked(&self.vitals).under_way.keys().map(|key| format!("{}/{key}", self.kind)).collect()
    }

    /// The shard, then each of its stream actors that isn't well.
    pub(super) fn report(&self, face: &Face, reports: &mut Vec<ActorReport>) {
        let mut vitals = locked(&self.vitals);
        vitals.resting.retain(|_, rest| rest.until > face.instant);
        let in_flight = vitals.under_way.len();
        let (condition, since) = vitals.condition(face, self.frozen_after);
        reports.push(ActorReport {
            name: self.name.clone(),
            kind: ActorKind::Shard { live: vitals.live as u64 },
            condition,
            since: face.time(since),
            last_progress: vitals.last_progress.map(|at| face.time(at)),
            handled: vitals.handled,
            in_flight: in_flight as u64,
            waiting: vitals.admitted.saturating_sub(in_flight) as u64,
            restarts: vitals.troubles.restarts,
            last_error: vitals.troubles.last(face),
        });
        let frozen = vitals.under_way.iter().filter(|(_, since)| face.age(**since) > self.frozen_after);
        let frozen = frozen.map(|(key, since)| (key, Condition::Frozen, *since, 1));
        let resting = vitals.resting.iter();
        let resting =
            resting.map(|(key, rest)| (key, Condition::Resting { until: face.time(rest.until) }, rest.since, 0));
        reports.extend(frozen.chain(resting).map(|(key, condition, since, in_flight)| ActorReport {
            name: format!("{}/{key}", self.kind),
            kind: ActorKind::Stream,
            condition,
            since: face.time(since),
            last_progress: None,
            handled: 0,
            in_flight,
            waiting: 0,
            restarts: super::RestartCounts::default(),
            last_error: None,
        }));
    }
}

impl Vitals {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }

    /// A shard whose thread is blocked can't say so; that work waits while nothing gets finished says it.
    fn condition(&self, face: &Face, frozen_after: Duration) -> (Condition, Instant) {
        let idle_or_moving = self.busy_since.into_iter().chain(self.last_progress).max();
        match (self.stage, self.busy_since, idle_or_moving) {
            (Stage::Stopped, ..) => (Condition::Stopped, self.since),
            (Stage::Running | Stage::Draining, Some(_), Some(last)) if face.age(last) > frozen_after => {
                (Condition::Frozen, last)
            }
            (Stage::Running, ..) => (Condition::Running, self.since),
            (Stage::Draining, ..) => (Condition::Draining, self.since),
        }
    }
}

impl Face {
    fn age(&self, since: Instant) -> Duration {
        self.instant.saturating_duration_since(since)
    }
}

/// A request that the shard has not answered yet.
#[derive(Debug)]
pub(crate) struct Admitted {
    board: Arc<ShardBoard>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut vitals = locked(&self.board.vitals);
        vitals.admitted = vitals.admitted.saturating_sub(1);
        vitals.handled += 1;
        vitals.last_progress = Some(Instant::now());
        if vitals.admitted == 0 {
            vitals.busy_since = None;
        }
    }
}

/// Something that a stream actor has begun. Dropped with the actor, however that ends.
#[derive(Debug)]
pub(crate) struct UnderWay {
    board: Arc<ShardBoard>,
    key: Arc<str>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.board.vitals).under_way.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use conductor_core::time::Timestamp;

    use super::super::Board;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_under_way_for_too_long_turns_its_stream_unhealthy() {
        let board = Board::default();
        let shard = board.add_shard(ShardBoard::new(StreamKind::Issue, 0, LIMIT));
        let under_way = shard.begin(&"acme/web#7".into());
        tokio::time::advance(LIMIT).await;
        assert!(board.snapshot(at(30)).healthy());
        tokio::time::advance(Duration::from_millis(1)).await;
        let snapshot = board.snapshot(at(31));
        let stream = snapshot.actor("issue/acme/web#7").unwrap();
        assert_eq!((stream.condition, stream.in_flight), (Condition::Frozen, 1));
        assert_eq!(shard.frozen(), ["acme/web#7".into()]);
        drop(under_way);
        assert!(board.snapshot(at(32)).healthy());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_waits_without_progress_turns_the_shard_unhealthy() {
        let board = Board::default();
        let shard = board.add_shard(ShardBoard::new(StreamKind::Issue, 0, LIMIT));
        let (first, _second) = (shard.admit(), shard.admit());
        tokio::time::advance(LIMIT - Duration::from_secs(1)).await;
        drop(first);
        tokio::time::advance(LIMIT).await;
        assert_eq!(board.snapshot(at(0)).actors[0].condition, Condition::Running, "it made progress");
        tokio::time::advance(Duration::from_secs(1)).await;
        let report = &board.snapshot(at(60)).actors[0];
        assert_eq!((report.condition, report.waiting, report.handled), (Condition::Frozen, 1, 1));
        assert_eq!(report.since, at(29));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_shard_is_healthy_for_ever() {
        let board = Board::default();
        let shard = board.add_shard(ShardBoard::new(StreamKind::Rig, 3, LIMIT));
        drop(shard.admit());
        tokio::time::advance(LIMIT * 100).await;
        let report = &board.snapshot(at(0)).actors[0];
        assert_eq!((report.name.as_str(), report.condition), ("rig/3", Condition::Running));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crashed_stream_is_shown_while_it_rests() {
        let board = Board::default();
        let shard = board.add_shard(ShardBoard::new(StreamKind::Agent, 0, LIMIT));
        shard.trouble(Cause::Panic, "decide panicked: no".to_owned());
        shard.rest(&"agent:dev-e".into(), Instant::now() + Duration::from_secs(2));
        let snapshot = board.snapshot(at(0));
        let resting = snapshot.actor("agent/agent:dev-e").unwrap();
        assert_eq!(resting.condition, Condition::Resting { until: at(2) });
        assert_eq!(snapshot.actors[0].restarts.panic, 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(board.snapshot(at(2)).healthy());
    }
}
