use std::collections::{BTreeMap, BTreeSet};

use conductor_core::identity::EventId;
use conductor_core::port::{DueEffect, ObsoleteEffect, Outbox, OutboxDepth, PortFuture, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;

use super::MemoryStore;
use super::tables::Progress;

impl Outbox for MemoryStore {
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>> {
        self.with(move |tables| {
            let (mut held_back, mut due) = (BTreeSet::new(), Vec::new());
            for row in tables.outbox.iter().filter(|row| row.pending.effect.destination() == destination) {
                match row.progress {
                    Progress::Waits(Some(time)) if time > now => drop(held_back.insert(&row.key)),
                    Progress::Waits(_) if held_back.contains(&row.key) => {}
                    Progress::Waits(_) => due.push(Ok(row.pending.clone())),
                    Progress::Done | Progress::Dead => {}
                }
                if due.len() >= limit {
                    break;
                }
            }
            due.truncate(limit);
            Ok(due)
        })
    }

    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for id in effects {
                if let Some(row) = tables.effect(*id) {
                    row.progress = Progress::Done;
                }
            }
            Ok(())
        })
    }

    fn obsolete<'a>(&'a self, effects: &'a [ObsoleteEffect]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for ObsoleteEffect { id, .. } in effects {
                if let Some(row) = tables.effect(*id) {
                    row.progress = Progress::Done;
                }
            }
            Ok(())
        })
    }

    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            if let Some(row) = tables.effect(effect) {
                row.pending.attempts += 1;
                error.clone_into(&mut row.error);
                row.progress = retry_at.map_or(Progress::Dead, |time| Progress::Waits(Some(time)));
            }
            Ok(())
        })
    }

    fn outbox_depth(&self) -> PortFuture<'_, Result<Vec<OutboxDepth>, StoreFailure>> {
        self.with(|tables| {
            let mut depths = BTreeMap::new();
            for row in tables.outbox.iter().filter(|row| row.progress != Progress::Done) {
                let destination = row.pending.effect.destination();
                let nothing = OutboxDepth { destination, pending: 0, dead: 0, oldest: None };
                let depth = depths.entry(destination).or_insert(nothing);
                match row.progress {
                    Progress::Waits(_) => {
                        depth.pending += 1;
                        depth.oldest =
                            Some(depth.oldest.map_or(row.pending.since, |oldest| oldest.min(row.pending.since)));
                    }
                    Progress::Dead => depth.dead += 1,
                    Progress::Done => {}
                }
            }
            Ok(depths.into_values().collect())
        })
    }
}
