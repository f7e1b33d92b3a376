use crate::event::RigEvent;
use crate::identity::RepoName;
use crate::overrule::Ruling;

/// What may be asked of the rig's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum RigCommand {
    /// A repository got another name, or another owner.
    Rename {
        /// Before.
        from: RepoName,
        /// Since.
        to: RepoName,
    },
    /// GitHub tells of a repository, which it knows by an id that outlives every rename.
    Meet {
        /// The id.
        id: u64,
        /// What it is called there.
        name: RepoName,
        /// What it was called before, where that is what it tells of.
        before: Option<RepoName>,
    },
    /// PROPOSAL_*, MILESTONE_COMPLETE
    Record(Box<RigEvent>),
    /// Hold the rig or one repository, or let it go on.
    Pause {
        /// The repository; absent: the rig.
        repo: Option<RepoName>,
        /// Hold?
        paused: bool,
        /// In whose name, and why.
        by: Ruling,
    },
}
