use std::io::{self, IsTerminal, Write};

use comfy_table::Color;
use conductor_adapters::system_clock::SystemClock;
use conductor_core::port::Clock;
use conductor_core::time::Timestamp;

/// How things are to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Columns of the terminal; `None`: nobody looks, or nobody knows, so nothing is cut off.
    pub(super) width: Option<u16>,
    /// Whether to colour.
    pub(super) colour: bool,
    /// What ages are counted from.
    pub(super) now: Timestamp,
}

impl Look {
    /// That of this process' standard output.
    pub(super) fn of_process() -> Self {
        let terminal = io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        Self {
            width: terminal.then(|| comfy_table::Table::new().width()).flatten(),
            colour: terminal && !no_colour,
            now: SystemClock.now(),
        }
    }
}

/// Where answers are shown.
pub(super) struct Screen<'w> {
    out: Box<dyn Write + 'w>,
    /// How.
    pub(super) look: Look,
}

impl<'w> Screen<'w> {
    /// Standard output.
    pub(super) fn of_process() -> Self {
        Self { out: Box::new(io::stdout().lock()), look: Look::of_process() }
    }

    /// Shows text and its line end.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Shows bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Brings everything before somebody's eyes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The colour of a state's word, of issues, agents and checks alike: red asks for a person, yellow waits for an agent, green is
/// good. Words of a newer daemon have none.
pub(super) fn colour_of(word: &str) -> Option<Color> {
    match word {
        "escalated" | "failed" | "disputed" | "critical" | "degraded" | "paused" => Some(Color::Red),
        "changes_requested" | "pending" | "high" | "requested" => Some(Color::Yellow),
        "assigned" | "in_progress" | "in_review" | "ready_to_merge" | "deploying" => Some(Color::Cyan),
        "done" | "merged" | "passed" | "approved" => Some(Color::Green),
        "cancelled" | "offline" | "superseded" | "closed" => Some(Color::DarkGrey),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use conductor_core::event::IssueState;

    /// Noon, nobody's terminal.
    pub(in crate::cli) fn look(width: Option<u16>) -> Look {
        Look { width, colour: false, now: Timestamp::parse("2026-11-21T12:00:00.000Z").unwrap() }
    }

    #[test]
    fn every_state_but_the_one_that_just_waits_has_a_colour() {
        let plain: Vec<_> = IssueState::ALL.iter().filter(|state| colour_of(state.as_str()).is_none()).collect();
        assert_eq!(plain, [&IssueState::Queued]);
    }
}
