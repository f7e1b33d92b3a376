//! Periods as people write them: `90s`, `30m`, `24h`, `3d`.

use std::time::Duration;

/// Longer is a slip of the pen, and would overflow points in time somewhere.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

const FORM: &str = "must be a period such as \"90s\", \"30m\", \"24h\" or \"3d\", from 1 ms to a year";

/// Reads a whole number and its unit; what is wrong comes as a fragment.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let units = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(units);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(FORM.to_owned()),
    };
    let period =
        digits.parse().ok().and_then(|number: u64| number.checked_mul(milliseconds)).map(Duration::from_millis);
    period.filter(|period| !period.is_zero() && *period <= LONGEST).ok_or_else(|| FORM.to_owned())
}

/// The period in the largest unit that says it exactly, as [`parse`] reads it.
pub(super) fn text(period: Duration) -> String {
    let milliseconds = period.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let exact = units.into_iter().find(|(unit, _)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit));
    exact.map_or_else(|| format!("{milliseconds}ms"), |(unit, name)| format!("{}{name}", milliseconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_make_a_period() {
        let seconds = |text| parse(text).unwrap().as_secs_f64();
        assert_eq!(["500ms", "90s", "30m", "24h", "3d"].map(seconds), [0.5, 90.0, 1_800.0, 86_400.0, 259_200.0]);
    }

    #[test]
    fn a_period_is_written_as_it_is_read() {
        for written in ["500ms", "90s", "30m", "36h", "3d", "1001ms"] {
            assert_eq!(text(parse(written).unwrap()), written);
        }
        assert_eq!(text(parse("24h").unwrap()), "1d");
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in
            ["", "30", "m", "-1s", "1.5h", "0s", "1 m", "1w", "367d", "99999999999999999999s", "18446744073709551615d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
