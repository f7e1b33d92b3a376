use conductor_core::cost::{CostBy, CostSum, Day, Spent};
use schemars::JsonSchema;
use serde::Serialize;

use super::MemoryView;

/// What was spent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpentView {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_creation_tokens: u64,
    /// US dollars.
    cost_usd: f64,
    /// The same in whole micro-dollars (10⁻⁶ US$), of which all sums are made.
    cost_micro_usd: u64,
    /// TOKEN_USAGE reports that say so.
    reports: u64,
}

impl SpentView {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to nine billion dollars; the whole number stands beside it"
    )]
    fn of(spent: Spent) -> Self {
        let Spent { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, micros, reports } = spent;
        Self {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_tokens,
            cost_usd: micros as f64 / 1e6,
            cost_micro_usd: micros,
            reports,
        }
    }
}

/// Of which days sums are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Span {
    /// As asked for: today and the days before it, in UTC. Null: all time.
    days: Option<u32>,
    /// The first of them.
    since: Option<String>,
}

impl Span {
    /// Those days, from that one on.
    #[must_use]
    pub fn of(days: Option<u32>, since: Option<Day>) -> Self {
        Self { days, since: since.map(|day| day.to_string()) }
    }
}

/// What was spent on a model.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelCost {
    model: String,
    #[serde(flatten)]
    spent: SpentView,
}

/// What an agent spent, all its instances together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCost {
    agent_id: String,
    #[serde(flatten)]
    spent: SpentView,
}

/// What was spent on a repository; null: on none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RepoCost {
    repo: Option<String>,
    #[serde(flatten)]
    spent: SpentView,
}

/// What was spent on a day, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DayCost {
    day: String,
    #[serde(flatten)]
    spent: SpentView,
}

/// What was spent on an issue or pull request; null: on none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueCost {
    /// Absent where it was spent on no issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_id: Option<String>,
    repo: Option<String>,
    issue_number: Option<u64>,
    #[serde(flatten)]
    spent: SpentView,
}

/// Sums of one moment, by what they were summed up.
#[derive(Debug, Clone, Default)]
pub struct Sums(Vec<CostSum>);

impl Sums {
    /// As the store gave them.
    #[must_use]
    pub fn new(sums: Vec<CostSum>) -> Self {
        Self(sums)
    }

    /// With other sums of the same kinds, of other rows.
    #[must_use]
    pub fn joined(mut self, others: Self) -> Self {
        for other in others.0 {
            let same = |sum: &&mut CostSum| CostSum { spent: other.spent, ..(**sum).clone() } == other;
            match self.0.iter_mut().find(same) {
                Some(sum) => sum.spent = sum.spent.plus(other.spent, u64::MAX),
                None => self.0.push(other),
            }
        }
        self
    }

    /// Those of one kind, the dearest first; those of a day by day.
    fn by(&self, by: CostBy) -> Vec<&CostSum> {
        let mut found: Vec<&CostSum> = self.0.iter().filter(|sum| sum.by == by).collect();
        if by != CostBy::Day {
            found.sort_by_key(|sum| std::cmp::Reverse(sum.spent.micros));
        }
        found
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> SpentView {
        SpentView::of(self.by(CostBy::All).first().map(|sum| sum.spent).unwrap_or_default())
    }

    /// By model.
    #[must_use]
    pub fn models(&self) -> Vec<ModelCost> {
        let row = |sum: &&CostSum| ModelCost {
            model: sum.model.clone().unwrap_or_default(),
            spent: SpentView::of(sum.spent),
        };
        self.by(CostBy::Model).iter().map(row).collect()
    }

    /// By agent.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentCost> {
        let name = |sum: &CostSum| sum.agent.as_ref().map(ToString::to_string).unwrap_or_default();
        self.by(CostBy::Agent)
            .into_iter()
            .map(|sum| AgentCost { agent_id: name(sum), spent: SpentView::of(sum.spent) })
            .collect()
    }

    /// By repository.
    #[must_use]
    pub fn repos(&self) -> Vec<RepoCost> {
        let name = |sum: &CostSum| sum.repo.as_ref().map(ToString::to_string);
        self.by(CostBy::Repo)
            .into_iter()
            .map(|sum| RepoCost { repo: name(sum), spent: SpentView::of(sum.spent) })
            .collect()
    }

    /// By day.
    #[must_use]
    pub fn days(&self) -> Vec<DayCost> {
        let name = |sum: &CostSum| sum.day.map(|day| day.to_string()).unwrap_or_default();
        self.by(CostBy::Day)
            .into_iter()
            .map(|sum| DayCost { day: name(sum), spent: SpentView::of(sum.spent) })
            .collect()
    }

    /// By issue: the `most` dearest, and all others together.
    #[must_use]
    pub fn issues(&self, most: usize) -> (Vec<IssueCost>, SpentView) {
        let all = self.by(CostBy::Issue);
        let (shown, others) = all.split_at(most.min(all.len()));
        let row = |sum: &&CostSum| {
            let repo = sum.repo.as_ref().map(ToString::to_string);
            IssueCost {
                stream_id: repo.as_ref().zip(sum.number).map(|(repo, number)| format!("{repo}#{number}")),
                repo,
                issue_number: sum.number,
                spent: SpentView::of(sum.spent),
            }
        };
        let others = others.iter().fold(Spent::default(), |all, sum| all.plus(sum.spent, u64::MAX));
        (shown.iter().map(row).collect(), SpentView::of(others))
    }
}

/// What an issue or pull request has cost, of all time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostOfOne {
    /// All together.
    total: SpentView,
    /// The dearest first.
    by_model: Vec<ModelCost>,
    /// The dearest first.
    by_agent: Vec<AgentCost>,
}

impl From<Sums> for CostOfOne {
    fn from(sums: Sums) -> Self {
        Self { total: sums.total(), by_model: sums.models(), by_agent: sums.agents() }
    }
}

/// `GET /api/usage`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    /// Of which days.
    #[serde(flatten)]
    pub span: Span,
    /// All together.
    pub total: SpentView,
    /// The dearest first.
    pub by_model: Vec<ModelCost>,
    /// The dearest first.
    pub by_agent: Vec<AgentCost>,
    /// The dearest first.
    pub by_repo: Vec<RepoCost>,
    /// The earliest first.
    pub by_day: Vec<DayCost>,
    /// What was done with memory on those days.
    pub memory: MemoryView,
}

/// `GET /api/costs/summary`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostSummary {
    /// Of which days.
    #[serde(flatten)]
    pub span: Span,
    /// All together.
    pub total: SpentView,
    /// The dearest first.
    pub by_model: Vec<ModelCost>,
    /// The dearest first.
    pub by_agent: Vec<AgentCost>,
    /// The dearest first.
    pub by_repo: Vec<RepoCost>,
}

/// `GET /api/costs/daily`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DailyCosts {
    /// Of which days.
    #[serde(flatten)]
    pub span: Span,
    /// All together.
    pub total: SpentView,
    /// Days on which something was spent, the earliest first.
    pub daily: Vec<DayCost>,
}

/// `GET /api/costs/issue`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostsByIssue {
    /// Of which days.
    #[serde(flatten)]
    pub span: Span,
    /// All together.
    pub total: SpentView,
    /// The dearest first, `limit` of them.
    pub issues: Vec<IssueCost>,
    /// All others together.
    pub others: SpentView,
}

/// `GET /public/cost-summary`: names nobody and no repository.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicCosts {
    /// Of which days.
    #[serde(flatten)]
    pub span: Span,
    /// All together.
    pub total: SpentView,
    /// The dearest first.
    pub by_model: Vec<ModelCost>,
}
