use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::guard::locked;
use crate::periodic::Counters;

use super::snapshot::{ActorKind, ActorReport, Condition, PassReport};
use super::{Cause, Face, Troubles};

/// One periodic pass.
#[derive(Debug)]
pub(crate) struct PassBoard {
    name: &'static str,
    /// A tick that takes longer can't have been cut off by its deadline: the thread itself is blocked.
    frozen_after: Duration,
    vitals: Mutex<Vitals>,
}

#[derive(Debug)]
struct Vitals {
    stage: Stage,
    since: Instant,
    ticks: u64,
    last_good: Option<Instant>,
    last_pass: Option<Instant>,
    counters: Counters,
    totals: BTreeMap<&'static str, u64>,
    troubles: Troubles,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Ticking,
    Waiting {
        until: Instant,
    },
    /// As waiting: another process does the work.
    Standby {
        until: Instant,
    },
    Resting {
        until: Instant,
    },
    Stopped,
}

impl PassBoard {
    pub(crate) fn new(name: &'static str, frozen_after: Duration) -> Self {
        let now = Instant::now();
        let vitals = Vitals {
            stage: Stage::Waiting { until: now },
            since: now,
            ticks: 0,
            last_good: None,
            last_pass: None,
            counters: Counters::default(),
            totals: BTreeMap::new(),
            troubles: Troubles::default(),
        };
        Self { name, frozen_after, vitals: Mutex::new(vitals) }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn begun(&self) {
        locked(&self.vitals).enter(Stage::Ticking);
    }

    pub(crate) fn went_well(&self, counters: Counters, next: Instant) {
        let mut vitals = locked(&self.vitals);
        for (name, count) in counters.iter() {
            *vitals.totals.entry(name).or_default() += count;
        }
        let stage = if counters.stands_by() { Stage::Standby { until: next } } else { Stage::Waiting { until: next } };
        vitals.counters = counters;
        vitals.ended(stage);
        vitals.last_good = vitals.last_pass;
    }

    pub(crate) fn went_wrong(&self, cause: Cause, text: String, next: Instant) {
        let mut vitals = locked(&self.vitals);
        vitals.troubles.note(cause, text);
        vitals.ended(Stage::Resting { until: next });
    }

    pub(crate) fn crashed(&self, text: String) {
        locked(&self.vitals).troubles.note(Cause::Panic, text);
    }

    pub(crate) fn stopped(&self) {
        locked(&self.vitals).enter(Stage::Stopped);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(locked(&self.vitals).stage, Stage::Stopped)
    }

    pub(super) fn report(&self, face: &Face) -> ActorReport {
        let vitals = locked(&self.vitals);
        let condition = match vitals.stage {
            Stage::Ticking if face.instant.saturating_duration_since(vitals.since) > self.frozen_after => {
                Condition::Frozen
            }
            Stage::Ticking | Stage::Waiting { .. } => Condition::Running,
            Stage::Standby { .. } => Condition::Standby,
            Stage::Resting { until } => Condition::Resting { until: face.time(until) },
            Stage::Stopped => Condition::Stopped,
        };
        let next_pass = match vitals.stage {
            Stage::Waiting { until } | Stage::Standby { until } | Stage::Resting { until } => Some(face.time(until)),
            Stage::Ticking | Stage::Stopped => None,
        };
        ActorReport {
            name: self.name.to_owned(),
            kind: ActorKind::Pass(PassReport {
                last_pass: vitals.last_pass.map(|at| face.time(at)),
                counters: vitals.counters.clone(),
                totals: vitals.totals.clone(),
                next_pass,
            }),
            condition,
            since: face.time(vitals.since),
            last_progress: vitals.last_good.map(|at| face.time(at)),
            handled: vitals.ticks,
            in_flight: u64::from(matches!(vitals.stage, Stage::Ticking)),
            waiting: 0,
            restarts: vitals.troubles.restarts,
            last_error: vitals.troubles.last(face),
        }
    }
}

impl Vitals {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }

    fn ended(&mut self, stage: Stage) {
        self.enter(stage);
        self.ticks += 1;
        self.last_pass = Some(self.since);
    }
}
