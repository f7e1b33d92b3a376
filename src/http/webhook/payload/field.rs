//! Fields as GitHub writes them.

use chrono::DateTime;
use conductor_core::identity::Sha;
use conductor_core::time::Timestamp;
use serde::{Deserialize, Deserializer};

/// Text of people. NUL is replaced: stores and shells end texts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }))
    }
}

/// RFC 3339 with any offset; anything else is no time.
pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text?).ok()?;
    Some(Timestamp::from_millis(time.timestamp_millis()))
}

/// A commit; anything that isn't one is none.
pub(super) fn sha(text: Option<&str>) -> Option<Sha> {
    text.and_then(Sha::parse)
}

/// The text itself.
pub(super) fn text(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

/// Tells `null` (nothing there) from a field that isn't sent (nothing said).
pub(super) fn said<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A label.
#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: Option<Text>,
}

/// The labels' names.
pub(super) fn names(labels: Vec<Label>) -> Vec<String> {
    labels.into_iter().filter_map(|label| text(label.name)).collect()
}

/// A milestone.
#[derive(Deserialize)]
pub(super) struct Milestone {
    pub(super) title: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_utc_whatever_their_offset() {
        let expected = Timestamp::parse("2026-05-15T15:20:55.000Z");
        for form in ["2026-05-15T15:20:55Z", "2026-05-15T15:20:55+00:00", "2026-05-15T17:20:55.000+02:00"] {
            assert_eq!(time(Some(form)), expected, "{form}");
        }
        for form in ["", "yesterday", "2026-05-15", "1557933655"] {
            assert_eq!(time(Some(form)), None, "{form}");
        }
    }

    #[test]
    fn a_nul_never_gets_through() {
        let text: Text = serde_json::from_str(r#""a\u0000b""#).unwrap();
        assert_eq!(text.0, "a\u{fffd}b");
    }
}
