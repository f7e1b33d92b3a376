use conductor_core::port::{Housekeeping, PortFuture, Pruned, StoreFailure};
use conductor_core::time::Timestamp;

use super::SqliteStore;
use crate::retention::Horizon;

impl Housekeeping for SqliteStore {
    fn prune(&self, now: Timestamp) -> PortFuture<'_, Result<Pruned, StoreFailure>> {
        let horizon = Horizon::at(now);
        self.write(move |connection| {
            let older = |statement: &str, than: Timestamp| -> rusqlite::Result<u64> {
                connection.prepare_cached(statement)?.execute([than.as_millis()]).map(|rows| rows as u64)
            };
            Ok(Pruned {
                deliveries: older(
                    "DELETE FROM inbox WHERE progress <> 'waiting' AND received_at < ?1",
                    horizon.deliveries,
                )?,
                bodies: older(
                    "UPDATE inbox SET body = NULL
                     WHERE progress IN ('worked', 'ignored') AND body IS NOT NULL AND received_at < ?1",
                    horizon.bodies,
                )?,
                answers: older("DELETE FROM answers WHERE since < ?1", horizon.answers)?,
                effects: older("DELETE FROM outbox WHERE progress = 'delivered' AND since < ?1", horizon.effects)?,
                checks: older("DELETE FROM early_checks WHERE since < ?1", horizon.checks)?,
                signs: older(
                    "DELETE FROM lease_renewals
                     WHERE max(coalesce(renewed_at, 0), coalesce(delivered_at, 0), coalesce(worked_at, 0)) < ?1",
                    horizon.signs,
                )?,
            })
        })
    }
}
