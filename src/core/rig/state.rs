use std::collections::{BTreeMap, BTreeSet};

use crate::hold::Hold;
use crate::identity::RepoName;
use crate::record;
use crate::time::Timestamp;

record! {
    /// What was last said of a proposal or a milestone.
    pub struct Said {
        /// The event's wire name.
        "type" => event_type: String,
        /// Its version.
        "version" => version: u64,
    }
}

record! {
    /// All that is known of the rig.
    pub struct Rig {
        /// Version of its stream.
        "version" => version: u64,
        /// Held as a whole.
        "paused" => paused: bool,
        /// Repositories that are held.
        "pausedRepos" => paused_repos: BTreeSet<RepoName>,
        /// Version of the last pause or its end.
        "pauseVersion" => pause_version: u64,
        /// The last pause of the whole.
        "held" => held: Option<Hold>,
        /// The last pause of repositories.
        "heldRepos" => held_repos: BTreeMap<RepoName, Hold>,
        /// Newer names of repositories, each with the first one, under which its streams are kept.
        "aliases" => aliases: BTreeMap<RepoName, RepoName>,
        /// Repositories by their id at GitHub, each with the name under which its streams are kept.
        "repositories" => repositories: BTreeMap<u64, RepoName>,
        /// Ids of repositories that are called by the name of another one's streams, with that name.
        "strangers" => strangers: BTreeMap<u64, RepoName>,
        /// Proposals by id.
        "proposals" => proposals: BTreeMap<String, Said>,
        /// Milestones that were completed, by `repo/title`.
        "milestones" => milestones: BTreeMap<String, Said>,
        /// Last event.
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

impl Rig {
    /// A rig of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            version: 0,
            paused: false,
            paused_repos: BTreeSet::new(),
            pause_version: 0,
            held: None,
            held_repos: BTreeMap::new(),
            aliases: BTreeMap::new(),
            repositories: BTreeMap::new(),
            strangers: BTreeMap::new(),
            proposals: BTreeMap::new(),
            milestones: BTreeMap::new(),
            updated_at: None,
        }
    }

    /// The name under which the streams of a repository are kept.
    #[must_use]
    pub fn canonical<'a>(&'a self, repo: &'a RepoName) -> &'a RepoName {
        self.aliases.get(repo).unwrap_or(repo)
    }

    /// When work on a repository was last held, by itself or with the whole rig.
    pub fn holds_of(&self, repo: &RepoName) -> impl Iterator<Item = &Hold> {
        self.held.iter().chain(self.held_repos.get(repo))
    }

    /// Whether work on a repository is held.
    #[must_use]
    pub fn holds(&self, repo: &RepoName) -> bool {
        self.paused || self.paused_repos.contains(repo)
    }
}
