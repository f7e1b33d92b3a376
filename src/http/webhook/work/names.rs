use conductor_core::github::Instruction;
use conductor_core::identity::{IssueRef, RepoName};
use conductor_core::pull_request::PullRequestCommand;

use crate::repo_names::RepoNames;

/// The repository that a delivery is of, known by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Here {
    /// What the delivery calls it.
    pub(super) called: RepoName,
    /// Under which name its streams are kept.
    pub(super) kept: RepoName,
}

/// The same instruction with every repository under the name that is kept: the delivery's own by its id, others by what they
/// are called. A rename speaks of the names themselves.
pub(super) fn canonical(instruction: Instruction, names: &RepoNames, here: Option<&Here>) -> Instruction {
    let kept = |repo: RepoName| match here {
        Some(here) if here.called == repo => here.kept.clone(),
        Some(_) | None => names.kept_under(&repo),
    };
    let known = |reference: IssueRef| IssueRef { repo: kept(reference.repo), number: reference.number };
    match instruction {
        Instruction::Issue(issue, command) => Instruction::Issue(known(issue), command),
        Instruction::PullRequest(pull_request, PullRequestCommand::Observe(mut seen)) => {
            seen.linked_issues = seen.linked_issues.map(|issues| issues.into_iter().map(known).collect());
            Instruction::PullRequest(known(pull_request), PullRequestCommand::Observe(seen))
        }
        Instruction::PullRequest(pull_request, command) => Instruction::PullRequest(known(pull_request), command),
        Instruction::Rig(command) => Instruction::Rig(command),
        Instruction::Check { repo, pull_requests, check } => Instruction::Check {
            repo: kept(repo),
            pull_requests: pull_requests.into_iter().map(known).collect(),
            check,
        },
        Instruction::MilestoneClosed { repo, milestone } => {
            Instruction::MilestoneClosed { repo: kept(repo), milestone }
        }
    }
}
