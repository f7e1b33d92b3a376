use std::collections::BTreeMap;

use crate::event::Heartbeat;
use crate::hold::Hold;
use crate::identity::{AgentId, Claimant};
use crate::quota::{Drought, Quota, Rest};
use crate::record;
use crate::time::Timestamp;

/// Instances remembered per agent: pods come with a new suffix each time, and the map must not grow with them.
pub(super) const INSTANCES: usize = 32;

record! {
    /// What one instance of an agent last said.
    pub struct Instance {
        /// All of it.
        "heartbeat" => heartbeat: Heartbeat,
        /// Version of its event.
        "version" => version: u64,
        /// When it last said that it starts.
        "startedAt" => started_at: Option<Timestamp>,
    }
}

record! {
    /// All that is known of an agent.
    pub struct Agent {
        /// Which one.
        "id" => id: AgentId,
        /// Version of its stream.
        "version" => version: u64,
        /// Heard from, and not given up on since.
        "online" => online: bool,
        /// By instance; "" for the bare id.
        "instances" => instances: BTreeMap<String, Instance>,
        /// Percent of the five-hour quota.
        "quotaFiveHourPct" => five_hour_pct: Option<f64>,
        /// Percent of the weekly quota.
        "quotaWeeklyPct" => weekly_pct: Option<f64>,
        /// Version of that report.
        "quotaVersion" => quota_version: u64,
        /// Runs in a row that its provider's quota ended.
        "dryRuns" => dry_runs: u32,
        /// When the last of them ended.
        "dryAt" => dry_at: Option<Timestamp>,
        /// The version that says so.
        "dryVersion" => dry_version: u64,
        /// Held by an operator.
        "paused" => paused: bool,
        /// Version of the pause or its end.
        "pauseVersion" => pause_version: u64,
        /// The last pause.
        "held" => held: Option<Hold>,
        /// Last event.
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

impl Agent {
    /// An agent of which nothing is known.
    #[must_use]
    pub fn unknown(id: AgentId) -> Self {
        Self {
            id,
            version: 0,
            online: false,
            instances: BTreeMap::new(),
            five_hour_pct: None,
            weekly_pct: None,
            quota_version: 0,
            dry_runs: 0,
            dry_at: None,
            dry_version: 0,
            paused: false,
            pause_version: 0,
            held: None,
            updated_at: None,
        }
    }

    /// The instance that said something new last.
    #[must_use]
    pub fn latest(&self) -> Option<&Heartbeat> {
        self.instances.values().max_by_key(|instance| instance.version).map(|instance| &instance.heartbeat)
    }

    /// When its instances last said that they start.
    pub fn startups(&self) -> impl Iterator<Item = (Claimant, Timestamp)> {
        self.instances.iter().filter_map(|(name, instance)| {
            let instance_name = (!name.is_empty()).then(|| name.as_str().into());
            Some((Claimant { agent: self.id.clone(), instance: instance_name }, instance.started_at?))
        })
    }

    /// Whether any known quota is used up.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        Quota::of(self).is_exhausted()
    }

    /// Until when it is left alone, after its provider ran dry; `None` where it isn't.
    #[must_use]
    pub fn rest(&self, now: Timestamp) -> Option<Rest> {
        let last = self.dry_at?;
        let mut quota = Quota::of(self);
        if self.quota_version < self.dry_version && !quota.is_nearly_exhausted() {
            // It had enough by its own account when it ran dry, so that account says nothing of its recovery.
            (quota.five_hour_pct, quota.weekly_pct) = (None, None);
        }
        quota.rest(Drought { failures: self.dry_runs, last }, now)
    }
}
