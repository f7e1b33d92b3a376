#![allow(
    missing_docs,
    reason = "payload fields are named by the domain (docs on the payload); units stand where there are any"
)]

use crate::identity::{AgentId, RepoName};
use crate::record;

use super::{OperatorOverride, Paused, Resumed, events};

record! {
    /// A repository is called otherwise now; the old name goes on as an alias.
    pub struct RepoRenamed {
        "from" => from: RepoName,
        "to" => to: RepoName,
    }
}

record! {
    /// The repository with that id at GitHub is the one whose streams are kept under that name.
    pub struct RepoIdentified {
        "repo" => repo: RepoName,
        "repositoryId" => repository_id: u64,
    }
}

record! {
    /// Another repository is called by the name under which the streams of the one with the id `keptFor` are kept: nothing that
    /// GitHub tells of it is taken.
    pub struct RepoRefused {
        "repo" => repo: RepoName,
        "repositoryId" => repository_id: u64,
        "keptFor" => kept_for: u64,
    }
}

record! {
    /// An agent proposes work.
    pub struct ProposalCreated {
        "proposalId" => proposal_id: String,
        "agentId" => agent: Option<AgentId>,
        "repo" => repo: Option<RepoName>,
        "title" => title: String,
        "body" => body: Option<String>,
    }
}

record! {
    /// A person takes the proposal up.
    pub struct ProposalApproved {
        "proposalId" => proposal_id: String,
        "by" => by: Option<String>,
    }
}

record! {
    /// A person turns the proposal down.
    pub struct ProposalRejected {
        "proposalId" => proposal_id: String,
        "by" => by: Option<String>,
        "reason" => reason: Option<String>,
    }
}

record! {
    /// Every issue of a milestone is done.
    pub struct MilestoneComplete {
        "milestone" => milestone: String,
        "repo" => repo: Option<RepoName>,
        "issueCount" => issue_count: u32,
    }
}

events! {
    /// What the rig's stream says.
    pub enum RigEvent {
        RepoRenamed(RepoRenamed) = "REPO_RENAMED",
        RepoIdentified(RepoIdentified) = "REPO_IDENTIFIED",
        RepoRefused(RepoRefused) = "REPO_REFUSED",
        Override(OperatorOverride) = "OPERATOR_OVERRIDE",
        ProposalCreated(ProposalCreated) = "PROPOSAL_CREATED",
        ProposalApproved(ProposalApproved) = "PROPOSAL_APPROVED",
        ProposalRejected(ProposalRejected) = "PROPOSAL_REJECTED",
        MilestoneComplete(MilestoneComplete) = "MILESTONE_COMPLETE",
        Paused(Paused) = "PAUSED",
        Resumed(Resumed) = "RESUMED",
    }
}
