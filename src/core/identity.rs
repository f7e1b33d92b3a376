//! Names of things: repos, issues, pull requests, agents, logins, streams.
//!
//! GitHub compares the names of owners, repos and logins without case; so do these types. The first spelling is kept for
//! people, [`StreamId::key`] is what stores and shards compare.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::data::{Field, FieldError, FieldKey, Value};

/// Text that is equal to itself in any casing.
macro_rules! caseless {
    ($(#[$note:meta])* $name:ident) => {
        $(#[$note])*
        #[derive(Debug, Clone)]
        pub struct $name(Box<str>);

        impl $name {
            /// As first spelled.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
            fn folded(&self) -> impl Iterator<Item = u8> + '_ {
                self.0.bytes().map(|byte| byte.to_ascii_lowercase())
            }
        }
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.folded().cmp(other.folded())
            }
        }
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.folded().for_each(|byte| state.write_u8(byte));
                state.write_u8(0xff);
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        text_field!($name);
    };
}

/// `Field` and `FieldKey` by way of `parse` and `Display`.
macro_rules! text_field {
    ($name:ident) => {
        impl Field for $name {
            fn write(&self) -> Value<'_> {
                Value::Text(self.to_string().into())
            }
            fn read(value: &Value<'_>) -> Result<Self, FieldError> {
                Self::from_key(value.as_text().ok_or_else(|| FieldError::expected("text", value))?)
            }
        }
        impl FieldKey for $name {
            fn to_key(&self) -> String {
                self.to_string()
            }
            fn from_key(text: &str) -> Result<Self, FieldError> {
                Self::parse(text).ok_or_else(|| FieldError::new(Self::FORM))
            }
        }
    };
}

fn is_name(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.len() <= longest
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

caseless! {
    /// A repository as `owner/repo`; equal without case.
    RepoName
}

impl RepoName {
    const FORM: &'static str = "must be a repository such as owner/repo";

    /// Reads `owner/repo`: letters, digits, `-`, `_` and `.`, at most 100 characters each, and neither of them `.` or `..`,
    /// which would mean another place in the URLs that are made of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let sane = |part: &str| is_name(part, 100) && !matches!(part, "." | "..");
        (sane(owner) && sane(name)).then(|| Self(text.into()))
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

caseless! {
    /// A GitHub login, `…[bot]` included; equal without case.
    Login
}

impl Login {
    const FORM: &'static str = "must be a GitHub login";

    /// Reads a login: not empty, at most 100 printable characters, no blanks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sane = !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic());
        sane.then(|| Self(text.into()))
    }

    /// Whether it is an App's login.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.0.to_ascii_lowercase().ends_with("[bot]")
    }
}

/// An issue or a pull request at GitHub, which number both in one sequence: `owner/repo#42`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueRef {
    /// Where it lives.
    pub repo: RepoName,
    /// Its number there, from 1.
    pub number: u64,
}

/// An [`IssueRef`] that is known to be a pull request.
pub type PrRef = IssueRef;

impl IssueRef {
    const FORM: &'static str = "must be an issue such as owner/repo#42";

    /// Reads `owner/repo#42`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (repo, number) = text.split_once('#')?;
        Self::new(RepoName::parse(repo)?, number.parse().ok()?)
    }

    /// The issue `number` of `repo`; `None` for numbers that GitHub never gives (0, beyond `i64`).
    #[must_use]
    pub fn new(repo: RepoName, number: u64) -> Option<Self> {
        (number >= 1 && i64::try_from(number).is_ok()).then_some(Self { repo, number })
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repo, self.number)
    }
}
text_field!(IssueRef);

/// An agent of the roster (or one that asks to be taken as one): `dev-e-node`. Never holds `/` or `#`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Box<str>);

impl AgentId {
    const FORM: &'static str = "must be an agent id such as dev-e-node: letters, digits, '-', '_' and '.', at most 100";

    /// Reads an agent id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text, 100).then(|| Self(text.into()))
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_field!(AgentId);

/// Who claims: an agent, or one instance of it (`dev-e-node/ab12c`). Two instances are two claimants, a bare id is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimant {
    /// The agent.
    pub agent: AgentId,
    /// The instance, where it says so.
    pub instance: Option<Box<str>>,
}

impl Claimant {
    const FORM: &'static str = "must be an agent id, or id/instance such as dev-e-node/ab12c";

    /// Reads `id` or `id/instance`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (agent, instance) = text.split_once('/').map_or((text, None), |(agent, instance)| (agent, Some(instance)));
        if instance.is_some_and(|instance| !is_name(instance, 100)) {
            return None;
        }
        Some(Self { agent: AgentId::parse(agent)?, instance: instance.map(Into::into) })
    }

    /// The claimant that an agent is under its bare id.
    #[must_use]
    pub fn bare(agent: AgentId) -> Self {
        Self { agent, instance: None }
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => write!(f, "{}/{instance}", self.agent),
            None => self.agent.fmt(f),
        }
    }
}
text_field!(Claimant);

/// A commit's SHA (or the short form that old clients send), lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha(Box<str>);

impl Sha {
    const FORM: &'static str = "must be a commit's SHA: 4 to 64 hexadecimal digits";

    /// Reads 4 to 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sane = (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        sane.then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// Git's name for no commit at all: what stands for the head of a pull request that was reported without one.
    #[must_use]
    pub fn null() -> Self {
        Self("0000000000000000000000000000000000000000".into())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_field!(Sha);

/// A UUID v7: an event, an effect. Made outside this crate, where there is randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl EventId {
    const FORM: &'static str = "must be a UUID";

    /// Reads the hyphenated form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shaped = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
        let digits: String = text.chars().filter(|letter| *letter != '-').collect();
        (shaped && digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}
text_field!(EventId);

crate::words! {
    /// What a stream is about; each kind has a decider of its own.
    pub enum StreamKind {
        /// The work: queue, lease, attempts, strikes, state.
        Issue = "issue",
        /// The change: head, CI, reviews, gates, merge.
        PullRequest = "pull_request",
        /// Presence, capacity, quota, pause.
        Agent = "agent",
        /// Rig-wide facts.
        Rig = "rig",
    }
}

/// One stream of events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// `owner/repo#42`
    Issue(IssueRef),
    /// `owner/repo#57`; GitHub's one sequence of numbers keeps it apart from issues.
    PullRequest(PrRef),
    /// `dev-e-node`
    Agent(AgentId),
    /// `rig`
    Rig,
}

impl StreamId {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> StreamKind {
        match self {
            Self::Issue(_) => StreamKind::Issue,
            Self::PullRequest(_) => StreamKind::PullRequest,
            Self::Agent(_) => StreamKind::Agent,
            Self::Rig => StreamKind::Rig,
        }
    }

    /// The form that stores compare and shards hash: lower case for what GitHub names.
    ///
    /// An agent called `rig` would meet the rig's own stream, and a report that takes a pull request's number for an issue's
    /// must not bar that number from becoming a pull request: so both carry a prefix here, which people never see.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Issue(reference) => reference.to_string().to_ascii_lowercase(),
            Self::PullRequest(reference) => format!("pull:{}", reference.to_string().to_ascii_lowercase()),
            Self::Agent(agent) => format!("agent:{agent}"),
            Self::Rig => "rig".to_owned(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote, given the kind.
    #[must_use]
    pub fn parse(kind: StreamKind, text: &str) -> Option<Self> {
        match kind {
            StreamKind::Issue => IssueRef::parse(text).map(Self::Issue),
            StreamKind::PullRequest => IssueRef::parse(text).map(Self::PullRequest),
            StreamKind::Agent => AgentId::parse(text).map(Self::Agent),
            StreamKind::Rig => (text == "rig").then_some(Self::Rig),
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(reference) | Self::PullRequest(reference) => reference.fmt(f),
            Self::Agent(agent) => agent.fmt(f),
            Self::Rig => f.write_str("rig"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_github_are_equal_in_any_casing_and_keep_the_first_spelling() {
        let first = IssueRef::parse("Acme/Web#7").unwrap();
        assert_eq!(first, IssueRef::parse("acme/WEB#7").unwrap());
        assert_eq!(first.to_string(), "Acme/Web#7");
        assert_eq!(StreamId::Issue(first.clone()).key(), "acme/web#7");
        assert_ne!(StreamId::PullRequest(first.clone()).key(), StreamId::Issue(first).key());
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in ["", "acme", "acme/", "/web", "acme/web/x", "acme/we b", "acme/web\0", "../web", "acme/.."] {
            assert_eq!(RepoName::parse(text), None, "{text:?}");
        }
        for text in ["acme/web", "acme/web#0", "acme/web#-1", "acme/web#9223372036854775808", "acme/web#1#2"] {
            assert_eq!(IssueRef::parse(text), None, "{text:?}");
        }
        for text in ["", "a/b/c", "acme/web#1", "dev e", "a/"] {
            assert_eq!(Claimant::parse(text), None, "{text:?}");
        }
        assert_eq!(EventId::parse("0193-"), None);
    }

    #[test]
    fn an_instance_is_another_claimant_than_its_agent() {
        let (bare, instance) = (Claimant::parse("dev-e-node").unwrap(), Claimant::parse("dev-e-node/ab12c").unwrap());
        assert_ne!(bare, instance);
        assert_eq!(bare.agent, instance.agent);
        assert_eq!(instance.to_string(), "dev-e-node/ab12c");
    }

    #[test]
    fn ids_read_back_as_written() {
        let id = EventId(0x0193_4c5a_0000_7000_8000_0000_0000_0001);
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
    }
}
