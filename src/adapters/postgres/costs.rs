//! The read model of what was spent. Its rows are written with the append (`append_batch_with_costs`); here they are summed up,
//! and made anew.

use conductor_core::cost::{COST_EVENT, COST_PROJECTION, CostBy, CostFilter, CostKey, CostRows, CostSum, Spent};
use conductor_core::port::{Costs, LogFilter, PortFuture, StoreFailure};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::PostgresStore;
use super::connections::{Connections, TAKE_LOG_LOCK, forsake};
use super::failure::failure;
use super::log::read_log;
use super::rows::{EVENT, recorded, stream_id};
use super::sql_types::{bigint, without_nul};
use crate::cost_sums::{RawSum, in_order, statement};

/// The name of the read model in `projections`.
const NAME: &str = "costs";
/// Events that are read at once while nobody waits.
const PAGE: usize = 1_000;

/// Rows turned on their side: one array per column.
#[derive(Default)]
pub(super) struct CostColumns {
    day: Vec<i32>,
    agent: Vec<String>,
    repo_key: Vec<String>,
    repo: Vec<String>,
    number: Vec<i64>,
    model: Vec<String>,
    sums: [Vec<i64>; 6],
}

impl CostColumns {
    pub(super) fn push(&mut self, key: &CostKey, spent: &Spent) {
        let repo = key.repo.as_ref().map(|repo| repo.as_str()).unwrap_or_default();
        self.day.push(key.day.0);
        self.agent.push(key.agent.to_string());
        self.repo_key.push(repo.to_ascii_lowercase());
        self.repo.push(repo.to_owned());
        self.number.push(bigint(key.number.unwrap_or(0)));
        self.model.push(without_nul(&key.model).into_owned());
        let Spent { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, micros, reports } = *spent;
        let sums = [input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, micros, reports];
        for (column, sum) in self.sums.iter_mut().zip(sums) {
            column.push(bigint(sum));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.day.is_empty()
    }

    /// Day, agent, repository in lower case and as spelled, number, model, and the six sums.
    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 12] {
        let [input, output, cache_read, cache_creation, micros, reports] = &self.sums;
        [
            &self.day,
            &self.agent,
            &self.repo_key,
            &self.repo,
            &self.number,
            &self.model,
            input,
            output,
            cache_read,
            cache_creation,
            micros,
            reports,
        ]
    }
}

/// Makes the rows anew where another projection made them, or none.
pub(super) async fn rebuild_stale(connections: &Connections) -> Result<(), StoreFailure> {
    let sql = "SELECT version FROM projections WHERE name = $1";
    let made_by: Option<i32> = connections.first(sql, &[&NAME], |row| Ok(row.get(0))).await?;
    // Rows of a newer build are left alone: that one is being rolled out, this one is on its way out.
    if made_by.is_none_or(|made_by| made_by < number()) {
        let rows = rebuild(connections).await?;
        if rows > 0 {
            tracing::info!(rows, projection = COST_PROJECTION, "rebuilt the costs from the log");
        }
    }
    Ok(())
}

fn number() -> i32 {
    i32::try_from(COST_PROJECTION).unwrap_or(i32::MAX)
}

/// Reads most of the log while others append, and what came meanwhile under the log's lock: they wait for that alone.
async fn rebuild(connections: &Connections) -> Result<u64, StoreFailure> {
    let (filter, mut after, mut rows) = (LogFilter { types: vec![COST_EVENT.to_owned()] }, 0, CostRows::default());
    loop {
        let page = read_log(connections, after, PAGE, &filter).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        page.iter().for_each(|recorded| rows.add(&recorded.stream, &recorded.event, recorded.time));
    }
    let mut client = connections.client().await?;
    let work = async {
        let begun = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await;
        let transaction = begun.map_err(|error| failure(&error))?;
        transaction.batch_execute(TAKE_LOG_LOCK).await.map_err(|error| failure(&error))?;
        let sql = format!(
            "SELECT {EVENT}, s.kind, s.name FROM events e JOIN streams s ON s.id = e.stream
            WHERE e.type = $1 AND e.position > $2 ORDER BY e.position"
        );
        for row in transaction.query(&sql, &[&COST_EVENT, &bigint(after)]).await.map_err(|error| failure(&error))? {
            let event = recorded(&row, stream_id(row.get(9), row.get(10))?)?;
            rows.add(&event.stream, &event.event, event.time);
        }
        let mut columns = CostColumns::default();
        rows.0.iter().for_each(|(key, spent)| columns.push(key, spent));
        let written = async {
            transaction.execute("DELETE FROM costs", &[]).await?;
            transaction.execute(WRITE, &columns.params()).await?;
            transaction.execute(MARK, &[&NAME, &number()]).await?;
            transaction.commit().await
        };
        written.await.map_err(|error| failure(&error))?;
        Ok(rows.0.len() as u64)
    };
    match timeout(connections.silence(), work).await {
        Ok(done) => done,
        Err(_) => Err(forsake(client)),
    }
}

const WRITE: &str = "
    INSERT INTO costs (day, agent, repo_key, repo, number, model, input_tokens, output_tokens, cache_read_tokens,
        cache_creation_tokens, micros, reports)
    SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])";

const MARK: &str = "
    INSERT INTO projections (name, version) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET version = excluded.version";

fn sum(row: &Row) -> Result<CostSum, StoreFailure> {
    RawSum {
        by: row.get(0),
        day: row.get(1),
        agent: row.get(2),
        repo: row.get(3),
        number: row.get(4),
        model: row.get(5),
        sums: [row.get(6), row.get(7), row.get(8), row.get(9), row.get(10), row.get(11)],
    }
    .read()
}

impl Costs for PostgresStore {
    fn costs<'a>(
        &'a self,
        filter: &'a CostFilter,
        by: &'a [CostBy],
    ) -> PortFuture<'a, Result<Vec<CostSum>, StoreFailure>> {
        Box::pin(async move {
            if by.is_empty() {
                return Ok(Vec::new());
            }
            let about = filter.about.as_ref();
            let (since, repo) =
                (filter.since.map(|day| day.0), about.map(|about| about.repo.as_str().to_ascii_lowercase()));
            let number = about.map(|about| bigint(about.number));
            let found = self.connections().rows(&statement(by, '$'), &[&since, &repo, &number], sum).await?;
            Ok(in_order(found, by))
        })
    }

    fn rebuild_costs(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        Box::pin(rebuild(self.connections()))
    }
}
