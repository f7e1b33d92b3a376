//! Settings: one TOML file and the environment, read into one typed tree and checked as a whole.
//!
//! Every mistake is found in one go and has its place (`conductor.toml:12`, or the name of the variable); a tree with a mistake
//! is never handed out. The environment beats the file. Secrets come from the environment, or from a file that it names, and
//! never from the TOML file.
//!
//! | File | Concern |
//! |---|---|
//! | `agents`, `people`, `roster_rules` | who there is, and what must hold between them |
//! | `repos`, `timers`, `retention` | rules per repository, periods, how long things are kept |
//! | `server`, `limits` | where to listen, whom to believe there, how much one caller may ask |
//! | `store`, `valkey`, `github`, `log`, `tuning` | where to keep, by whom to wake agents, how much of GitHub is seen, what to tell, limits of the rings |
//! | `later` | what is set but not acted upon by this version: said at start, never passed over |
//! | `document`, `section`, `findings`, `similar`, `period` | reading with places and did-you-mean |
//! | `environment`, `secret` | variables and what they hold |
//! | `report`, `show` | the answers of `config check` and `config show` |

mod agents;
mod document;
mod environment;
mod findings;
mod github;
mod later;
mod limits;
mod log;
mod people;
pub(crate) mod period;
mod report;
mod repos;
mod retention;
mod roster_rules;
mod secret;
mod section;
mod server;
mod show;
mod store;
mod timers;
mod tuning;
mod valkey;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use conductor_core::authority::IdentityMode;
use conductor_core::roster::{GitHubMode, Policy, Roster, UnknownAgents};
use conductor_http::caller::RateSettings;
use ipnet::IpNet;

pub use environment::Environment;
pub use findings::{Mistake, Mistakes, Place};
pub use log::{Log, LogFormat};
pub use report::{Checked, check};
pub use retention::Retention;
pub use secret::Secret;
pub use server::most_readers;
pub use show::{Effective, Written};
pub use store::Store;
pub use tuning::Tuning;

use document::Document;
use findings::Findings;
use section::Section;

/// The exit code for settings with mistakes (`EX_CONFIG` of sysexits.h, relied upon by scripts).
pub const EXIT_BAD_SETTINGS: u8 = 78;

/// All settings, sound as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The file that they come from; `None`: the built-in rig.
    pub file: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Connections at once, as far as the system allows as many.
    pub connections: usize,
    /// Readers of the live feed at once, half of the connections at most.
    pub live_readers: usize,
    /// How callers are told apart.
    pub identity: IdentityMode,
    /// Whose direct connections are believed where identity is `trusted-network`.
    pub trusted_networks: Vec<IpNet>,
    /// How much one caller may ask; `None`: not counted.
    pub rates: Option<RateSettings>,
    /// Where the log is kept.
    pub store: Store,
    /// The broker that wakes agents; `None`: they pull their work.
    pub valkey: Option<Secret>,
    /// What webhooks are signed with; `None` closes that endpoint.
    pub webhook_secret: Option<Secret>,
    /// What the rules look up.
    pub policy: Policy,
    /// What is told while running.
    pub log: Log,
    /// How long what runtimes tell is kept.
    pub retention: Retention,
    /// Limits that deviate from those of the rings.
    pub tuning: Tuning,
    /// What is set but not acted upon, to be logged at start.
    pub notices: Vec<String>,
}

impl Settings {
    /// The settings of that environment, and of the file that its `CONDUCTOR_CONFIG` names.
    ///
    /// # Errors
    /// All mistakes that there are, each with its place.
    pub fn load(environment: &Environment) -> Result<Self, Mistakes> {
        Self::load_with(None, environment)
    }

    /// The same with a file that was named elsewhere; it goes before `CONDUCTOR_CONFIG`.
    ///
    /// # Errors
    /// All mistakes that there are, each with its place.
    pub fn load_with(file: Option<&Path>, environment: &Environment) -> Result<Self, Mistakes> {
        let findings = Findings::default();
        let document = Document::open(file, environment, &findings);
        // Behind a file that isn't TOML every setting seems to be missing: its own mistakes are the ones to show.
        findings.sound()?;
        let root = Section::root(&document, &findings);
        let settings = Self::read(&root, environment, &findings);
        root.close();
        findings.sound()?;
        Ok(Self { file: document.path, notices: findings.notices(), ..settings })
    }

    /// Where a daemon of these settings listens. For whoever only wants to ask it: nothing else of them is judged, and secrets
    /// in files that are not his to read don't matter.
    #[must_use]
    pub fn bind_of(file: Option<&Path>, environment: &Environment) -> SocketAddr {
        let findings = Findings::default();
        let document = Document::open(file, environment, &findings);
        server::bind(&Section::root(&document, &findings), environment, &findings)
    }

    fn read(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Self {
        let webhook_secret = github::read(root, environment, findings);
        let github = if webhook_secret.is_some() { GitHubMode::Webhook } else { GitHubMode::None };
        let server::Server { bind, connections, live_readers, identity, trusted_networks } =
            server::read(root, environment, findings);
        let unknown_agents = root.field("unknown_agents").map_or(strangers(identity), |found| found.value);
        let roster = roster(root, findings);
        let served = |stack: &str| unknown_agents == UnknownAgents::Allow || roster_rules::is_served(&roster, stack);
        let repo_defaults = repos::read_defaults(root, &served, findings);
        let repos = repos::read(root, &repo_defaults, &served, findings);
        let timers = timers::read(root, findings);
        let policy = Policy { roster, unknown_agents, github, repo_defaults, repos, timers };
        later::notice(environment, findings);
        environment.notice_misspelt(findings);
        Self {
            file: None,
            bind,
            connections,
            live_readers,
            identity,
            trusted_networks,
            rates: limits::read(root, identity, findings),
            store: store::read(root, environment, findings),
            valkey: valkey::read(environment, findings),
            webhook_secret,
            policy,
            log: log::read(root, environment, findings),
            retention: retention::read(root),
            tuning: tuning::read(root, findings),
            notices: Vec::new(),
        }
    }
}

/// What an agent outside the roster is, where the file doesn't say.
fn strangers(identity: IdentityMode) -> UnknownAgents {
    match identity {
        IdentityMode::Open => UnknownAgents::Allow,
        IdentityMode::TrustedNetwork => UnknownAgents::Hook,
        IdentityMode::Token => UnknownAgents::Refuse,
    }
}

/// A file that names no agents has those that are built in.
fn roster(root: &Section<'_>, findings: &Findings) -> Roster {
    let agents = agents::read(root, findings).unwrap_or_else(agents::built_in);
    let people = people::read(root, findings);
    roster_rules::check(&agents, &people, findings);
    Roster {
        agents: agents.into_iter().map(|placed| placed.profile).collect(),
        people: people.into_iter().map(|placed| placed.person).collect(),
    }
}

#[cfg(test)]
mod tests;
