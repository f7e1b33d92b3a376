use std::collections::BTreeMap;

use conductor_core::cost::{CostBy, CostFilter, CostKey, CostRows, CostSum, Spent};
use conductor_core::port::{Costs, PortFuture, StoreFailure};

use super::MemoryStore;
use crate::cost_sums::in_order;

fn matches(filter: &CostFilter, key: &CostKey) -> bool {
    filter.since.is_none_or(|since| key.day >= since)
        && filter
            .about
            .as_ref()
            .is_none_or(|about| key.repo.as_ref() == Some(&about.repo) && key.number == Some(about.number))
}

/// What a sum shows of a row.
fn group(by: CostBy, key: &CostKey) -> CostSum {
    let nothing =
        CostSum { by, day: None, agent: None, repo: None, number: None, model: None, spent: Spent::default() };
    match by {
        CostBy::All => nothing,
        CostBy::Model => CostSum { model: Some(key.model.clone()), ..nothing },
        CostBy::Agent => CostSum { agent: Some(key.agent.clone()), ..nothing },
        CostBy::Repo => CostSum { repo: key.repo.clone(), ..nothing },
        CostBy::Issue => CostSum { repo: key.repo.clone(), number: key.number, ..nothing },
        CostBy::Day => CostSum { day: Some(key.day), ..nothing },
        CostBy::Row => CostSum {
            by,
            day: Some(key.day),
            agent: Some(key.agent.clone()),
            repo: key.repo.clone(),
            number: key.number,
            model: Some(key.model.clone()),
            spent: Spent::default(),
        },
    }
}

fn sums(rows: &CostRows, filter: &CostFilter, by: CostBy) -> Vec<CostSum> {
    let mut sums: BTreeMap<_, CostSum> = BTreeMap::new();
    if by == CostBy::All {
        let spent = Spent::default();
        let of_nothing = CostSum { by, day: None, agent: None, repo: None, number: None, model: None, spent };
        sums.insert((None, None, None, None, None), of_nothing);
    }
    for (key, spent) in rows.0.iter().filter(|(key, _)| matches(filter, key)) {
        let group = group(by, key);
        let place = (group.day, group.agent.clone(), group.repo.clone(), group.number, group.model.clone());
        let sum = sums.entry(place).or_insert(group);
        // The least spelling of a repository, as the databases have it.
        if let (Some(shown), Some(other)) = (&sum.repo, &key.repo)
            && other.as_str() < shown.as_str()
        {
            sum.repo = Some(other.clone());
        }
        sum.spent = sum.spent.plus(*spent, u64::MAX);
    }
    sums.into_values().collect()
}

impl Costs for MemoryStore {
    fn costs<'a>(
        &'a self,
        filter: &'a CostFilter,
        by: &'a [CostBy],
    ) -> PortFuture<'a, Result<Vec<CostSum>, StoreFailure>> {
        self.with(move |tables| {
            let found = by.iter().flat_map(|by| sums(&tables.costs, filter, *by)).collect();
            Ok(in_order(found, by))
        })
    }

    fn rebuild_costs(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.with(|tables| {
            tables.costs = CostRows::default();
            for recorded in &tables.log {
                tables.costs.add(&recorded.stream, &recorded.event, recorded.time);
            }
            Ok(tables.costs.0.len() as u64)
        })
    }
}
