//! What a reading of the settings found: mistakes with their places, and notices.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the rig that is built in.
    BuiltIn,
    /// In the environment, under this name.
    Variable(&'static str),
    /// In the file.
    Line {
        /// The file, as it was named.
        file: Arc<str>,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Variable(name) => f.write_str(name),
            Self::Line { file, line } => write!(f, "{file}:{line}"),
        }
    }
}

/// A value and where it was found.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// One thing that is wrong. Never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What, and what would be right.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// Everything that is wrong with the settings, in the order of the places; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// Collects while reading goes on: one mistake must not hide the next.
#[derive(Debug, Default)]
pub(super) struct Findings {
    mistakes: RefCell<Vec<Mistake>>,
    notices: RefCell<Vec<String>>,
}

impl Findings {
    pub(super) fn mistake(&self, place: &Place, problem: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { place: place.clone(), problem: problem.into() });
    }

    pub(super) fn notice(&self, notice: impl Into<String>) {
        self.notices.borrow_mut().push(notice.into());
    }

    pub(super) fn notices(&self) -> Vec<String> {
        self.notices.borrow().clone()
    }

    /// An error as soon as there is a mistake.
    pub(super) fn sound(&self) -> Result<(), Mistakes> {
        let mut mistakes = self.mistakes.borrow().clone();
        mistakes.sort();
        mistakes.dedup();
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_come_in_the_order_of_their_places_and_once() {
        let findings = Findings::default();
        let line = |line| Place::Line { file: "a.toml".into(), line };
        assert_eq!(findings.sound(), Ok(()));
        for (place, problem) in
            [(line(12), "late"), (line(2), "early"), (line(12), "late"), (Place::Variable("B"), "first")]
        {
            findings.mistake(&place, problem);
        }
        assert_eq!(findings.sound().unwrap_err().to_string(), "B: first\na.toml:2: early\na.toml:12: late");
    }
}
