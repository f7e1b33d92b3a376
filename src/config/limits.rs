//! `[limits]`: how much one caller may ask.

use std::num::NonZeroU32;

use conductor_core::authority::IdentityMode;
use conductor_http::caller::{Rate, RateSettings};

use super::findings::{At, Findings};
use super::section::Section;

/// More than any machine answers: a slip of the pen.
const MOST: u32 = 1_000_000;

/// The rates; `None`: callers aren't counted. Where identity is `open`, callers are programs of this machine, who share its
/// fate: there they are counted only if asked for.
pub(super) fn read(root: &Section<'_>, identity: IdentityMode, findings: &Findings) -> Option<RateSettings> {
    let defaults = RateSettings::default();
    let Some(section) = root.section("limits") else {
        return (identity != IdentityMode::Open).then_some(defaults);
    };
    let enabled = section.flag("enabled").unwrap_or(true);
    let requests = rate(&section, "requests_per_second", "burst", defaults.requests, findings);
    let heartbeats = rate(&section, "heartbeats_per_second", "heartbeat_burst", defaults.heartbeats, findings);
    section.close();
    enabled.then_some(RateSettings { requests, heartbeats })
}

/// A burst that isn't given is a second's worth at least.
fn rate(
    section: &Section<'_>,
    per_second: &'static str,
    burst: &'static str,
    default: Rate,
    findings: &Findings,
) -> Rate {
    let number = |found: &Option<At<u32>>| found.as_ref().and_then(|found| NonZeroU32::new(found.value));
    let (rate, burst_found) = (section.count(per_second, MOST), section.count(burst, MOST));
    if let (Some(rate), Some(at_once)) = (&rate, &burst_found)
        && at_once.value < rate.value
    {
        findings.mistake(&at_once.place, format!("{burst} must not be less than {per_second} ({})", rate.place));
    }
    let per_second = number(&rate).unwrap_or(default.per_second);
    let burst = number(&burst_found).unwrap_or_else(|| if rate.is_some() { per_second } else { default.burst });
    Rate { per_second, burst }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused, sound};
    use super::*;

    #[test]
    fn callers_are_counted_by_default_wherever_they_are_told_apart() {
        assert_eq!(sound("").rates, None);
        assert_eq!(sound("identity = \"token\"").rates, Some(RateSettings::default()));
        assert_eq!(sound("identity = \"token\"\n[limits]\nenabled = false\n").rates, None);
        assert_eq!(load("[limits]\n", &[]).unwrap().rates, Some(RateSettings::default()));
    }

    #[test]
    fn rates_deviate_one_by_one() {
        let rates = sound("[limits]\nrequests_per_second = 7\nheartbeat_burst = 20000\n").rates.unwrap();
        assert_eq!((rates.requests.per_second.get(), rates.requests.burst.get()), (7, 7));
        let defaults = RateSettings::default().heartbeats;
        assert_eq!((rates.heartbeats.per_second, rates.heartbeats.burst.get()), (defaults.per_second, 20_000));
    }

    #[test]
    fn a_burst_below_its_rate_and_a_rate_of_nothing_are_refused() {
        refused("[limits]\nrequests_per_second = 10\nburst = 5\n", &[], "rig.toml:3", "must not be less than");
        refused("[limits]\nrequests_per_second = 0\n", &[], "rig.toml:2", "from 1 to 1000000, not 0");
    }
}
