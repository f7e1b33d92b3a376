use std::borrow::Cow;
use std::time::Duration;

use conductor_core::time::Timestamp;

/// Text from elsewhere, fit for a terminal: titles and reasons come from strangers, and a control character could move the
/// cursor, recolour the screen or turn the direction of reading around.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) {
        Cow::Owned(text.chars().map(|letter| if acts(letter) { '\u{fffd}' } else { letter }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Control characters, line ends among them, and the marks that reorder what follows.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// How long ago in one unit: `42s`, `5m`, `3h`, `12d`. A clock that is ahead makes it `0s`.
pub(super) fn age(at: &str, now: Timestamp) -> String {
    Timestamp::parse(at).map_or_else(|| plain(at).into_owned(), |at| span(now.since(at)))
}

/// A duration in one unit. Hours up to two days: "26h" says more than "1d".
pub(super) fn span(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match span.as_secs() {
        seconds if seconds < MINUTE => format!("{seconds}s"),
        seconds if seconds < HOUR => format!("{}m", seconds / MINUTE),
        seconds if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        seconds => format!("{}d", seconds / DAY),
    }
}

/// A point in time as a clock shows it, to the second, in UTC: `2026-11-21 12:00:00`.
pub(super) fn clock(at: &str) -> String {
    match Timestamp::parse(at) {
        Some(_) => at.replacen('T', " ", 1).chars().take("2026-11-21 12:00:00".len()).collect(),
        None => plain(at).into_owned(),
    }
}

/// A sentence of the daemon's, its points in time as [`clock`] shows them: two forms side by side are read twice.
pub(super) fn sentence(text: &str) -> String {
    let timed = |word: &str| {
        let end = word.rfind(|letter: char| letter.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let (at, rest) = word.split_at(end);
        match Timestamp::parse(at) {
            Some(_) => format!("{} UTC{rest}", clock(at)),
            None => word.to_owned(),
        }
    };
    plain(text).split(' ').map(timed).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_one_unit() {
        let now = Timestamp::parse("2026-11-21T12:00:00.000Z").unwrap();
        for (at, expected) in [
            ("2026-11-21T12:00:05.000Z", "0s"),
            ("2026-11-21T11:59:18.000Z", "42s"),
            ("2026-11-21T11:00:01.000Z", "59m"),
            ("2026-11-20T09:30:00.000Z", "26h"),
            ("2026-11-19T12:00:00.000Z", "2d"),
            ("tomorrow", "tomorrow"),
        ] {
            assert_eq!(age(at, now), expected, "{at}");
        }
        assert_eq!(clock("2026-11-21T11:59:18.250Z"), "2026-11-21 11:59:18");
    }

    #[test]
    fn a_sentence_tells_the_time_as_a_clock_does() {
        assert_eq!(
            sentence("lease 1 runs until 2026-11-21T12:30:00.250Z; not since 2026-11-21T11:59:18.000Z, or 4Z ö"),
            "lease 1 runs until 2026-11-21 12:30:00 UTC; not since 2026-11-21 11:59:18 UTC, or 4Z ö"
        );
    }

    #[test]
    fn text_of_strangers_cannot_act_on_the_terminal() {
        assert_eq!(plain("\u{1b}[2Jgone\r\n"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}");
        assert_eq!(plain("abc\u{202e}txt"), "abc\u{fffd}txt");
        assert!(matches!(plain("Größe 🦀 日本"), Cow::Borrowed(_)));
    }
}
