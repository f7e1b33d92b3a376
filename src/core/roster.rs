//! Agents, people, repositories and policies, as configured: data, checked outside (`src/config`), asked here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::identity::{AgentId, Login, RepoName};
use crate::time::{Timestamp, hours, minutes};

crate::words! {
    /// What an agent is for; its rights follow from it.
    pub enum Role {
        /// Holds leases, writes code, approves nothing.
        Developer = "developer",
        /// Gives verdicts, holds no work lease.
        Reviewer = "reviewer",
        /// Reports deployments and tests.
        Monitor = "monitor",
        /// Thinks ahead; reports telemetry and proposals.
        Architect = "architect",
        /// May do what an operator may with the queue.
        Coordinator = "coordinator",
    }
}

crate::words! {
    /// How much of GitHub the daemon sees.
    pub enum GitHubMode {
        /// Neither webhook secret nor credentials: agents' and monitors' reports are the facts.
        None = "none",
        /// A webhook secret: verdicts, CI and merges come from GitHub alone.
        Webhook = "webhook",
        /// API credentials too.
        Connected = "connected",
    }
}

crate::words! {
    /// What becomes of an agent that isn't in the roster.
    pub enum UnknownAgents {
        /// Taken as a developer for any stack.
        Allow = "allow",
        /// A person's hook: its WORK_STARTED claims, it is never handed work.
        Hook = "hook",
        /// 403.
        Refuse = "refuse",
    }
}

/// One agent of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProfile {
    /// Its id.
    pub id: AgentId,
    /// What it is for.
    pub role: Role,
    /// Stacks that it serves; empty: any.
    pub stacks: Vec<String>,
    /// Escalation tags that it serves, such as `requires-macos`.
    pub tags: Vec<String>,
    /// Its logins at GitHub; agents may share one.
    pub logins: Vec<Login>,
    /// Live leases at once.
    pub capacity: u32,
}

/// One person of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name, as tokens carry it.
    pub name: String,
    /// Logins at GitHub.
    pub logins: Vec<Login>,
    /// May give verdicts and decide gates.
    pub approve: bool,
    /// May do what an operator token may.
    pub operate: bool,
}

/// Agents in the order of the file (ties go to the first) and people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// The agents.
    pub agents: Vec<AgentProfile>,
    /// The people.
    pub people: Vec<Person>,
}

/// What a repository deviates in from the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepoPolicy {
    /// Checks that must pass; empty: every check seen for the head.
    pub required_checks: Vec<String>,
    /// After the merge the issue is `deploying` until VERIFIED.
    pub deploys: bool,
    /// A head without any check may be merged.
    pub ci_optional: bool,
    /// The stack of its issues, where nothing else says so.
    pub stack: Option<String>,
}

/// Everything that rules look up in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who there is.
    pub roster: Roster,
    /// What becomes of strangers.
    pub unknown_agents: UnknownAgents,
    /// How much of GitHub is seen.
    pub github: GitHubMode,
    /// The defaults for repositories.
    pub repo_defaults: RepoPolicy,
    /// Deviations, by repository.
    pub repos: BTreeMap<RepoName, RepoPolicy>,
    /// Periods of the rules.
    pub timers: Timers,
}

/// Periods of the rules; each default is the domain's figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// A lease, from its claim or last renewal.
    pub lease: Duration,
    /// From the last heartbeat to "offline" in what readers see.
    pub online_within: Duration,
    /// From the last heartbeat to AGENT_OFFLINE.
    pub offline_after: Duration,
    /// A normal issue rises one level after this long, never to critical.
    pub ageing: Duration,
    /// A person's hook holds an issue at most this long.
    pub hook_lease: Duration,
    /// From when a head could be reviewed to the first dispatch: what else is on its way comes first.
    pub review_after: Duration,
    /// A reviewer has this long for a verdict.
    pub review_deadline: Duration,
    /// From one dispatch to the next about the same head, once every reviewer was asked.
    pub review_apart: Duration,
    /// What a merge waits for didn't change for this long: whoever can meet it is told.
    pub merge_reminder: Duration,
    /// And after this long, a person takes it over.
    pub merge_blocked: Duration,
    /// A lease without progress lasts at most this long, however lively its holder is.
    pub no_progress: Duration,
    /// A stream entry that its reader has not acknowledged for this long may be that of a dead one.
    pub entry_idle: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            lease: minutes(30),
            online_within: minutes(2),
            offline_after: minutes(10),
            ageing: Duration::from_secs(72 * 3600),
            hook_lease: Duration::from_secs(24 * 3600),
            review_after: minutes(2),
            review_deadline: minutes(30),
            review_apart: minutes(30),
            merge_reminder: hours(2),
            merge_blocked: hours(24),
            no_progress: hours(4),
            entry_idle: minutes(5),
        }
    }
}

impl Timers {
    /// Whether an agent that was last heard from then is there.
    #[must_use]
    pub fn is_online(&self, heard: Option<Timestamp>, now: Timestamp) -> bool {
        heard.is_some_and(|heard| now.since(heard) <= self.online_within)
    }
}

impl Roster {
    /// The rig that is built in: four developers and two reviewers.
    #[must_use]
    pub fn built_in() -> Self {
        let agent = |id: &str, role, stack: &[&str], tags: &[&str], logins: &[&str]| AgentProfile {
            id: AgentId::parse(id).expect("ids of the built-in roster are agent ids"),
            role,
            stacks: stack.iter().map(|stack| (*stack).to_owned()).collect(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            logins: logins
                .iter()
                .map(|login| Login::parse(login).expect("logins of the built-in roster are logins"))
                .collect(),
            capacity: 1,
        };
        let bot = &["dev-e-bot[bot]"];
        Self {
            agents: vec![
                agent("dev-e-node", Role::Developer, &["node"], &[], bot),
                agent("dev-e-dotnet", Role::Developer, &["dotnet"], &[], bot),
                agent("dev-e-python", Role::Developer, &["python"], &[], bot),
                agent("ibuild-e", Role::Developer, &["ios"], &["requires-macos"], bot),
                agent("review-e", Role::Reviewer, &[], &[], &["review-e-bot[bot]", "review-e-dashecorp"]),
                agent("review-e-codex", Role::Reviewer, &[], &[], &["review-e-codex-bot[bot]"]),
            ],
            people: Vec::new(),
        }
    }

    /// The agent with that id.
    #[must_use]
    pub fn agent(&self, id: &AgentId) -> Option<&AgentProfile> {
        self.agents.iter().find(|agent| agent.id == *id)
    }

    /// The agents that use that login.
    pub fn agents_of(&self, login: &Login) -> impl Iterator<Item = &AgentProfile> {
        self.agents.iter().filter(move |agent| agent.logins.contains(login))
    }

    /// The person with that login.
    #[must_use]
    pub fn person_of(&self, login: &Login) -> Option<&Person> {
        self.people.iter().find(|person| person.logins.contains(login))
    }
}

impl Policy {
    /// The built-in rig under this much of GitHub.
    #[must_use]
    pub fn built_in(github: GitHubMode) -> Self {
        Self {
            roster: Roster::built_in(),
            unknown_agents: UnknownAgents::Allow,
            github,
            repo_defaults: RepoPolicy::default(),
            repos: BTreeMap::new(),
            timers: Timers::default(),
        }
    }

    /// The rules for a repository.
    #[must_use]
    pub fn repo(&self, repo: &RepoName) -> &RepoPolicy {
        self.repos.get(repo).unwrap_or(&self.repo_defaults)
    }
}
