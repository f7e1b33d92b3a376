use conductor_core::data::{Field, Value};
use conductor_core::event::{
    CiFailed, CiPassed, CiPending, Deployed, DeployedProduction, E2eFailed, E2ePassed, Merged, PrClosed,
    PullRequestEvent, SmokeCause, SmokeFailed, SmokePassed, Verified,
};
use conductor_core::identity::Sha;
use conductor_core::pull_request::{PullRequestCommand, ReviewReport, VerdictKind};

use super::{Asked, Reporting, not_reported};
use crate::error::ApiError;
use crate::json::Properties;

/// What stands for a reason that a reviewer didn't give.
const NO_REASON: &str = "no reason given";

/// Reports that a pull request decides.
pub(super) fn asked(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Asked, ApiError> {
    let pull_request = reporting.place.the_pull_request()?;
    properties.optional::<String>("leaseToken")?;
    let command = match reporting.event_type.as_str() {
        "REVIEW_PASSED" => review(reporting, verdict(VerdictKind::Approved, properties)?, properties)?,
        "REVIEW_DISPUTED" => review(reporting, verdict(VerdictKind::ChangesRequested, properties)?, properties)?,
        "REVIEW_ABSTAINED" => review(reporting, verdict(VerdictKind::Commented, properties)?, properties)?,
        "REVIEW_FAILED" | "AGENT_STUCK" => {
            let reason = properties.optional("reason")?.unwrap_or_else(|| NO_REASON.to_owned());
            review(reporting, ReviewReport::Failed { reason }, properties)?
        }
        _ => PullRequestCommand::Record(Box::new(fact(reporting, properties)?)),
    };
    Ok(Asked::PullRequest(pull_request, command))
}

fn review(
    reporting: Reporting<'_>,
    what: ReviewReport,
    properties: &mut Properties,
) -> Result<PullRequestCommand, ApiError> {
    Ok(PullRequestCommand::ReviewReport { reviewer: reporting.agent()?.clone(), what, head_sha: head_sha(properties)? })
}

fn verdict(kind: VerdictKind, properties: &mut Properties) -> Result<ReviewReport, ApiError> {
    Ok(ReviewReport::Verdict {
        kind,
        body: properties.first_of(&["body", "reason"])?,
        iteration: properties.first_of(&["iteration", "attempt"])?,
    })
}

/// What monitors see. Their own clocks stay beside the event, and whoever reports is `by`.
fn fact(reporting: Reporting<'_>, properties: &mut Properties) -> Result<PullRequestEvent, ApiError> {
    let by = || Some(reporting.caller.actor().to_string());
    Ok(match reporting.event_type.as_str() {
        "CI_PENDING" => CiPending { head_sha: head_sha(properties)? }.into(),
        "CI_PASSED" => CiPassed { head_sha: head_sha(properties)? }.into(),
        "CI_FAILED" => CiFailed {
            head_sha: head_sha(properties)?,
            failed_checks: properties.optional("failedChecks")?.unwrap_or_default(),
            logs: properties.first_of(&["logs", "reason"])?,
        }
        .into(),
        "MERGED" => Merged { merge_sha: properties.first_of(&["mergeSha", "sha"])?, by: by(), updated_at: None }.into(),
        "PR_CLOSED" => PrClosed { by: by(), updated_at: None }.into(),
        "DEPLOYED_STAGING" => PullRequestEvent::DeployedStaging(Deployed {
            environment: properties.first_of(&["environment", "reason"])?,
            sha: properties.first_of(&["sha", "headSha"])?,
        }),
        "DEPLOYED_PRODUCTION" => DeployedProduction {
            environment: properties.first_of(&["environment", "reason"])?,
            sha: properties.first_of(&["sha", "headSha"])?,
        }
        .into(),
        "SMOKE_PASSED" => SmokePassed { environment: properties.first_of(&["environment", "reason"])? }.into(),
        "SMOKE_FAILED" => SmokeFailed {
            cause: cause(properties)?,
            retry_count: properties.first_of(&["retryCount", "attempt"])?.unwrap_or_default(),
            details: properties.optional("details")?,
        }
        .into(),
        "E2E_PASSED" => properties.record::<E2ePassed>(&[])?.into(),
        "E2E_FAILED" => properties.record::<E2eFailed>(&[])?.into(),
        "VERIFIED" => Verified { by: by() }.into(),
        _ => return Err(not_reported(reporting.event_type)),
    })
}

fn head_sha(properties: &mut Properties) -> Result<Option<Sha>, ApiError> {
    Ok(properties.first_of(&["headSha", "sha"])?)
}

fn cause(properties: &mut Properties) -> Result<SmokeCause, ApiError> {
    let word: String = properties.required_of(&["cause", "reason"])?;
    let read = SmokeCause::read(&Value::Text(word.to_ascii_lowercase().into()));
    Ok(read.map_err(|error| error.within("cause"))?)
}
