use conductor_core::event::{
    MilestoneComplete, ProposalApproved, ProposalCreated, ProposalRejected, RepoIdentified, RepoRefused, RepoRenamed,
    RigEvent,
};
use conductor_core::identity::RepoName;

use super::{agent_id, full, issue, repo, some, text};

pub(super) fn examples() -> Vec<RigEvent> {
    let proposal_id = || text("p-1");
    vec![
        full(RepoRenamed { from: repo(), to: RepoName::parse("Acme/Site").unwrap() }).into(),
        full(RepoIdentified { repo: repo(), repository_id: 1_296_269 }).into(),
        full(RepoRefused { repo: repo(), repository_id: 1_296_270, kept_for: 1_296_269 }).into(),
        issue::operator_override().into(),
        full(ProposalCreated {
            proposal_id: proposal_id(),
            agent: Some(agent_id()),
            repo: Some(repo()),
            title: text("Split the module"),
            body: some("It has grown."),
        })
        .into(),
        full(ProposalApproved { proposal_id: proposal_id(), by: some("ada") }).into(),
        full(ProposalRejected { proposal_id: proposal_id(), by: some("ada"), reason: some("later") }).into(),
        full(MilestoneComplete { milestone: text("1.0"), repo: Some(repo()), issue_count: 12 }).into(),
        issue::paused().into(),
        issue::resumed().into(),
    ]
}
