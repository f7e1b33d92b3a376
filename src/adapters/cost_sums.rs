//! The one query over costs, in the SQL that both databases speak.

use conductor_core::cost::{CostBy, CostSum, Day, Spent};
use conductor_core::identity::{AgentId, RepoName};
use conductor_core::port::StoreFailure;

use crate::codec::CodecError;

/// One statement for sums by each of these, so that all are of one moment. `parameter` is what the database writes before the
/// number of a parameter: 1 the first day, 2 the repository in lower case, 3 the number; each may be null.
pub(crate) fn statement(by: &[CostBy], parameter: char) -> String {
    let parts: Vec<String> = by.iter().map(|by| part(*by, parameter)).collect();
    parts.join(" UNION ALL ")
}

fn part(by: CostBy, parameter: char) -> String {
    /// What a sum shows of its rows: day, agent, repository, number, model.
    const NONE: [&str; 5] = [
        "CAST(NULL AS integer)",
        "CAST(NULL AS text)",
        "CAST(NULL AS text)",
        "CAST(NULL AS bigint)",
        "CAST(NULL AS text)",
    ];
    let [mut day, mut agent, mut repo, mut number, mut model] = NONE;
    let group = match by {
        CostBy::All => "",
        CostBy::Model => {
            model = "model";
            " GROUP BY model"
        }
        CostBy::Agent => {
            agent = "agent";
            " GROUP BY agent"
        }
        CostBy::Repo => {
            repo = "min(repo)";
            " GROUP BY repo_key"
        }
        CostBy::Issue => {
            (repo, number) = ("min(repo)", "number");
            " GROUP BY repo_key, number"
        }
        CostBy::Day => {
            day = "day";
            " GROUP BY day"
        }
        CostBy::Row => {
            (day, agent, repo, number, model) = ("day", "agent", "min(repo)", "number", "model");
            " GROUP BY day, agent, repo_key, number, model"
        }
    };
    let sums = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "micros", "reports"]
        .map(|column| format!("CAST(coalesce(sum({column}), 0) AS bigint)"))
        .join(", ");
    let given = |number: u32, kind: &str, holds: &str| {
        let parameter = format!("CAST({parameter}{number} AS {kind})");
        format!("({parameter} IS NULL OR {} {parameter})", holds)
    };
    let (since, of_repo, of_number) =
        (given(1, "integer", "day >="), given(2, "text", "repo_key ="), given(3, "bigint", "number ="));
    format!(
        "SELECT '{by}', {day}, {agent}, {repo}, {number}, {model}, {sums} FROM costs WHERE {since} AND {of_repo} AND {of_number}{group}"
    )
}

/// A row of that statement, as the databases give it.
pub(crate) struct RawSum {
    pub(crate) by: String,
    pub(crate) day: Option<i32>,
    pub(crate) agent: Option<String>,
    pub(crate) repo: Option<String>,
    pub(crate) number: Option<i64>,
    pub(crate) model: Option<String>,
    pub(crate) sums: [i64; 6],
}

impl RawSum {
    pub(crate) fn read(self) -> Result<CostSum, StoreFailure> {
        let broken = |what: &str| StoreFailure::from(CodecError::Stream(what.to_owned()));
        let agent = self.agent.map(|id| AgentId::parse(&id).ok_or_else(|| broken(&id))).transpose()?;
        let repo = self.repo.filter(|name| !name.is_empty());
        let repo = repo.map(|name| RepoName::parse(&name).ok_or_else(|| broken(&name))).transpose()?;
        let [input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, micros, reports] =
            self.sums.map(|sum| u64::try_from(sum).unwrap_or(0));
        Ok(CostSum {
            by: CostBy::from_word(&self.by).ok_or_else(|| broken(&self.by))?,
            day: self.day.map(Day),
            agent,
            repo,
            number: self.number.and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0),
            model: self.model,
            spent: Spent { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, micros, reports },
        })
    }
}

/// In the order that the port promises: the databases sort text each in its own way.
pub(crate) fn in_order(mut sums: Vec<CostSum>, by: &[CostBy]) -> Vec<CostSum> {
    let nth = |sum: &CostSum| by.iter().position(|by| *by == sum.by);
    sums.sort_by(|one, other| {
        let place =
            |sum: &CostSum| (nth(sum), sum.day, sum.agent.clone(), sum.repo.clone(), sum.number, sum.model.clone());
        place(one).cmp(&place(other))
    });
    sums
}
