use conductor_core::cost::{
    COST_EVENT, COST_PROJECTION, CostBy, CostFilter, CostKey, CostRows, CostSum, MOST_OF_ONE_ROW, Spent,
};
use conductor_core::port::{Costs, PortFuture, StoreFailure};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::failure::{Fault, signed};
use super::log::read_log;
use crate::cost_sums::{RawSum, in_order, statement};

/// The name of the read model in `projections`.
const NAME: &str = "costs";

/// Adds what was spent to its row, in the transaction of the append.
pub(super) fn add(connection: &Connection, key: &CostKey, spent: &Spent) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO costs (day, agent, repo_key, repo, number, model, input_tokens, output_tokens, cache_read_tokens,
                            cache_creation_tokens, micros, reports)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (day, agent, repo_key, number, model) DO UPDATE SET
             input_tokens = min(input_tokens + excluded.input_tokens, ?13),
             output_tokens = min(output_tokens + excluded.output_tokens, ?13),
             cache_read_tokens = min(cache_read_tokens + excluded.cache_read_tokens, ?13),
             cache_creation_tokens = min(cache_creation_tokens + excluded.cache_creation_tokens, ?13),
             micros = min(micros + excluded.micros, ?13),
             reports = min(reports + excluded.reports, ?13)",
    )?;
    let repo = key.repo.as_ref().map(|repo| repo.as_str()).unwrap_or_default();
    statement.execute(params![
        key.day.0,
        key.agent.as_str(),
        repo.to_ascii_lowercase(),
        repo,
        signed(key.number.unwrap_or(0)),
        key.model,
        signed(spent.input_tokens),
        signed(spent.output_tokens),
        signed(spent.cache_read_tokens),
        signed(spent.cache_creation_tokens),
        signed(spent.micros),
        signed(spent.reports),
        signed(MOST_OF_ONE_ROW),
    ])?;
    Ok(())
}

/// Makes the rows anew where another projection made them, or none. It runs before anybody reads.
pub(super) fn rebuild_stale(connection: &Connection) -> Result<(), Fault> {
    let made_by: Option<u32> =
        connection.query_row("SELECT version FROM projections WHERE name = ?1", [NAME], |row| row.get(0)).optional()?;
    if made_by != Some(COST_PROJECTION) {
        let transaction = connection.unchecked_transaction()?;
        let rows = rebuild(&transaction)?;
        transaction.commit()?;
        if rows > 0 {
            tracing::info!(rows, projection = COST_PROJECTION, "rebuilt the costs from the log");
        }
    }
    Ok(())
}

/// The one writer is the log's lock, so nobody appends meanwhile.
fn rebuild(connection: &Connection) -> Result<u64, Fault> {
    const PAGE: usize = 1_000;
    let (types, mut after, mut rows) = ([COST_EVENT.to_owned()], 0, CostRows::default());
    loop {
        let page = read_log(connection, after, PAGE, &types)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        page.iter().for_each(|recorded| rows.add(&recorded.stream, &recorded.event, recorded.time));
    }
    connection.execute("DELETE FROM costs", [])?;
    rows.0.iter().try_for_each(|(key, spent)| add(connection, key, spent))?;
    connection.execute(
        "INSERT INTO projections (name, version) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
        params![NAME, COST_PROJECTION],
    )?;
    Ok(rows.0.len() as u64)
}

impl Costs for SqliteStore {
    fn costs<'a>(
        &'a self,
        filter: &'a CostFilter,
        by: &'a [CostBy],
    ) -> PortFuture<'a, Result<Vec<CostSum>, StoreFailure>> {
        let (filter, by) = (filter.clone(), by.to_vec());
        self.read(move |connection| {
            if by.is_empty() {
                return Ok(Vec::new());
            }
            let mut query = connection.prepare_cached(&statement(&by, '?'))?;
            let about = filter.about.as_ref();
            let mut rows = query.query(params![
                filter.since.map(|day| day.0),
                about.map(|about| about.repo.as_str().to_ascii_lowercase()),
                about.map(|about| signed(about.number)),
            ])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let sum = |nth: usize| row.get(6 + nth);
                let raw = RawSum {
                    by: row.get(0)?,
                    day: row.get(1)?,
                    agent: row.get(2)?,
                    repo: row.get(3)?,
                    number: row.get(4)?,
                    model: row.get(5)?,
                    sums: [sum(0)?, sum(1)?, sum(2)?, sum(3)?, sum(4)?, sum(5)?],
                };
                found.push(raw.read()?);
            }
            Ok(in_order(found, &by))
        })
    }

    fn rebuild_costs(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.write(rebuild)
    }
}
