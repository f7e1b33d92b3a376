//! Who may report which event through the API, as one table.
//!
//! Rights follow the role in the roster. This is the *first* question only: whether a holder's lease is still its own, or a
//! reviewer produced what it approves, is decided by the stream at the append.

use crate::decider::Refusal;
use crate::event::{Actor, EventType};
use crate::identity::{AgentId, Claimant};
use crate::roster::{GitHubMode, Policy, Role, UnknownAgents};

crate::words! {
    /// How callers are told apart.
    pub enum IdentityMode {
        /// Everybody on this machine is believed; listens on loopback alone.
        Open = "open",
        /// Peers of the trusted networks are believed to be the agent that they name.
        TrustedNetwork = "trusted-network",
        /// By token.
        Token = "token",
    }
}

/// Who speaks, as the edge has identified them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person with an operator's rights, or anybody without an agent id where identity is `open`.
    Operator(String),
    /// A person who may only read.
    Viewer(String),
    /// An agent, or one instance of it.
    Agent(Claimant),
}

impl Caller {
    /// As events record who said them; a viewer says nothing, and is recorded by name should it ever.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator(name) | Self::Viewer(name) => Actor::Operator(name.clone()),
            Self::Agent(claimant) => Actor::Agent(claimant.agent.clone()),
        }
    }

    /// The claimant, if an agent speaks.
    #[must_use]
    pub fn claimant(&self) -> Option<&Claimant> {
        match self {
            Self::Agent(claimant) => Some(claimant),
            Self::Operator(_) | Self::Viewer(_) => None,
        }
    }
}

/// What an agent id is worth under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// In the roster, or taken as a developer of any stack.
    Role(Role),
    /// A person's hook: claims by WORK_STARTED, is never handed work.
    Hook,
}

/// What an agent id is worth.
///
/// # Errors
/// [`Refusal::Forbidden`] for an id outside the roster where such are refused.
pub fn membership_of(policy: &Policy, agent: &AgentId) -> Result<Membership, Refusal> {
    if let Some(profile) = policy.roster.agent(agent) {
        return Ok(Membership::Role(profile.role));
    }
    match policy.unknown_agents {
        UnknownAgents::Allow => Ok(Membership::Role(Role::Developer)),
        UnknownAgents::Hook => Ok(Membership::Hook),
        UnknownAgents::Refuse => Err(Refusal::Forbidden {
            why: format!("{agent} is not in the roster: add it to the configuration, or use the id of an agent there"),
        }),
    }
}

/// The groups of speakers: the rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Every agent, whatever its role, of itself.
    EveryAgent,
    /// A developer, of the issue that it holds.
    Holder,
    /// A reviewer, of a dispatch of its own.
    Reviewer,
    /// A holder, or a reviewer that can't go on.
    HolderOrReviewer,
    /// A coordinator or operator.
    Queue,
    /// A monitor, coordinator or operator.
    Monitor,
    /// The same, but only where GitHub doesn't say it.
    MonitorWithoutGitHub,
    /// Nobody outside.
    Daemon,
}

impl Voice {
    /// Whose word events of a type are.
    #[must_use]
    pub fn of(event_type: EventType) -> Self {
        match event_type.as_str() {
            "HEARTBEAT"
            | "AGENT_QUOTA_REPORTED"
            | "GUARD_BLOCKED"
            | "PROPOSAL_CREATED"
            | "TOKEN_USAGE"
            | "CLI_STARTED"
            | "CLI_PROGRESS"
            | "CLI_COMPLETED"
            | "MEMORY_WRITE"
            | "MEMORY_READ"
            | "MEMORY_HIT_USED" => Self::EveryAgent,
            "WORK_STARTED" | "BRANCH_CREATED" | "PR_CREATED" => Self::Holder,
            "AGENT_STUCK" => Self::HolderOrReviewer,
            "REVIEW_PASSED" | "REVIEW_DISPUTED" | "REVIEW_ABSTAINED" | "REVIEW_FAILED" => Self::Reviewer,
            "ISSUE_APPROVED"
            | "ISSUE_ASSIGNED"
            | "ISSUE_UNASSIGNED"
            | "ISSUE_CANCELLED"
            | "ISSUE_REOPENED"
            | "ESCALATED"
            | "PRIORITY_CHANGED"
            | "DEPENDENCIES_CHANGED"
            | "PROPOSAL_APPROVED"
            | "PROPOSAL_REJECTED"
            | "MILESTONE_COMPLETE" => Self::Queue,
            "DEPLOYED_STAGING"
            | "DEPLOYED_PRODUCTION"
            | "SMOKE_PASSED"
            | "SMOKE_FAILED"
            | "E2E_PASSED"
            | "E2E_FAILED"
            | "VERIFIED" => Self::Monitor,
            "CI_PENDING" | "CI_PASSED" | "CI_FAILED" | "MERGED" | "PR_CLOSED" | "ISSUE_DONE" => {
                Self::MonitorWithoutGitHub
            }
            // A type that nobody was given is the daemon's own: closed by default, and the test below counts them.
            _ => Self::Daemon,
        }
    }

    /// Whether only agents say it, so that a report must name one.
    #[must_use]
    pub fn is_of_agents(self) -> bool {
        matches!(self, Self::EveryAgent | Self::Holder | Self::Reviewer | Self::HolderOrReviewer)
    }

    fn admits(self, speaker: Speaker) -> bool {
        match (self, speaker) {
            (Self::Daemon, _) => false,
            (Self::EveryAgent, Speaker::Role(_) | Speaker::Hook) => true,
            (Self::EveryAgent, Speaker::Operator) => false,
            (Self::Holder, Speaker::Role(role)) => role == Role::Developer,
            (Self::Holder, Speaker::Hook) => true,
            (Self::HolderOrReviewer, Speaker::Role(role)) => matches!(role, Role::Developer | Role::Reviewer),
            (Self::HolderOrReviewer, Speaker::Hook) => true,
            (Self::Reviewer, Speaker::Role(role)) => role == Role::Reviewer,
            (Self::Reviewer, Speaker::Hook) => false,
            (Self::Queue, Speaker::Role(role)) => role == Role::Coordinator,
            (Self::Monitor | Self::MonitorWithoutGitHub, Speaker::Role(role)) => {
                matches!(role, Role::Monitor | Role::Coordinator)
            }
            (Self::Queue | Self::Monitor | Self::MonitorWithoutGitHub, Speaker::Hook) => false,
            (Self::Holder | Self::HolderOrReviewer | Self::Reviewer, Speaker::Operator) => false,
            (Self::Queue | Self::Monitor | Self::MonitorWithoutGitHub, Speaker::Operator) => true,
        }
    }

    /// Who they are, for people.
    #[must_use]
    pub fn speakers(self) -> &'static str {
        match self {
            Self::EveryAgent => "an agent, of itself",
            Self::Holder => "a developer agent that holds the issue",
            Self::Reviewer => "a reviewer",
            Self::HolderOrReviewer => "the agent that holds the issue, or its reviewer",
            Self::Queue => "a coordinator or an operator",
            Self::Monitor | Self::MonitorWithoutGitHub => "a monitor, a coordinator or an operator",
            Self::Daemon => "the daemon",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Speaker {
    Operator,
    Role(Role),
    Hook,
}

/// Whether this caller may report events of this type at all.
///
/// # Errors
/// [`Refusal::Forbidden`], saying who may.
pub fn may_report(policy: &Policy, caller: &Caller, event_type: EventType) -> Result<(), Refusal> {
    let voice = Voice::of(event_type);
    if voice == Voice::Daemon {
        return Err(forbidden(format!(
            "{event_type} is said by the daemon alone: report what happened, it draws the conclusion itself"
        )));
    }
    if voice == Voice::MonitorWithoutGitHub && policy.github != GitHubMode::None {
        return Err(forbidden(format!("{event_type} comes from GitHub alone in this rig: let its webhook tell it")));
    }
    let speaker = match caller {
        Caller::Operator(_) => Speaker::Operator,
        Caller::Viewer(name) => return Err(forbidden(format!("{name} may read and report nothing"))),
        Caller::Agent(claimant) => match membership_of(policy, &claimant.agent)? {
            Membership::Role(role) => Speaker::Role(role),
            Membership::Hook => Speaker::Hook,
        },
    };
    if voice.admits(speaker) {
        return Ok(());
    }
    let who = match (caller, speaker) {
        (Caller::Agent(claimant), Speaker::Role(role)) => format!("{} is a {role}", claimant.agent),
        (Caller::Agent(claimant), Speaker::Hook | Speaker::Operator) => {
            format!("{} is a person's hook", claimant.agent)
        }
        (Caller::Operator(name) | Caller::Viewer(name), _) => format!("{name} is an operator"),
    };
    Err(forbidden(format!("{event_type} may be reported by {}; {who}", voice.speakers())))
}

fn forbidden(why: String) -> Refusal {
    Refusal::Forbidden { why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::AgentProfile;

    const SELF: &[&str] = &[
        "HEARTBEAT",
        "AGENT_QUOTA_REPORTED",
        "GUARD_BLOCKED",
        "PROPOSAL_CREATED",
        "TOKEN_USAGE",
        "CLI_STARTED",
        "CLI_PROGRESS",
        "CLI_COMPLETED",
        "MEMORY_WRITE",
        "MEMORY_READ",
        "MEMORY_HIT_USED",
    ];
    const HOLDER: &[&str] = &["WORK_STARTED", "BRANCH_CREATED", "PR_CREATED", "AGENT_STUCK"];
    const REVIEWER: &[&str] = &["REVIEW_PASSED", "REVIEW_DISPUTED", "REVIEW_ABSTAINED", "REVIEW_FAILED", "AGENT_STUCK"];
    const QUEUE: &[&str] = &[
        "ISSUE_APPROVED",
        "ISSUE_ASSIGNED",
        "ISSUE_UNASSIGNED",
        "ISSUE_CANCELLED",
        "ISSUE_REOPENED",
        "ESCALATED",
        "PRIORITY_CHANGED",
        "DEPENDENCIES_CHANGED",
        "PROPOSAL_APPROVED",
        "PROPOSAL_REJECTED",
        "MILESTONE_COMPLETE",
    ];
    const MONITOR: &[&str] = &[
        "DEPLOYED_STAGING",
        "DEPLOYED_PRODUCTION",
        "SMOKE_PASSED",
        "SMOKE_FAILED",
        "E2E_PASSED",
        "E2E_FAILED",
        "VERIFIED",
    ];
    const WITHOUT_GITHUB: &[&str] = &["CI_PENDING", "CI_PASSED", "CI_FAILED", "MERGED", "PR_CLOSED", "ISSUE_DONE"];

    fn policy(github: GitHubMode, unknown_agents: UnknownAgents) -> Policy {
        let mut policy = Policy { unknown_agents, ..Policy::built_in(github) };
        for role in Role::ALL {
            policy.roster.agents.push(AgentProfile {
                id: AgentId::parse(role.as_str()).unwrap(),
                role: *role,
                stacks: Vec::new(),
                tags: Vec::new(),
                logins: Vec::new(),
                capacity: 1,
            });
        }
        policy
    }

    fn agent(id: &str) -> Caller {
        Caller::Agent(Claimant::parse(id).unwrap())
    }

    /// Every type that `caller` may report, against the lists it should.
    fn assert_may_report_exactly(policy: &Policy, caller: &Caller, lists: &[&[&str]]) {
        for event_type in EventType::all() {
            let expected = lists.iter().any(|list| list.contains(&event_type.as_str()));
            let answer = may_report(policy, caller, event_type);
            assert_eq!(answer.is_ok(), expected, "{caller:?} {event_type} under {:?}: {answer:?}", policy.github);
        }
    }

    #[test]
    fn each_role_may_report_its_row_of_the_table_and_nothing_else() {
        for github in GitHubMode::ALL {
            let policy = policy(*github, UnknownAgents::Allow);
            let facts = if *github == GitHubMode::None { WITHOUT_GITHUB } else { &[] };
            assert_may_report_exactly(&policy, &agent("developer"), &[SELF, HOLDER]);
            assert_may_report_exactly(&policy, &agent("developer/ab12c"), &[SELF, HOLDER]);
            assert_may_report_exactly(&policy, &agent("reviewer"), &[SELF, REVIEWER]);
            assert_may_report_exactly(&policy, &agent("architect"), &[SELF]);
            assert_may_report_exactly(&policy, &agent("monitor"), &[SELF, MONITOR, facts]);
            assert_may_report_exactly(&policy, &agent("coordinator"), &[SELF, QUEUE, MONITOR, facts]);
            assert_may_report_exactly(&policy, &Caller::Operator("ada".into()), &[QUEUE, MONITOR, facts]);
            assert_may_report_exactly(&policy, &Caller::Viewer("eve".into()), &[]);
        }
    }

    #[test]
    fn a_stranger_is_a_developer_a_hook_or_refused_as_the_policy_says() {
        let stranger = agent("somebody-else");
        let allowed = policy(GitHubMode::None, UnknownAgents::Allow);
        assert_may_report_exactly(&allowed, &stranger, &[SELF, HOLDER]);
        let hooks = policy(GitHubMode::None, UnknownAgents::Hook);
        assert_may_report_exactly(&hooks, &stranger, &[SELF, HOLDER]);
        assert_eq!(membership_of(&hooks, &AgentId::parse("somebody-else").unwrap()), Ok(Membership::Hook));
        let refused = policy(GitHubMode::None, UnknownAgents::Refuse);
        assert_may_report_exactly(&refused, &stranger, &[]);
    }

    #[test]
    fn what_only_the_daemon_says_is_refused_with_that_reason() {
        let policy = policy(GitHubMode::None, UnknownAgents::Allow);
        let refusal = may_report(&policy, &Caller::Operator("ada".into()), EventType::parse("LEASE_EXPIRED").unwrap());
        let Err(Refusal::Forbidden { why }) = refusal else { panic!("{refusal:?}") };
        assert!(why.contains("the daemon alone"), "{why}");
    }

    /// A new event type must be given to somebody on purpose: this count is the reminder.
    #[test]
    fn every_type_outside_the_lists_is_the_daemons() {
        let given = [SELF, HOLDER, REVIEWER, QUEUE, MONITOR, WITHOUT_GITHUB];
        let given: std::collections::BTreeSet<&str> = given.into_iter().flatten().copied().collect();
        for name in &given {
            assert!(EventType::parse(name).is_some(), "{name} is no event type");
        }
        let daemons = EventType::all().filter(|event_type| Voice::of(*event_type) == Voice::Daemon).count();
        assert_eq!(daemons + given.len(), EventType::all().count());
    }
}
