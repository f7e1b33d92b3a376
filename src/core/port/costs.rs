use crate::cost::{CostBy, CostFilter, CostSum};

use super::{PortFuture, StoreFailure};

/// The read model of what was spent ([`crate::cost`]).
pub trait Costs: Send + Sync {
    /// Sums of the rows that match, by each of these, in their order; those of one kind by day, agent, repository, number and
    /// model. All are of one moment: **whatever is shown of costs is asked here**, so no two sums over the same days differ.
    fn costs<'a>(
        &'a self,
        filter: &'a CostFilter,
        by: &'a [CostBy],
    ) -> PortFuture<'a, Result<Vec<CostSum>, StoreFailure>>;

    /// Makes every row anew from the log, while others append; gives how many rows there are then.
    fn rebuild_costs(&self) -> PortFuture<'_, Result<u64, StoreFailure>>;
}
