//! Costs: a read model of TOKEN_USAGE alone, per day (UTC), agent, repository, issue and model.
//!
//! Stores write its rows in the transaction of the append, from [`of`], and make them anew from the log by the same function;
//! every sum that anybody is shown is a sum of these rows. **Money is whole micro-dollars** (10⁻⁶ US$), so that sums have no
//! order in which they come out differently.

use std::collections::BTreeMap;

use crate::event::{AgentEvent, Event, TokenUsage};
use crate::execution_log::cut;
use crate::identity::{AgentId, IssueRef, RepoName, StreamId};
use crate::time::Timestamp;

/// The number of this projection: raise it whenever rows would come out differently. Stores then make theirs anew.
pub const COST_PROJECTION: u32 = 1;

/// What one report counts at most, tokens or micro-dollars: a million dollars. Beyond it, it is a mistake.
pub const MOST_OF_ONE_REPORT: u64 = 1_000_000_000_000;

/// Where a row stops counting, a thousand such reports: sums of rows stay within 64 bits whatever is reported.
pub const MOST_OF_ONE_ROW: u64 = 1_000 * MOST_OF_ONE_REPORT;

/// Bytes of a model's name that tell it from others.
const LONGEST_MODEL: usize = 200;

const MICROS_PER_DOLLAR: f64 = 1e6;
const MS_PER_DAY: i64 = 86_400_000;

/// A day in UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        // Years 1 to 9999 are less than four million days.
        Self(i32::try_from(time.as_millis().div_euclid(MS_PER_DAY)).unwrap_or_default())
    }

    /// The first of the last `days` days, today included.
    #[must_use]
    pub fn first_of_last(days: u32, now: Timestamp) -> Self {
        let before = i32::try_from(days.saturating_sub(1)).unwrap_or(i32::MAX);
        Self(Self::of(now).0.saturating_sub(before))
    }
}

impl std::fmt::Display for Day {
    /// `2026-11-21`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let midnight = Timestamp::from_millis(i64::from(self.0).saturating_mul(MS_PER_DAY)).to_string();
        f.write_str(midnight.get(..10).unwrap_or(&midnight))
    }
}

/// What tells one row from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CostKey {
    /// When it was reported.
    pub day: Day,
    /// Who spent it, all instances together.
    pub agent: AgentId,
    /// For which repository; `None`: for none.
    pub repo: Option<RepoName>,
    /// For which issue or pull request of it; `None`: for none.
    pub number: Option<u64>,
    /// On which model.
    pub model: String,
}

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the cache.
    pub cache_creation_tokens: u64,
    /// Micro-dollars.
    pub micros: u64,
    /// Reports that say so.
    pub reports: u64,
}

impl Spent {
    /// Both together, within `most` each.
    #[must_use]
    pub fn plus(self, other: Self, most: u64) -> Self {
        let sum = |one: u64, other: u64| one.saturating_add(other).min(most);
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cache_read_tokens: sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_creation_tokens: sum(self.cache_creation_tokens, other.cache_creation_tokens),
            micros: sum(self.micros, other.micros),
            reports: sum(self.reports, other.reports),
        }
    }
}

/// Rows, as they add up from the beginning of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostRows(pub BTreeMap<CostKey, Spent>);

impl CostRows {
    /// Adds what an event says was spent, if it says so. A repository keeps the spelling in which a row was begun.
    pub fn add(&mut self, stream: &StreamId, event: &Event, time: Timestamp) {
        if let Some((key, spent)) = of(stream, event, time) {
            let sum = self.0.entry(key).or_default();
            *sum = sum.plus(spent, MOST_OF_ONE_ROW);
        }
    }
}

/// The type of the events that rows are made of.
pub const COST_EVENT: &str = "TOKEN_USAGE";

/// What an event says was spent, and to which row that belongs; `None` for every other event.
#[must_use]
pub fn of(stream: &StreamId, event: &Event, time: Timestamp) -> Option<(CostKey, Spent)> {
    match (stream, event) {
        (StreamId::Agent(agent), Event::Agent(AgentEvent::TokenUsage(usage))) => {
            Some((key(agent, usage, time), spent(usage)))
        }
        (
            StreamId::Agent(_) | StreamId::Issue(_) | StreamId::PullRequest(_) | StreamId::Rig,
            Event::Agent(_) | Event::Issue(_) | Event::PullRequest(_) | Event::Rig(_),
        ) => None,
    }
}

fn key(agent: &AgentId, usage: &TokenUsage, time: Timestamp) -> CostKey {
    CostKey {
        day: Day::of(time),
        agent: agent.clone(),
        repo: usage.repo.clone(),
        // A number of no repository is nobody's.
        number: usage.issue_number.filter(|number| *number > 0 && usage.repo.is_some()),
        model: cut(usage.model.clone(), LONGEST_MODEL),
    }
}

fn spent(usage: &TokenUsage) -> Spent {
    let tokens = |tokens: u64| tokens.min(MOST_OF_ONE_REPORT);
    Spent {
        input_tokens: tokens(usage.input_tokens),
        output_tokens: tokens(usage.output_tokens),
        cache_read_tokens: tokens(usage.cache_read_tokens.unwrap_or(0)),
        cache_creation_tokens: tokens(usage.cache_creation_tokens.unwrap_or(0)),
        micros: micros(usage.cost_usd),
        reports: 1,
    }
}

/// Dollars as micro-dollars, to the nearest; what is no amount counts nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to 0..=10^12, which a double holds exactly"
)]
fn micros(dollars: f64) -> u64 {
    let micros = (dollars * MICROS_PER_DOLLAR).round();
    if micros.is_nan() { 0 } else { micros.clamp(0.0, MOST_OF_ONE_REPORT as f64) as u64 }
}

crate::words! {
    /// By what rows are summed up.
    pub enum CostBy {
        /// All together: one sum, also of nothing.
        All = "all",
        /// By model.
        Model = "model",
        /// By agent.
        Agent = "agent",
        /// By repository.
        Repo = "repo",
        /// By repository and number.
        Issue = "issue",
        /// By day.
        Day = "day",
        /// Not at all: each row.
        Row = "row",
    }
}

/// Which rows are summed up; absent: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostFilter {
    /// From this day on.
    pub since: Option<Day>,
    /// For this issue or pull request.
    pub about: Option<IssueRef>,
}

/// A sum, with what its rows have in common as far as they were summed up by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSum {
    /// By what it was summed up.
    pub by: CostBy,
    /// Their day.
    pub day: Option<Day>,
    /// Their agent.
    pub agent: Option<AgentId>,
    /// Their repository.
    pub repo: Option<RepoName>,
    /// Their number.
    pub number: Option<u64>,
    /// Their model.
    pub model: Option<String>,
    /// The sum.
    pub spent: Spent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::UsageCategory;

    fn usage(cost_usd: f64) -> TokenUsage {
        TokenUsage {
            repo: RepoName::parse("acme/web"),
            issue_number: Some(4),
            model: "large-3".to_owned(),
            input_tokens: 1_200,
            output_tokens: 300,
            cache_read_tokens: None,
            cache_creation_tokens: Some(7),
            cost_usd,
            category: UsageCategory::Work,
        }
    }

    fn told(usage: TokenUsage) -> (CostKey, Spent) {
        let stream = StreamId::Agent(AgentId::parse("dev-e-node").unwrap());
        let noon = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        of(&stream, &Event::Agent(AgentEvent::TokenUsage(usage)), noon).unwrap()
    }

    #[test]
    fn a_report_belongs_to_its_day_agent_repository_issue_and_model() {
        let (key, spent) = told(usage(0.1));
        assert_eq!(
            (key.day.to_string().as_str(), key.agent.as_str(), key.number),
            ("2026-11-21", "dev-e-node", Some(4))
        );
        assert_eq!(
            (spent.micros, spent.input_tokens, spent.cache_creation_tokens, spent.reports),
            (100_000, 1_200, 7, 1)
        );
    }

    #[test]
    fn other_events_cost_nothing() {
        let paused = Event::Agent(AgentEvent::Online(crate::event::AgentOnline { since: None }));
        let stream = StreamId::Agent(AgentId::parse("dev-e-node").unwrap());
        assert_eq!(of(&stream, &paused, Timestamp::from_millis(0)), None);
    }

    #[test]
    fn money_is_rounded_to_the_micro_dollar_and_what_is_no_amount_is_nothing() {
        for (dollars, expected) in [
            (0.000_000_4, 0),
            (0.000_000_6, 1),
            (0.1 + 0.2, 300_000),
            (-5.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, MOST_OF_ONE_REPORT),
            (1e30, MOST_OF_ONE_REPORT),
        ] {
            assert_eq!(told(usage(dollars)).1.micros, expected, "{dollars}");
        }
    }

    #[test]
    fn a_number_of_no_repository_is_none_and_a_long_name_is_cut() {
        let (key, spent) =
            told(TokenUsage { repo: None, input_tokens: u64::MAX, model: "m".repeat(5_000), ..usage(1.0) });
        assert_eq!((key.repo, key.number, spent.input_tokens), (None, None, MOST_OF_ONE_REPORT));
        assert!(key.model.len() < 210, "it has to fit an index");
    }

    #[test]
    fn days_begin_at_midnight_in_utc() {
        let day = |text| Day::of(Timestamp::parse(text).unwrap()).to_string();
        assert_eq!(day("2026-11-21T00:00:00.000Z"), "2026-11-21");
        assert_eq!(day("2026-11-20T23:59:59.999Z"), "2026-11-20");
        assert_eq!(Day::of(Timestamp::from_millis(-1)).to_string(), "1969-12-31");
        let now = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        assert_eq!(Day::first_of_last(1, now).to_string(), "2026-11-21");
        assert_eq!(Day::first_of_last(7, now).to_string(), "2026-11-15");
    }

    #[test]
    fn a_row_stops_counting_before_sums_overflow() {
        let most = Spent { micros: MOST_OF_ONE_ROW, ..Spent::default() };
        assert_eq!(most.plus(told(usage(1.0)).1, MOST_OF_ONE_ROW).micros, MOST_OF_ONE_ROW);
    }
}
