use conductor_core::event::{MilestoneComplete, ProposalApproved, ProposalCreated, ProposalRejected, RigEvent};
use conductor_core::rig::RigCommand;

use super::{Asked, Reporting, not_reported};
use crate::error::ApiError;
use crate::json::Properties;

/// Reports about the rig as a whole.
pub(super) fn asked(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Asked, ApiError> {
    properties.optional::<String>("leaseToken")?;
    let by = || Some(reporting.caller.actor().to_string());
    let event: RigEvent = match reporting.event_type.as_str() {
        "PROPOSAL_CREATED" => ProposalCreated {
            proposal_id: properties.required("proposalId")?,
            agent: Some(reporting.agent()?.clone()),
            repo: properties.optional("repo")?,
            title: properties.required("title")?,
            body: properties.first_of(&["body", "reason"])?,
        }
        .into(),
        "PROPOSAL_APPROVED" => ProposalApproved { proposal_id: properties.required("proposalId")?, by: by() }.into(),
        "PROPOSAL_REJECTED" => ProposalRejected {
            proposal_id: properties.required("proposalId")?,
            by: by(),
            reason: properties.optional("reason")?,
        }
        .into(),
        "MILESTONE_COMPLETE" => MilestoneComplete {
            milestone: properties.required_of(&["milestone", "title"])?,
            repo: properties.optional("repo")?,
            issue_count: properties.required_of(&["issueCount", "issueNumber"])?,
        }
        .into(),
        _ => return Err(not_reported(reporting.event_type)),
    };
    Ok(Asked::Rig(RigCommand::Record(Box::new(event))))
}
