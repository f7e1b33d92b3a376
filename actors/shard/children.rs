use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix::Addr;
use conductor_core::decider::Decider;
use futures_util::future::AbortHandle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::backoff::Streak;
use crate::gate::Gate;
use crate::request::Rejected;
use crate::settings::Settings;
use crate::stream::StreamActor;

/// One stream of the shard.
pub(super) struct Child<D: Decider> {
    /// Its places; they outlive an incarnation, so a restart doesn't let more in.
    gate: Gate,
    pub(super) life: Life<D>,
    pub(super) streak: Streak,
    used: Instant,
    /// Where it stands in the order of use.
    turn: u64,
}

/// Whether its actor is there.
pub(super) enum Life<D: Decider> {
    /// Not started yet.
    Unborn,
    /// At work.
    Awake { incarnation: u64, address: Addr<StreamActor<D>>, abort: AbortHandle },
    /// Crashed; the first command after the rest starts it again.
    Resting { until: Instant },
}

impl<D: Decider> Child<D> {
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        let gate = Gate::new(settings.requests_per_stream, settings.retry_after);
        Self { gate, life: Life::Unborn, streak: Streak::default(), used: now, turn: 0 }
    }

    /// Takes one of its places.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, Rejected> {
        self.gate.enter()
    }

    pub(super) fn is_incarnation(&self, number: u64) -> bool {
        matches!(&self.life, Life::Awake { incarnation, .. } if *incarnation == number)
    }

    /// Nothing queued, nothing under way. What crashed is kept until its calm period is over, since its record is what
    /// makes it rest longer each time.
    fn may_leave(&self, settings: &Settings, now: Instant) -> bool {
        self.gate.under_way() == 0 && self.streak.is_calm(&settings.restart, now)
    }
}

/// The streams of a shard, in order of use.
pub(super) struct Children<D: Decider> {
    by_key: HashMap<Arc<str>, Child<D>>,
    by_turn: BTreeMap<u64, Arc<str>>,
    turns: u64,
}

impl<D: Decider> Default for Children<D> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), by_turn: BTreeMap::new(), turns: 0 }
    }
}

impl<D: Decider> Children<D> {
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.by_key.keys().map(Arc::clone).collect()
    }

    pub(super) fn get(&self, key: &Arc<str>) -> Option<&Child<D>> {
        self.by_key.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &Arc<str>) -> Option<&mut Child<D>> {
        self.by_key.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: Arc<str>, child: Child<D>) {
        self.by_key.insert(key, child);
    }

    pub(super) fn remove(&mut self, key: &Arc<str>) -> Option<Child<D>> {
        let child = self.by_key.remove(key)?;
        self.by_turn.remove(&child.turn);
        Some(child)
    }

    /// Moves a child to the end of the order.
    pub(super) fn touch(&mut self, key: &Arc<str>, now: Instant) -> Option<&mut Child<D>> {
        let child = self.by_key.get_mut(key)?;
        self.by_turn.remove(&child.turn);
        self.turns += 1;
        (child.turn, child.used) = (self.turns, now);
        self.by_turn.insert(self.turns, Arc::clone(key));
        Some(child)
    }

    /// The idle child that was used least recently.
    pub(super) fn longest_idle(&self) -> Option<Arc<str>> {
        let idle = |key: &&Arc<str>| self.by_key.get(*key).is_some_and(|child| child.gate.under_way() == 0);
        self.by_turn.values().find(idle).map(Arc::clone)
    }

    /// The children that were not used for the idle time and may leave.
    pub(super) fn idle(&self, now: Instant, settings: &Settings) -> Vec<Arc<str>> {
        let aged = |child: &Child<D>| now.saturating_duration_since(child.used) >= settings.idle;
        let in_order = self.by_turn.values().filter_map(|key| self.by_key.get(key).map(|child| (key, child)));
        let due = in_order.take_while(|(_, child)| aged(child)).filter(|(_, child)| child.may_leave(settings, now));
        due.map(|(key, _)| Arc::clone(key)).collect()
    }
}
