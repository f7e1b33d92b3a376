//! Which issues must be done before an issue: `Depends on:` and `Blocked by:` lines of its body.

use crate::identity::{IssueRef, RepoName};

use super::prose::prose;
use super::reference::{Place, is_word};

/// More than this no issue waits for; the rest of a hostile body is passed over.
pub const DEPENDENCIES_AT_MOST: usize = 50;

const LABELS: [&str; 2] = ["depends on", "blocked by"];

/// The issues that the body of an issue of `repo` waits for, in order of mention, each once, [`DEPENDENCIES_AT_MOST`] at
/// most.
///
/// A line is one if it begins with the label, list markers and emphasis aside; every reference on it counts, since one that
/// is missed would start work too early, and one too many is seen by people.
#[must_use]
pub fn dependencies_in(body: &str, repo: &RepoName) -> Vec<IssueRef> {
    let place = Place { repo, host: None };
    let mut dependencies = Vec::new();
    let prose = prose(body);
    for reference in prose.lines().filter_map(behind_label).flat_map(|rest| References { rest, place }) {
        if dependencies.len() == DEPENDENCIES_AT_MOST {
            break;
        }
        if !dependencies.contains(&reference) {
            dependencies.push(reference);
        }
    }
    dependencies
}

/// What follows the label of such a line.
fn behind_label(line: &str) -> Option<&str> {
    let line = line.trim_start_matches([' ', '\t', '>', '-', '*', '+', '_']);
    LABELS.iter().find_map(|label| {
        let begin = line.get(..label.len())?;
        let rest = &line[label.len()..];
        (begin.eq_ignore_ascii_case(label) && rest.starts_with([':', ' ', '\t', '*', '_'])).then_some(rest)
    })
}

/// The references of a line, one after the other.
struct References<'a> {
    rest: &'a str,
    place: Place<'a>,
}

impl Iterator for References<'_> {
    type Item = IssueRef;

    fn next(&mut self) -> Option<IssueRef> {
        loop {
            let start = self.rest.find(|letter| is_word(letter) || letter == '#')?;
            self.rest = &self.rest[start..];
            if let Some((reference, length)) = self.place.reference(self.rest) {
                self.rest = &self.rest[length..];
                return Some(reference);
            }
            // Not one: on behind this word, a `/` or `#` in it included, so that no part of it is taken for one.
            let inside = |letter: char| is_word(letter) || "#/-.:".contains(letter);
            let behind = self.rest.find(|letter| !inside(letter)).unwrap_or(self.rest.len());
            self.rest = &self.rest[behind..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dependencies(body: &str) -> Vec<String> {
        dependencies_in(body, &RepoName::parse("acme/web").unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn both_labels_name_dependencies() {
        for body in [
            "Depends on: #1, acme/api#2",
            "text\r\n\r\ndepends on: #1 and acme/api#2\r\nmore",
            "- **Depends on:** #1, https://github.com/acme/api/issues/2",
            "> BLOCKED BY: #1; acme/api#2.",
            "Depends on #1 (the store), acme/api#2",
            "Depends on: #1\nBlocked by: acme/api#2, #1",
        ] {
            assert_eq!(dependencies(body), ["acme/web#1", "acme/api#2"], "{body:?}");
        }
    }

    #[test]
    fn other_mentions_are_none() {
        for body in [
            "",
            "#1",
            "It depends on: #1",
            "Depends on: the weather",
            "Depends only on #1",
            "depends online #1",
            "`Depends on: #1`",
            "```\nDepends on: #1\n```",
            "<!-- Depends on: #1 -->",
            "Depends on: #1x, a/b/c#2, x#3",
        ] {
            assert_eq!(dependencies(body), [""; 0], "{body:?}");
        }
    }

    #[test]
    fn a_mebibyte_of_anything_is_read_in_one_go() {
        for unit in ["Depends on: ", "depends on\n", "#", "a", "a/", "https://", "é#", "> ", "- `"] {
            let body = format!("Depends on: {}", unit.repeat((1 << 20) / unit.len()));
            assert_eq!(dependencies(&body), [""; 0], "{unit:?}");
        }
        let many: String = (1..=100_000).map(|number| format!("Depends on: #{number}\n")).collect();
        assert_eq!(dependencies(&many).len(), DEPENDENCIES_AT_MOST);
    }

    proptest! {
        #[test]
        fn no_text_panics(body in "(Depends on|Blocked by|[ :,`#/\n*-]|#[0-9]{1,3}|a/b|é|https://h/|\\PC){0,80}") {
            prop_assert!(dependencies(&body).len() <= DEPENDENCIES_AT_MOST);
        }
    }
}
