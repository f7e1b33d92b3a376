use conductor_core::github::Instruction;
use conductor_core::identity::{IssueRef, RepoName};
use conductor_core::pull_request::PullRequestCommand;

/// Under which name the log knows a repository, which may have been called otherwise before.
pub trait RepoNames: Send + Sync {
    /// The name under which its streams stand.
    fn canonical(&self, repo: &RepoName) -> RepoName;
}

/// Every repository goes by the name that it is called by: no rename is known.
#[derive(Debug, Clone, Copy)]
pub struct AsSpelled;

impl RepoNames for AsSpelled {
    fn canonical(&self, repo: &RepoName) -> RepoName {
        repo.clone()
    }
}

/// The same instruction with every repository under the log's name for it. A rename speaks of the names themselves.
pub(super) fn canonical(instruction: Instruction, names: &dyn RepoNames) -> Instruction {
    let known = |reference: IssueRef| IssueRef { repo: names.canonical(&reference.repo), number: reference.number };
    match instruction {
        Instruction::Issue(issue, command) => Instruction::Issue(known(issue), command),
        Instruction::PullRequest(pull_request, PullRequestCommand::Observe(mut seen)) => {
            seen.linked_issues = seen.linked_issues.map(|issues| issues.into_iter().map(known).collect());
            Instruction::PullRequest(known(pull_request), PullRequestCommand::Observe(seen))
        }
        Instruction::PullRequest(pull_request, command) => Instruction::PullRequest(known(pull_request), command),
        Instruction::Rig(command) => Instruction::Rig(command),
        Instruction::Check { repo, pull_requests, check } => Instruction::Check {
            repo: names.canonical(&repo),
            pull_requests: pull_requests.into_iter().map(known).collect(),
            check,
        },
        Instruction::MilestoneClosed { repo, milestone } => {
            Instruction::MilestoneClosed { repo: names.canonical(&repo), milestone }
        }
    }
}
