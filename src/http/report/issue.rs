use conductor_core::data::{Field, FieldError, Value};
use conductor_core::event::{IssueApproved, Priority};
use conductor_core::identity::{Claimant, IssueRef, RepoName, Sha};
use conductor_core::issue::{Claim, ClaimVia, Hand, HolderReport, IssueCommand, Reported, priority_of_labels};

use super::{AGENT_ID, Asked, Reporting, not_reported};
use crate::error::ApiError;
use crate::json::Properties;

/// Where an approval that came through the API says it came from.
const SOURCE: &str = "api";
/// What stands for a reason that a client didn't give.
const NO_REASON: &str = "no reason given";

/// Reports that an issue decides.
pub(super) fn asked(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Asked, ApiError> {
    let issue = reporting.place.the_issue()?;
    let token: Option<String> = properties.optional("leaseToken")?;
    let hand = Hand::of(&reporting.caller.actor());
    let command = match reporting.event_type.as_str() {
        "ISSUE_APPROVED" => IssueCommand::Approve { approval: Box::new(approval(&issue, properties)?), hand },
        "ISSUE_ASSIGNED" => {
            IssueCommand::Claim(Claim { claimant: properties.required(AGENT_ID)?, via: ClaimVia::Push })
        }
        "ISSUE_UNASSIGNED" => {
            let claimant = properties.optional::<Claimant>(AGENT_ID)?;
            IssueCommand::Unassign { agent: claimant.map(|claimant| claimant.agent), reason: reason(properties)? }
        }
        "ISSUE_CANCELLED" => IssueCommand::Cancel { reason: reason(properties)?, hand },
        "ISSUE_REOPENED" => IssueCommand::Reopen,
        "ISSUE_DONE" => IssueCommand::Finish { by: reporting.caller.actor().to_string(), hand },
        "ESCALATED" => IssueCommand::Escalate { reason: reason(properties)? },
        "PRIORITY_CHANGED" => IssueCommand::Prioritise { priority: required_priority(properties)? },
        "DEPENDENCIES_CHANGED" => IssueCommand::Depend {
            on: dependencies(&issue.repo, properties)?
                .ok_or_else(|| ApiError::malformed("dependsOn is missing: send the list, [] for none"))?,
        },
        "WORK_STARTED" => {
            return held(reporting, issue, token, Reported::Started { branch: properties.optional("branch")? });
        }
        "BRANCH_CREATED" => {
            return held(reporting, issue, token, Reported::Branch { branch: properties.required("branch")? });
        }
        "PR_CREATED" => return held(reporting, issue, token, pull_request(reporting, properties)?),
        "AGENT_STUCK" => return held(reporting, issue, token, Reported::Stuck { reason: reason(properties)? }),
        _ => return Err(not_reported(reporting.event_type)),
    };
    Ok(Asked::Issue(issue, Box::new(command)))
}

fn held(reporting: Reporting<'_>, issue: IssueRef, token: Option<String>, what: Reported) -> Result<Asked, ApiError> {
    let report = HolderReport { by: reporting.claimant()?.clone(), token, what };
    Ok(Asked::Issue(issue, Box::new(IssueCommand::Report(report))))
}

fn pull_request(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Reported, ApiError> {
    let pull_request = reporting.place.the_pull_request()?;
    Ok(Reported::PullRequest {
        repo: pull_request.repo,
        number: pull_request.number,
        url: properties.optional("prUrl")?,
        branch: properties.optional("branch")?,
        head_sha: properties.first_of::<Sha>(&["headSha", "sha"])?,
    })
}

fn approval(issue: &IssueRef, properties: &mut Properties) -> Result<IssueApproved, ApiError> {
    let title: String = properties.required("title")?;
    if title.trim().is_empty() {
        return Err(ApiError::malformed("title is empty: send the issue's title"));
    }
    let labels: Vec<String> = properties.optional("labels")?.unwrap_or_default();
    Ok(IssueApproved {
        title,
        url: properties.first_of(&["url", "issueUrl"])?,
        body: properties.optional("body")?,
        priority: priority(properties)?.unwrap_or_else(|| priority_of_labels(&labels)),
        depends_on: dependencies(&issue.repo, properties)?.unwrap_or_default(),
        stack: properties.optional("stack")?,
        escalate: properties.optional("escalate")?.unwrap_or_default(),
        tools: properties.optional("tools")?.unwrap_or_default(),
        test_command: properties.optional("testCommand")?,
        build_command: properties.optional("buildCommand")?,
        milestone: properties.optional("milestone")?,
        labels,
        source: SOURCE.to_owned(),
        new_life: false,
        updated_at: None,
    })
}

fn reason(properties: &mut Properties) -> Result<String, ApiError> {
    Ok(properties.optional("reason")?.unwrap_or_else(|| NO_REASON.to_owned()))
}

/// Priorities are words of ours, so their casing isn't worth a refusal.
fn priority(properties: &mut Properties) -> Result<Option<Priority>, ApiError> {
    let Some(word) = properties.optional::<String>("priority")? else { return Ok(None) };
    let read = Priority::read(&Value::Text(word.to_ascii_lowercase().into()));
    Ok(Some(read.map_err(|error| error.within("priority"))?))
}

fn required_priority(properties: &mut Properties) -> Result<Priority, ApiError> {
    priority(properties)?.ok_or_else(|| FieldError::new("is missing").within("priority").into())
}

/// `owner/repo#1`, `#1` or `1`; the short forms mean the issue's own repository.
fn dependencies(repo: &RepoName, properties: &mut Properties) -> Result<Option<Vec<IssueRef>>, ApiError> {
    let Some(value) = properties.take("dependsOn") else { return Ok(None) };
    let Value::List(items) = &value else {
        return Err(FieldError::expected("a list", &value).within("dependsOn").into());
    };
    let references = items.iter().enumerate().map(|(at, item)| {
        reference(repo, item).ok_or_else(|| {
            FieldError::new("must be an issue such as owner/repo#42, #42 or 42")
                .within(&format!("[{at}]"))
                .within("dependsOn")
        })
    });
    Ok(Some(references.collect::<Result<_, _>>()?))
}

fn reference(repo: &RepoName, item: &Value<'_>) -> Option<IssueRef> {
    match item {
        Value::Int(number) => IssueRef::new(repo.clone(), u64::try_from(*number).ok()?),
        Value::Text(text) => match text.strip_prefix('#') {
            Some(number) => IssueRef::new(repo.clone(), number.parse().ok()?),
            None => IssueRef::parse(text),
        },
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
    }
}
