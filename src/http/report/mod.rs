//! `POST /api/events`: what a flat report of a client means, as one command to one stream.
//!
//! The shape is that of clients which can't be changed: one flat object for all types, in which `reason`, `attempt` and
//! `issueNumber` mean different things by type. Those old names end here; proper names are taken first.
//!
//! 1. [`Place`] takes out where it happened and asks the read models what that number is.
//! 2. [`translate`] is pure: type, caller, place and properties in, a command out.
//! 3. [`deliver`](Asked::deliver) hands the command to the actors.

mod agent;
mod asked;
mod issue;
mod place;
mod pull_request;
mod rig;
mod shapes;

use conductor_core::authority::{Caller, Membership, Voice, membership_of};
use conductor_core::data::Value;
use conductor_core::event::EventType;
use conductor_core::identity::{AgentId, Claimant, IssueRef};
use conductor_core::roster::{Policy, Role};

pub use asked::{Asked, Reply};
pub use place::{Place, Sought};
pub use shapes::{ReportShape, schema_of, shapes};

use crate::error::ApiError;
use crate::json::Properties;

/// A report, understood.
#[derive(Debug, PartialEq)]
pub struct Report {
    /// What is asked, of which stream.
    pub asked: Asked,
    /// The issue that it is about, where the stream isn't it.
    pub correlation: Option<IssueRef>,
    /// What the client sent beside: unknown properties, its own timestamps.
    pub extra: Value<'static>,
}

/// All that a translation may look at beside the properties.
#[derive(Debug, Clone, Copy)]
struct Reporting<'a> {
    event_type: EventType,
    caller: &'a Caller,
    policy: &'a Policy,
    place: &'a Place,
}

impl Reporting<'_> {
    /// The agent that reports; types that need one are refused earlier without.
    fn claimant(&self) -> Result<&Claimant, ApiError> {
        self.caller.claimant().ok_or_else(|| missing_agent(self.event_type))
    }

    fn membership(&self) -> Result<Membership, ApiError> {
        Ok(membership_of(self.policy, self.agent()?)?)
    }

    fn agent(&self) -> Result<&AgentId, ApiError> {
        self.claimant().map(|claimant| &claimant.agent)
    }
}

/// The property by which a client says who it is, or (for assignments) whom it means.
pub const AGENT_ID: &str = "agentId";

/// The property by which a holder shows its lease.
pub const LEASE_TOKEN: &str = "leaseToken";

/// Whether `agentId` names whom the event is about, and not who reports it.
#[must_use]
pub fn agent_is_the_object(event_type: EventType) -> bool {
    matches!(event_type.as_str(), "ISSUE_ASSIGNED" | "ISSUE_UNASSIGNED")
}

/// The refusal of a report that must name its agent and doesn't.
#[must_use]
pub fn missing_agent(event_type: EventType) -> ApiError {
    ApiError::malformed(format!("{AGENT_ID} is missing: {event_type} is what an agent reports, say which one"))
}

/// What a report asks for. Whether the caller may ask it at all is decided before.
///
/// # Errors
/// When a property is missing or malformed, or the type needs a pull request or issue where none is known.
pub fn translate(
    event_type: EventType,
    caller: &Caller,
    policy: &Policy,
    place: &Place,
    mut properties: Properties,
) -> Result<Report, ApiError> {
    let reporting = Reporting { event_type, caller, policy, place };
    let asked = asked(reporting, &mut properties)?;
    let correlation = match &asked {
        Asked::Issue(..) | Asked::Rig(..) => None,
        Asked::PullRequest(..) => place.issue().cloned(),
        Asked::Agent(_, command) => agent::issue_of(command),
    };
    Ok(Report { asked, correlation, extra: properties.rest() })
}

fn asked(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Asked, ApiError> {
    match translator(reporting.event_type) {
        Some(Translator::Issue | Translator::IssueByPullRequest) => issue::asked(reporting, properties),
        Some(Translator::IssueOrReview) if reviews(reporting)? => pull_request::asked(reporting, properties),
        Some(Translator::IssueOrReview) => issue::asked(reporting, properties),
        Some(Translator::PullRequest) => pull_request::asked(reporting, properties),
        Some(Translator::Agent) => agent::asked(reporting, properties),
        Some(Translator::Rig) => rig::asked(reporting, properties),
        None => Err(not_reported(reporting.event_type)),
    }
}

/// Who translates a type of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Translator {
    /// An issue decides it, and it is about nothing else.
    Issue,
    /// An issue decides it, and it names a pull request.
    IssueByPullRequest,
    /// An issue, or of a reviewer the pull request that it reviews.
    IssueOrReview,
    PullRequest,
    Agent,
    Rig,
}

/// The one table of types that are reported; `None` for what the daemon alone says.
fn translator(event_type: EventType) -> Option<Translator> {
    Some(match event_type.as_str() {
        "ISSUE_APPROVED"
        | "ISSUE_ASSIGNED"
        | "ISSUE_UNASSIGNED"
        | "ISSUE_CANCELLED"
        | "ISSUE_REOPENED"
        | "ISSUE_DONE"
        | "ESCALATED"
        | "PRIORITY_CHANGED"
        | "DEPENDENCIES_CHANGED"
        | "WORK_STARTED"
        | "BRANCH_CREATED" => Translator::Issue,
        "PR_CREATED" => Translator::IssueByPullRequest,
        "AGENT_STUCK" => Translator::IssueOrReview,
        "REVIEW_PASSED"
        | "REVIEW_DISPUTED"
        | "REVIEW_ABSTAINED"
        | "REVIEW_FAILED"
        | "CI_PENDING"
        | "CI_PASSED"
        | "CI_FAILED"
        | "MERGED"
        | "PR_CLOSED"
        | "DEPLOYED_STAGING"
        | "DEPLOYED_PRODUCTION"
        | "SMOKE_PASSED"
        | "SMOKE_FAILED"
        | "E2E_PASSED"
        | "E2E_FAILED"
        | "VERIFIED" => Translator::PullRequest,
        "HEARTBEAT"
        | "AGENT_QUOTA_REPORTED"
        | "GUARD_BLOCKED"
        | "TOKEN_USAGE"
        | "CLI_STARTED"
        | "CLI_PROGRESS"
        | "CLI_COMPLETED"
        | "MEMORY_WRITE"
        | "MEMORY_READ"
        | "MEMORY_HIT_USED" => Translator::Agent,
        "PROPOSAL_CREATED" | "PROPOSAL_APPROVED" | "PROPOSAL_REJECTED" | "MILESTONE_COMPLETE" => Translator::Rig,
        _ => return None,
    })
}

/// The answer for types without a translation. Authority refuses them first; this keeps the match total.
fn not_reported(event_type: EventType) -> ApiError {
    ApiError::forbidden(format!("{event_type} is said by the daemon alone: report what happened instead"))
}

/// Whether the caller's AGENT_STUCK is about a review.
fn reviews(reporting: Reporting<'_>) -> Result<bool, ApiError> {
    Ok(reporting.membership()? == Membership::Role(Role::Reviewer))
}

/// Whether the type is about an issue or pull request, so that its place must be looked up.
#[must_use]
pub fn has_place(event_type: EventType) -> bool {
    match Voice::of(event_type) {
        Voice::Holder | Voice::HolderOrReviewer | Voice::Reviewer | Voice::Monitor | Voice::MonitorWithoutGitHub => {
            true
        }
        Voice::Queue => {
            !matches!(event_type.as_str(), "PROPOSAL_APPROVED" | "PROPOSAL_REJECTED" | "MILESTONE_COMPLETE")
        }
        Voice::EveryAgent | Voice::Daemon => false,
    }
}

/// What the translation of a report asks its place for: most that an issue decides are about nothing else.
#[must_use]
pub fn sought(event_type: EventType) -> Sought {
    match translator(event_type) {
        Some(Translator::Issue) => Sought::Issue,
        Some(
            Translator::IssueByPullRequest
            | Translator::IssueOrReview
            | Translator::PullRequest
            | Translator::Agent
            | Translator::Rig,
        )
        | None => Sought::PullRequest,
    }
}

#[cfg(test)]
mod tests;
