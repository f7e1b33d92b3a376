//! What keeps an issue from an agent: **the one place where that is decided**. The queue asks before it offers, the claim before
//! it assigns, and the explanation to say why nobody gets what waits.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::Agent;
use crate::decider::Refusal;
use crate::event::Priority;
use crate::identity::{AgentId, IssueRef, RepoName};
use crate::issue::Issue;
use crate::quota::Rest;
use crate::rig::Rig;
use crate::roster::{AgentProfile, UnknownAgents};
use crate::time::{Timestamp, minutes};

use super::fit::{Misfit, serves};

/// After this long without its author, rework goes to any agent that fits.
pub(super) const REWORK_PATIENCE: Duration = minutes(30);

/// What an agent outside the roster may hold at once.
pub const DEFAULT_CAPACITY: u32 = 1;

/// An issue that wants a holder, as far as the rules look.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which one.
    pub issue: &'a IssueRef,
    /// How urgent.
    pub priority: Priority,
    /// Wanted of the agent.
    pub stack: Option<&'a str>,
    /// Wanted of the agent, too.
    pub escalate: &'a [String],
    /// Who doesn't get it.
    pub excluded: &'a BTreeSet<AgentId>,
    /// Held by an operator.
    pub paused: bool,
    /// For rework: whose pull request it is, and since when it waits.
    pub rework: Option<(&'a AgentId, Timestamp)>,
}

impl<'a> Wanted<'a> {
    /// The issue as its own stream knows it.
    #[must_use]
    pub fn of(issue: &'a Issue) -> Self {
        Self {
            issue: &issue.reference,
            priority: issue.priority,
            stack: issue.stack.as_deref(),
            escalate: &issue.escalate,
            excluded: &issue.excluded,
            paused: issue.paused,
            rework: author_of_rework(issue).zip(issue.rework_since),
        }
    }
}

/// Whose rework it is: the agent's whose pull request is current; of a person's, theirs to whom an operator gave it. Without a
/// current one: the agent's whose change failed after its merge.
#[must_use]
pub fn author_of_rework(issue: &Issue) -> Option<&AgentId> {
    let Some(pull) = issue.current_pull() else { return issue.author_of_failure() };
    pull.agent.as_ref().or_else(|| issue.last_holder.as_ref().filter(|_| pull.rework_demanded))
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct ClaimantView<'a> {
    /// The agent.
    pub agent: &'a AgentId,
    /// Its entry in the roster.
    pub profile: Option<&'a AgentProfile>,
    /// What becomes of agents without one.
    pub strangers: UnknownAgents,
}

impl ClaimantView<'_> {
    /// Live leases at once, critical work aside.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.profile.map_or(DEFAULT_CAPACITY, |profile| profile.capacity)
    }

    /// What it is taken for, by the rule that [`misfit`] goes by.
    #[must_use]
    pub fn taken_for(&self) -> String {
        match (self.profile, self.strangers) {
            (Some(profile), _) => format!("its role is {}", profile.role),
            (None, UnknownAgents::Allow) => {
                "it is taken as a developer for any stack (it is not in the roster, and unknown agents are allowed)"
                    .to_owned()
            }
            (None, UnknownAgents::Hook) => "it is a person's hook (not in the roster), never handed work".to_owned(),
            (None, UnknownAgents::Refuse) => "it is not in the roster, and refused".to_owned(),
        }
    }
}

/// Leases that an agent of this capacity may hold so that it may have one more of this urgency: critical work goes one above.
#[must_use]
pub fn allowance(capacity: u32, priority: Priority) -> u32 {
    capacity.saturating_add(u32::from(priority == Priority::Critical))
}

/// Why an issue isn't handed to an agent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The issue is held by an operator.
    IssuePaused,
    /// Everything is.
    RigPaused,
    /// Its repository is.
    RepoPaused(RepoName),
    /// The agent is.
    AgentPaused,
    /// The agent's provider has run dry.
    QuotaExhausted,
    /// The agent's provider ran dry while it worked, and it rests.
    Rests(Rest),
    /// The agent had it before, and doesn't get it again in this life.
    Excluded,
    /// Another issue must be done first.
    DependencyOpen(IssueRef),
    /// The agent isn't in the roster.
    NotInRoster,
    /// The agent isn't one for it.
    Misfit(Misfit),
    /// Rework, which its author is asked for until then.
    AuthorFirst {
        /// Whose pull request it is.
        author: AgentId,
        /// Until when.
        until: Timestamp,
    },
    /// The agent holds as much as it may.
    Full {
        /// Live leases.
        held: u32,
        /// How many it may have for an issue of this urgency.
        allowed: u32,
    },
}

impl Obstacle {
    /// The rule's name.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::IssuePaused | Self::RigPaused | Self::RepoPaused(_) | Self::AgentPaused => "paused",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Rests(_) => "provider_quota",
            Self::Excluded => "excluded",
            Self::DependencyOpen(_) => "dependency_open",
            Self::NotInRoster => "not_in_roster",
            Self::Misfit(_) => "no_fit",
            Self::AuthorFirst { .. } => "author_first",
            Self::Full { .. } => "capacity",
        }
    }

    /// Whether an operator's `force` goes over it: over fit, never over role or capacity, and dependencies are no matter of fit.
    #[must_use]
    pub fn yields_to_force(&self) -> bool {
        match self {
            Self::IssuePaused
            | Self::RigPaused
            | Self::RepoPaused(_)
            | Self::AgentPaused
            | Self::QuotaExhausted
            | Self::Rests(_)
            | Self::Excluded
            | Self::AuthorFirst { .. }
            | Self::Misfit(Misfit::Stack(_) | Misfit::Tag(_)) => true,
            Self::Misfit(Misfit::Role(_)) | Self::DependencyOpen(_) | Self::NotInRoster | Self::Full { .. } => false,
        }
    }

    /// As the answer to a claim.
    #[must_use]
    pub fn refusal(&self, issue: &IssueRef, agent: &AgentId) -> Refusal {
        let rule = self.rule();
        let why = match self {
            Self::IssuePaused => format!("{issue} is paused"),
            Self::RigPaused | Self::RepoPaused(_) => format!("work on {} is paused", issue.repo),
            Self::AgentPaused => format!("{agent} is paused"),
            Self::QuotaExhausted => format!("{agent} has used up a quota"),
            Self::Rests(rest) => format!("{agent} ran out of quota and rests {rest}"),
            Self::Excluded => format!("{agent} had {issue} before and does not get it again"),
            Self::DependencyOpen(open) => format!("{issue} waits for {open}"),
            Self::Misfit(misfit) => format!("{agent} does not fit {issue}: {misfit}"),
            Self::AuthorFirst { author, until } => format!("{issue} is rework of {author} until {until}"),
            Self::Full { held, allowed } => format!("{agent} holds {held} of {allowed} leases"),
            Self::NotInRoster => {
                let why = format!("{agent} is not in the roster, so it is never handed work");
                return Refusal::Forbidden { why };
            }
        };
        Refusal::Rule { rule: rule.into(), why }
    }
}

impl std::fmt::Display for Obstacle {
    /// Of the agent that doesn't get the issue: "it …".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IssuePaused => f.write_str("the issue is paused"),
            Self::RigPaused => f.write_str("the rig is paused"),
            Self::RepoPaused(repo) => write!(f, "{repo} is paused"),
            Self::AgentPaused => f.write_str("it is paused"),
            Self::QuotaExhausted => f.write_str("it has used up a quota"),
            Self::Rests(rest) => write!(f, "it ran out of quota and rests {rest}"),
            Self::Excluded => f.write_str("it had the issue before and does not get it again"),
            Self::DependencyOpen(open) => write!(f, "the issue waits for {open}"),
            Self::NotInRoster => f.write_str("it is not in the roster, so it is never handed work"),
            Self::Misfit(misfit) => misfit.fmt(f),
            Self::AuthorFirst { author, until } => {
                write!(f, "it is rework, and {author} is asked first, until {until}")
            }
            Self::Full { held, allowed } => write!(f, "it holds {held} of {allowed} leases"),
        }
    }
}

/// What holds the issue back, whoever asks.
pub fn of_issue<'a>(
    wanted: &Wanted<'_>,
    rig: Option<&Rig>,
    open: impl IntoIterator<Item = &'a IssueRef>,
) -> impl Iterator<Item = Obstacle> {
    let paused = wanted.paused.then_some(Obstacle::IssuePaused);
    let held = rig.and_then(|rig| of_repo(&wanted.issue.repo, rig));
    let open = open.into_iter().map(|open| Obstacle::DependencyOpen(open.clone()));
    paused.into_iter().chain(held).chain(open)
}

/// What holds a repository's work back.
#[must_use]
pub fn of_repo(repo: &RepoName, rig: &Rig) -> Option<Obstacle> {
    if rig.paused {
        Some(Obstacle::RigPaused)
    } else if rig.holds(repo) {
        Some(Obstacle::RepoPaused(repo.clone()))
    } else {
        None
    }
}

/// What holds the agent back, whatever it asks for.
pub fn of_agent(agent: &Agent, now: Timestamp) -> impl Iterator<Item = Obstacle> + use<> {
    let paused = agent.paused.then_some(Obstacle::AgentPaused);
    let exhausted = agent.is_exhausted().then_some(Obstacle::QuotaExhausted);
    let rests = agent.rest(now).map(Obstacle::Rests);
    paused.into_iter().chain(exhausted).chain(rests)
}

/// What keeps this agent from this issue, load and order of hand-out aside.
pub fn of_claimant(
    wanted: &Wanted<'_>,
    agent: Option<&Agent>,
    claimant: ClaimantView<'_>,
    now: Timestamp,
) -> impl Iterator<Item = Obstacle> + use<> {
    let of_agent = agent.map(|agent| of_agent(agent, now)).into_iter().flatten();
    of_agent.chain(between(wanted, claimant))
}

/// Everything that keeps an agent, which holds so many leases, from being handed this issue now; the issue's own reasons aside.
pub fn for_agent(
    wanted: &Wanted<'_>,
    agent: Option<&Agent>,
    claimant: ClaimantView<'_>,
    held: u32,
    now: Timestamp,
) -> impl Iterator<Item = Obstacle> + use<> {
    let order = author_first(wanted, claimant.agent, now);
    of_claimant(wanted, agent, claimant, now).chain(full(wanted, claimant, held)).chain(order)
}

/// What makes this agent none for this issue, whatever its load.
pub fn between(wanted: &Wanted<'_>, claimant: ClaimantView<'_>) -> impl Iterator<Item = Obstacle> + use<> {
    let excluded = wanted.excluded.contains(claimant.agent).then_some(Obstacle::Excluded);
    excluded.into_iter().chain(misfit(wanted.stack, wanted.escalate, claimant))
}

/// What makes this agent none for whatever wants that stack and these tags.
pub(super) fn misfit(stack: Option<&str>, tags: &[String], claimant: ClaimantView<'_>) -> Option<Obstacle> {
    match (claimant.profile, claimant.strangers) {
        (Some(profile), _) => serves(profile, stack, tags).err().map(Obstacle::Misfit),
        (None, UnknownAgents::Allow) => None,
        (None, UnknownAgents::Hook | UnknownAgents::Refuse) => Some(Obstacle::NotInRoster),
    }
}

/// Whether rework is kept for its author for now. That is an order of hand-out: who is given it by a coordinator may have it.
#[must_use]
pub fn author_first(wanted: &Wanted<'_>, agent: &AgentId, now: Timestamp) -> Option<Obstacle> {
    let (author, since) = wanted.rework.filter(|(author, _)| *author != agent)?;
    let until = since.plus(REWORK_PATIENCE);
    (now < until).then(|| Obstacle::AuthorFirst { author: author.clone(), until })
}

/// Whether the agent holds as much as it may. The append asks again, under the lock.
#[must_use]
pub fn full(wanted: &Wanted<'_>, claimant: ClaimantView<'_>, held: u32) -> Option<Obstacle> {
    let allowed = allowance(claimant.capacity(), wanted.priority);
    (held >= allowed).then_some(Obstacle::Full { held, allowed })
}
