use super::{AgentEvent, IssueEvent, PullRequestEvent, RigEvent};

/// The closed list of event types over all streams.
///
/// Requests name them in UPPER_SNAKE, everything that reads events in PascalCase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(&'static str);

impl EventType {
    /// Every type once, in the order of the lists.
    pub fn all() -> impl Iterator<Item = Self> {
        let lists = [IssueEvent::TYPES, PullRequestEvent::TYPES, AgentEvent::TYPES, RigEvent::TYPES];
        let mut seen = std::collections::BTreeSet::new();
        lists.into_iter().flatten().filter(move |name| seen.insert(**name)).map(|name| Self(name))
    }

    /// Matches the UPPER_SNAKE name exactly, as requests must spell it.
    #[must_use]
    pub fn parse(upper_snake: &str) -> Option<Self> {
        Self::all().find(|known| known.0 == upper_snake)
    }

    /// Matches either spelling, as filters of reads may.
    #[must_use]
    pub fn parse_either(name: &str) -> Option<Self> {
        Self::all().find(|known| known.0 == name || known.pascal_case() == name)
    }

    /// `ISSUE_APPROVED`
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// `IssueApproved`
    #[must_use]
    pub fn pascal_case(self) -> String {
        pascal_case(self.0)
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// `ISSUE_APPROVED` → `IssueApproved`, `E2E_PASSED` → `E2ePassed`: each part capitalised.
#[must_use]
pub fn pascal_case(upper_snake: &str) -> String {
    upper_snake
        .split('_')
        .flat_map(|part| {
            part.chars().enumerate().map(|(at, letter)| if at == 0 { letter } else { letter.to_ascii_lowercase() })
        })
        .collect()
}

/// The UPPER_SNAKE name of a known type in either spelling.
#[must_use]
pub fn upper_snake_case(name: &str) -> Option<&'static str> {
    EventType::parse_either(name).map(EventType::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_in_both_spellings_and_exactly() {
        assert_eq!(pascal_case("CI_PASSED"), "CiPassed");
        assert_eq!(pascal_case("E2E_PASSED"), "E2ePassed");
        assert_eq!(EventType::parse("ISSUE_APPROVED").map(EventType::as_str), Some("ISSUE_APPROVED"));
        assert_eq!(EventType::parse("issue_approved"), None);
        assert_eq!(upper_snake_case("PrCreated"), Some("PR_CREATED"));
        assert_eq!(upper_snake_case("prcreated"), None);
    }

    #[test]
    fn the_two_spellings_name_the_same_types() {
        let pascal: std::collections::BTreeSet<String> = EventType::all().map(EventType::pascal_case).collect();
        assert_eq!(pascal.len(), EventType::all().count());
    }
}
