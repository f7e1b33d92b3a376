//! Providers that run dry: how that is recognised, and when the agent is asked again.

use std::time::Duration;

use crate::agent::Agent;
use crate::time::{Timestamp, hours, minutes};

/// What providers say when they have run dry; compared without case.
pub const SIGNATURES: [&str; 4] =
    ["Codex quota exhausted", "usage_limit_reached", "rate_limit", "X-Codex-Primary-Used-Percent"];
/// The word by which an agent says the same, and a lease that ended for it.
pub const WORD: &str = "quota";
/// Below this, in percent of every known quota, it has recovered.
const RECOVERED: f64 = 80.0;
/// How long nobody asks who says nothing about its quota …
const FIRST_REST: Duration = minutes(30);
/// … doubled with every failure in a row, up to this.
const LONGEST_REST: Duration = hours(4);

/// A failure so long after the one before is the first of a new row.
pub const ROW_ENDS_AFTER: Duration = hours(8);

/// Whether a reason says that a provider ran dry.
#[must_use]
pub fn ran_dry(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason == WORD || SIGNATURES.iter().any(|signature| reason.contains(&signature.to_ascii_lowercase()))
}

/// Half an hour after the first of so many failures in a row, doubled with each up to four hours.
#[must_use]
pub fn back_off(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).and_then(|times| FIRST_REST.checked_mul(times));
    doubled.map_or(LONGEST_REST, |rest| rest.min(LONGEST_REST))
}

/// What an agent says of its provider.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quota {
    /// Percent used of the five-hour quota.
    pub five_hour_pct: Option<f64>,
    /// Percent used of the weekly quota.
    pub weekly_pct: Option<f64>,
    /// When the provider says that it works again, as the agent's heartbeat has it.
    pub reset: Option<Timestamp>,
}

/// Failures in a row for want of quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drought {
    /// How many.
    pub failures: u32,
    /// The last one.
    pub last: Timestamp,
}

/// Until when an agent is left alone after its provider ran dry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Until then.
    Until(Timestamp),
    /// Until it reports less than 80 % of every quota that it knows.
    UntilRecovered,
}

impl Rest {
    /// When it is over, where that is a matter of time alone.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Until(then) => Some(then),
            Self::UntilRecovered => None,
        }
    }
}

impl std::fmt::Display for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Until(then) => write!(f, "until {then}"),
            Self::UntilRecovered => f.write_str("until it reports less than 80 % of every quota"),
        }
    }
}

impl Quota {
    /// What the log knows of an agent's provider.
    #[must_use]
    pub fn of(agent: &Agent) -> Self {
        let reset =
            agent.latest().and_then(|heartbeat| heartbeat.degraded_reasons.iter().find_map(|why| reset_in(why)));
        Self { five_hour_pct: agent.five_hour_pct, weekly_pct: agent.weekly_pct, reset }
    }

    /// Whether any known quota is used up.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.known().any(|used| used >= 100.0)
    }

    /// Whether any known quota is so far used that an agent which ran dry has not recovered.
    #[must_use]
    pub fn is_nearly_exhausted(&self) -> bool {
        self.known().any(|used| used >= RECOVERED)
    }

    /// Used of the five-hour quota, then of the weekly one; what isn't known counts as nothing used.
    #[must_use]
    pub fn used(&self) -> (f64, f64) {
        (self.five_hour_pct.unwrap_or(0.0), self.weekly_pct.unwrap_or(0.0))
    }

    fn known(&self) -> impl Iterator<Item = f64> {
        [self.five_hour_pct, self.weekly_pct].into_iter().flatten()
    }

    /// Whether the agent is left alone now: until the reset that it reported, else until every known quota has recovered, else
    /// for a time that doubles with each failure.
    #[must_use]
    pub fn rest(&self, drought: Drought, now: Timestamp) -> Option<Rest> {
        if let Some(reset) = self.reset.filter(|reset| *reset > drought.last) {
            return (now < reset).then_some(Rest::Until(reset));
        }
        if self.known().next().is_some() {
            return self.is_nearly_exhausted().then_some(Rest::UntilRecovered);
        }
        let until = drought.last.plus(back_off(drought.failures));
        (now < until).then_some(Rest::Until(until))
    }
}

/// The time in a reason such as `codex_quota_exhausted_until_2026-11-21T10:00:00Z`.
fn reset_in(reason: &str) -> Option<Timestamp> {
    reason.rsplit_once("_until_").and_then(|(_, time)| Timestamp::parse(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(minutes(minute))
    }

    fn after(failures: u32) -> Drought {
        Drought { failures, last: at(0) }
    }

    #[test]
    fn providers_are_recognised_by_what_they_say() {
        for dry in
            ["quota", "QUOTA", "error: rate_limit", "codex quota EXHAUSTED until noon", "{\"usage_limit_reached\"}"]
        {
            assert!(ran_dry(dry), "{dry}");
        }
        for other in ["timeout", "the disk quota of the runner is used up", "no rate limiter was found"] {
            assert!(!ran_dry(other), "{other}");
        }
    }

    #[test]
    fn a_reported_reset_goes_before_percentages_and_those_before_a_guess() {
        let silent = Quota::default();
        assert_eq!(silent.rest(after(1), at(29)), Some(Rest::Until(at(30))));
        assert_eq!(silent.rest(after(1), at(30)), None);
        let known = Quota { five_hour_pct: Some(80.0), weekly_pct: Some(3.0), reset: None };
        assert_eq!(known.rest(after(1), at(600)), Some(Rest::UntilRecovered));
        assert_eq!(Quota { five_hour_pct: Some(79.9), ..known }.rest(after(9), at(1)), None);
        let told = Quota { reset: Some(at(50)), ..known };
        assert_eq!((told.rest(after(1), at(49)), told.rest(after(1), at(50))), (Some(Rest::Until(at(50))), None));
        let stale = Quota { reset: Some(at(0)), ..silent };
        assert_eq!(stale.rest(after(1), at(1)), Some(Rest::Until(at(30))), "a reset of before it ran dry says nothing");
    }

    #[test]
    fn a_guess_doubles_up_to_four_hours() {
        assert_eq!([1, 2, 3, 4, 5, 99].map(|failures| back_off(failures).as_secs() / 60), [30, 60, 120, 240, 240, 240]);
    }

    #[test]
    fn a_reset_is_read_out_of_what_an_agent_says_it_suffers_from() {
        assert_eq!(reset_in("codex_quota_exhausted_until_1970-01-01T00:05:00.000Z"), Some(at(5)));
        assert_eq!((reset_in("slow"), reset_in("dry_until_tomorrow")), (None, None));
    }
}
