//! What a webhook delivery means: a pure function from what it says to commands.
//!
//! Invariant: interpretation looks at the delivery alone. What depends on the log (is this number a pull request, which pull
//! request has this head) is asked by whoever carries the instructions out.

mod dependencies;
mod interpret;
mod links;
mod prose;
mod reference;
mod webhook;

pub use dependencies::{DEPENDENCIES_AT_MOST, dependencies_in};
pub use interpret::{OWN_CONTEXT, interpret};
pub use links::{Described, LINKS_AT_MOST, links_of};
pub use webhook::{
    Check, CheckKind, FormerName, Issue, NamedPullRequest, PullRequest, Review, Subject, Thread, Webhook, Word,
};

use crate::event::CheckRecorded;
use crate::identity::{IssueRef, PrRef, RepoName};
use crate::issue::IssueCommand;
use crate::pull_request::PullRequestCommand;
use crate::rig::RigCommand;

/// One thing to do because of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Ask an issue.
    Issue(IssueRef, IssueCommand),
    /// Ask a pull request.
    PullRequest(PrRef, PullRequestCommand),
    /// Ask the rig.
    Rig(RigCommand),
    /// A check of one head: for the pull requests named, and every known one with that head; kept where there is none.
    Check {
        /// Where.
        repo: RepoName,
        /// Those that the delivery names.
        pull_requests: Vec<PrRef>,
        /// The check.
        check: CheckRecorded,
    },
    /// A milestone was closed: complete if all its issues are done.
    MilestoneClosed {
        /// Where.
        repo: RepoName,
        /// Its title.
        milestone: String,
    },
}

/// What a delivery comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Interpretation {
    /// Do this, in order.
    Instructions(Vec<Instruction>),
    /// Nothing, and why.
    Ignored(String),
}
