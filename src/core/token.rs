//! Tokens: whose word a secret stands for.
//!
//! A *token* belongs to one agent of the roster or to one person. Its secret is shown once, when it is made, and kept
//! nowhere; what is kept is the SHA-256 digest by which it is recognised. What a token is *worth* is asked anew at each use,
//! of today's roster: an agent that was struck from it has a token that opens nothing.

use std::fmt;

use crate::authority::membership_of;
use crate::decider::Refusal;
use crate::identity::{AgentId, Login};
use crate::roster::Policy;
use crate::time::Timestamp;

crate::words! {
    /// What a person's token is for.
    pub enum PersonRole {
        /// Does what operators do, under the person's name.
        Operator = "operator",
        /// Reads.
        Viewer = "viewer",
    }
}

/// The word under which stores keep tokens of agents, beside those of [`PersonRole`].
const AGENT: &str = "agent";
/// The longest name of a person in characters, as in the roster.
const LONGEST_NAME: usize = 100;

/// A token's public name, by which it is listed and revoked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(Box<str>);

impl TokenId {
    /// Reads an id: letters, digits, `-` and `_`, at most 64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(sane)).then(|| Self(text.into()))
    }

    /// An id of random bits.
    #[must_use]
    pub fn of_random(bits: u64) -> Self {
        Self(format!("t{bits:016x}").into())
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 digest of a token's secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest(pub [u8; 32]);

impl TokenDigest {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    /// No secret, and yet nothing for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// Whose word a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenOwner {
    /// An agent of the roster; its rights follow from its role there.
    Agent(AgentId),
    /// A person.
    Person {
        /// The name under which the person's acts are recorded.
        name: String,
        /// What for.
        role: PersonRole,
    },
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public name.
    pub id: TokenId,
    /// What its secret is recognised by.
    pub digest: TokenDigest,
    /// Whose.
    pub owner: TokenOwner,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it opens nothing; `None`: never by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last shown, to about two minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Neither taken back nor past its time.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// What a token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// Speaks for that agent and its instances alone.
    Agent(AgentId),
    /// Acts as operator, under that name.
    Operator(String),
    /// Reads.
    Viewer(String),
}

impl TokenOwner {
    /// `agent`, `operator` or `viewer`: with [`name`](Self::name), how stores keep it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => AGENT,
            Self::Person { role, .. } => role.as_str(),
        }
    }

    /// The agent's id, or the person's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => agent.as_str(),
            Self::Person { name, .. } => name,
        }
    }

    /// The owner of that kind and name; `None` where there can be no such.
    #[must_use]
    pub fn of(kind: &str, name: &str) -> Option<Self> {
        if kind == AGENT {
            return AgentId::parse(name).map(Self::Agent);
        }
        let role = PersonRole::from_word(kind)?;
        is_name(name).then(|| Self::Person { name: name.to_owned(), role })
    }

    /// What a token of this owner is worth under a policy: an agent as much as its place in the roster, a person of the
    /// roster no more than its rights there.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for an agent outside the roster where such are refused.
    pub fn bearer(&self, policy: &Policy) -> Result<Bearer, Refusal> {
        match self {
            Self::Agent(agent) => membership_of(policy, agent).map(|_| Bearer::Agent(agent.clone())),
            Self::Person { name, role } => Ok(match role {
                PersonRole::Operator if may_operate(policy, name) => Bearer::Operator(name.clone()),
                PersonRole::Operator | PersonRole::Viewer => Bearer::Viewer(name.clone()),
            }),
        }
    }

    /// Whether such a token may be made.
    ///
    /// # Errors
    /// For an agent that is refused, an operator without the right `operate`, and a person under the name of an agent.
    pub fn check(&self, policy: &Policy) -> Result<(), Refusal> {
        let Self::Person { name, role } = self else { return self.bearer(policy).map(drop) };
        if !is_name(name) {
            return Err(Refusal::Malformed { why: "a person's name is 1 to 100 printable characters".to_owned() });
        }
        if is_an_agents(policy, name) {
            let why = format!("{name} is an agent, and an agent is no person: give it an agent's token");
            return Err(Refusal::Rule { rule: "agent_is_no_person".into(), why });
        }
        if *role == PersonRole::Operator && !may_operate(policy, name) {
            let why =
                format!("{name} has no right `operate` in the configuration: add it there, or choose role viewer");
            return Err(Refusal::Forbidden { why });
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// A person that the roster doesn't name was given its role by whoever made the token; one that it names has the rights there.
fn may_operate(policy: &Policy, name: &str) -> bool {
    let known = policy.roster.people.iter().find(|person| person.name.eq_ignore_ascii_case(name));
    known.is_none_or(|person| person.operate)
}

/// By id or by any of its logins, so that nothing an agent does can be recorded as a person's act.
fn is_an_agents(policy: &Policy, name: &str) -> bool {
    let login = Login::parse(name);
    policy.roster.agents.iter().any(|agent| {
        agent.id.as_str().eq_ignore_ascii_case(name) || login.as_ref().is_some_and(|login| agent.logins.contains(login))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{GitHubMode, Person, UnknownAgents};

    fn policy() -> Policy {
        let mut policy = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        for (name, operate) in [("Ada", true), ("Eve", false)] {
            let person = Person { name: name.to_owned(), logins: Vec::new(), approve: false, operate };
            policy.roster.people.push(person);
        }
        policy
    }

    fn person(name: &str, role: PersonRole) -> TokenOwner {
        TokenOwner::Person { name: name.to_owned(), role }
    }

    fn agent(id: &str) -> TokenOwner {
        TokenOwner::of(AGENT, id).unwrap()
    }

    #[test]
    fn a_token_is_worth_what_the_roster_says_today() {
        let bearer = |owner: TokenOwner| owner.bearer(&policy());
        let worth = AgentId::parse("dev-e-node").map(Bearer::Agent).unwrap();
        assert_eq!(bearer(agent("dev-e-node")), Ok(worth));
        assert!(matches!(bearer(agent("struck-off")), Err(Refusal::Forbidden { .. })));
        assert_eq!(bearer(person("ada", PersonRole::Operator)), Ok(Bearer::Operator("ada".to_owned())));
        assert_eq!(bearer(person("ada", PersonRole::Viewer)), Ok(Bearer::Viewer("ada".to_owned())));
        assert_eq!(bearer(person("eve", PersonRole::Operator)), Ok(Bearer::Viewer("eve".to_owned())));
        assert_eq!(bearer(person("new", PersonRole::Operator)), Ok(Bearer::Operator("new".to_owned())));
    }

    #[test]
    fn no_token_is_made_for_a_stranger_or_beyond_a_persons_rights() {
        assert_eq!(agent("review-e").check(&policy()), Ok(()));
        assert_eq!(person("ada", PersonRole::Operator).check(&policy()), Ok(()));
        assert_eq!(person("EVE", PersonRole::Viewer).check(&policy()), Ok(()));
        assert!(matches!(agent("stranger").check(&policy()), Err(Refusal::Forbidden { .. })));
        assert!(matches!(person("EVE", PersonRole::Operator).check(&policy()), Err(Refusal::Forbidden { .. })));
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            let refused = person(name, PersonRole::Viewer).check(&policy());
            assert!(matches!(refused, Err(Refusal::Malformed { .. })), "{name:?}");
        }
    }

    #[test]
    fn an_agent_gets_no_persons_token_under_its_id_or_a_login() {
        for name in ["dev-e-node", "Review-E", "dev-e-bot[bot]"] {
            let refused = person(name, PersonRole::Operator).check(&policy());
            assert!(
                matches!(&refused, Err(Refusal::Rule { rule, .. }) if rule == "agent_is_no_person"),
                "{name}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_token_ends_at_its_time_and_when_it_is_taken_back() {
        let at = Timestamp::from_millis;
        let token = Token {
            id: TokenId::of_random(7),
            digest: TokenDigest([1; 32]),
            owner: agent("dev-e-node"),
            created_at: at(0),
            expires_at: Some(at(10)),
            last_used_at: None,
            revoked_at: None,
        };
        assert!(token.is_live(at(9)) && !token.is_live(at(10)));
        assert!(!Token { revoked_at: Some(at(3)), ..token }.is_live(at(4)));
    }

    #[test]
    fn ids_digests_and_owners_are_read_back_as_they_are_written() {
        let id = TokenId::of_random(0xabc);
        assert_eq!((TokenId::parse(id.as_str()), id.as_str()), (Some(id.clone()), "t0000000000000abc"));
        assert_eq!(TokenId::parse("a/b"), None);
        let digest = TokenDigest(std::array::from_fn(|at| u8::try_from(at * 8).unwrap()));
        assert_eq!(TokenDigest::parse(&digest.to_string()), Some(digest));
        assert_eq!(TokenDigest::parse(&"é".repeat(32)), None);
        for owner in [agent("dev-e-node"), person("ada", PersonRole::Operator), person("eve", PersonRole::Viewer)] {
            assert_eq!(TokenOwner::of(owner.kind(), owner.name()), Some(owner.clone()));
        }
        assert_eq!(TokenOwner::of("root", "ada"), None);
    }
}
