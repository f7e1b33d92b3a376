//! Whether a verdict is wanted at all: which pull requests are to be reviewed.

use std::collections::BTreeMap;

use crate::decider::StreamState;
use crate::event::{IssueState, PullRequestState, ReviewState};
use crate::identity::{Login, StreamId};
use crate::issue::{Issue, NEEDS_REVIEW, has_label};
use crate::pull_request::PullRequest;
use crate::roster::Policy;

/// The label by which a person merges a change by hand.
const MANUAL_MERGE: &str = "manual-merge";

/// Bots that only raise versions of dependencies. People look at those.
const DEPENDENCY_BOTS: [&str; 7] = [
    "dependabot[bot]",
    "dependabot-preview[bot]",
    "renovate[bot]",
    "renovate-bot",
    "depfu[bot]",
    "snyk-bot",
    "greenkeeper[bot]",
];

/// Why no verdict is wanted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWanted {
    /// Only facts of it came.
    Unknown,
    /// Merged, closed or superseded.
    NotOpen,
    /// Its author isn't done.
    Draft,
    /// A person merges it by hand.
    ManualMerge,
    /// Nobody reviews those.
    DependencyBot,
    /// A person's own, and nobody asked.
    NotAsked,
    /// There is one.
    Judged,
    /// Its author mends it first.
    Rework,
    /// No issue waits for it.
    NoIssueInReview,
}

impl std::fmt::Display for NotWanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "it is not known yet",
            Self::NotOpen => "it is not open, or out of the play",
            Self::Draft => "it is a draft",
            Self::ManualMerge => "it has the label manual-merge, by which a person keeps it to themselves",
            Self::DependencyBot => "it is a dependency bot's, and those are not reviewed",
            Self::NotAsked => "it is a person's, without the label needs-review",
            Self::Judged => "its head has a verdict",
            Self::Rework => "its head needs more commits: red checks, a conflict, or a rejected gate",
            Self::NoIssueInReview => "no issue of it is in review",
        })
    }
}

/// Whether this head wants a verdict, pauses and time aside.
pub(super) fn wanted(
    pull: &PullRequest,
    neighbours: &BTreeMap<StreamId, StreamState>,
    policy: &Policy,
) -> Result<(), NotWanted> {
    let is_dependency_bot =
        |author: &Login| DEPENDENCY_BOTS.iter().any(|bot| author.as_str().eq_ignore_ascii_case(bot));
    let review = pull.reviews().state;
    if !pull.known {
        Err(NotWanted::Unknown)
    } else if pull.shown_state() != PullRequestState::Open {
        Err(NotWanted::NotOpen)
    } else if pull.draft {
        Err(NotWanted::Draft)
    } else if has_label(&pull.labels, MANUAL_MERGE) {
        Err(NotWanted::ManualMerge)
    } else if pull.author.as_ref().is_some_and(is_dependency_bot) {
        Err(NotWanted::DependencyBot)
    } else if is_a_persons(pull, policy) && !has_label(&pull.labels, NEEDS_REVIEW) {
        Err(NotWanted::NotAsked)
    } else if matches!(review, ReviewState::Approved | ReviewState::Disputed) {
        Err(NotWanted::Judged)
    } else if !pull.is_in_review() {
        Err(NotWanted::Rework)
    } else if !is_awaited(pull, neighbours) {
        Err(NotWanted::NoIssueInReview)
    } else {
        Ok(())
    }
}

/// Whether an issue of it is in review with this pull request, or it has none that could be.
#[must_use]
pub fn is_awaited(pull: &PullRequest, neighbours: &BTreeMap<StreamId, StreamState>) -> bool {
    let mut tracked = tracked(pull, neighbours).peekable();
    tracked.peek().is_none() || tracked.any(|issue| awaits(issue, pull))
}

/// Whether this issue is in review with this pull request.
#[must_use]
pub fn awaits(issue: &Issue, pull: &PullRequest) -> bool {
    issue.state() == Some(IssueState::InReview) && issue.current.as_ref() == Some(&pull.reference)
}

/// The issues that it is for, of those that somebody approved.
pub(super) fn tracked<'a>(
    pull: &PullRequest,
    neighbours: &'a BTreeMap<StreamId, StreamState>,
) -> impl Iterator<Item = &'a Issue> {
    let linked = pull.issues();
    neighbours
        .values()
        .filter_map(move |neighbour| match neighbour {
            StreamState::Issue(issue) => Some(&**issue).filter(|issue| linked.contains(&issue.reference)),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        })
        .filter(|issue| issue.state().is_some())
}

/// A person's own change: not reported by an agent, and opened by a login that is no bot's and no agent's.
fn is_a_persons(pull: &PullRequest, policy: &Policy) -> bool {
    let is_bot = |author: &Login| {
        author.as_str().to_ascii_lowercase().ends_with("[bot]") || policy.roster.agents_of(author).next().is_some()
    };
    pull.agent.is_none() && pull.reported_for.is_empty() && pull.author.as_ref().is_some_and(|author| !is_bot(author))
}
