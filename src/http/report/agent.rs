use conductor_core::agent::AgentCommand;
use conductor_core::cost::MOST_OF_ONE_REPORT;
use conductor_core::data::{Field, FieldError, Record, Value};
use conductor_core::event::{
    AgentEvent, AgentQuotaReported, CliCompleted, CliProgress, CliStarted, GuardBlocked, Heartbeat, Integration,
    MemoryHitUsed, MemoryRead, MemoryWrite, Provider, TokenUsage, UsageCategory,
};
use conductor_core::identity::{IssueRef, RepoName};

use super::{Asked, Reporting, not_reported};
use crate::error::ApiError;
use crate::json::{Properties, canonical};

/// What one report of tokens may cost, in dollars: a million, which is [`MOST_OF_ONE_REPORT`] micro-dollars.
pub(super) const DEAREST: f64 = 1_000_000.0;

/// The three reports of a run have one payload under three names.
macro_rules! run_report {
    ($report:ident, $properties:ident) => {
        $report {
            issue: About::take($properties)?.issue(),
            model: $properties.optional("model")?,
            message: $properties.first_of(&["message", "detail", "reason"])?,
            turns: $properties.optional("turns")?,
            cost_usd: $properties.optional("costUsd")?,
            duration_ms: $properties.optional("durationMs")?,
        }
    };
}
/// What agents report of themselves.
pub(super) fn asked(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Asked, ApiError> {
    let agent = reporting.agent()?.clone();
    properties.optional::<String>("leaseToken")?;
    let event: AgentEvent = match reporting.event_type.as_str() {
        "HEARTBEAT" => heartbeat(reporting, properties)?.into(),
        "AGENT_QUOTA_REPORTED" => properties.record::<AgentQuotaReported>(&[])?.into(),
        "GUARD_BLOCKED" => GuardBlocked {
            command: properties.first_of(&["command", "reason"])?.unwrap_or_default(),
            issue: About::take(properties)?.issue(),
        }
        .into(),
        "TOKEN_USAGE" => token_usage(properties)?.into(),
        "CLI_STARTED" => run_report!(CliStarted, properties).into(),
        "CLI_PROGRESS" => run_report!(CliProgress, properties).into(),
        "CLI_COMPLETED" => run_report!(CliCompleted, properties).into(),
        "MEMORY_WRITE" => {
            put_repo(properties)?;
            properties.record::<MemoryWrite>(&[])?.into()
        }
        "MEMORY_READ" => {
            put_repo(properties)?;
            properties.record::<MemoryRead>(&[])?.into()
        }
        "MEMORY_HIT_USED" => properties.record::<MemoryHitUsed>(&[])?.into(),
        _ => return Err(not_reported(reporting.event_type)),
    };
    Ok(Asked::Agent(agent, AgentCommand::Report(Box::new(event))))
}

/// The issue that an agent's report is about.
pub(super) fn issue_of(command: &AgentCommand) -> Option<IssueRef> {
    let AgentCommand::Report(event) = command else { return None };
    match &**event {
        AgentEvent::GuardBlocked(report) => report.issue.clone(),
        AgentEvent::TokenUsage(usage) => IssueRef::new(usage.repo.clone()?, usage.issue_number?),
        AgentEvent::CliStarted(report) => report.issue.clone(),
        AgentEvent::CliProgress(report) => report.issue.clone(),
        AgentEvent::CliCompleted(report) => report.issue.clone(),
        AgentEvent::Heartbeat(_)
        | AgentEvent::QuotaReported(_)
        | AgentEvent::QuotaExhausted(_)
        | AgentEvent::Online(_)
        | AgentEvent::Offline(_)
        | AgentEvent::Paused(_)
        | AgentEvent::Resumed(_)
        | AgentEvent::MemoryWrite(_)
        | AgentEvent::MemoryRead(_)
        | AgentEvent::MemoryHitUsed(_)
        | AgentEvent::Override(_) => None,
    }
}

fn heartbeat(reporting: Reporting<'_>, properties: &mut Properties) -> Result<Heartbeat, ApiError> {
    for (name, fields) in [("providers", Provider::FIELDS), ("integrations", Integration::FIELDS)] {
        if let Some(list) = properties.take(name) {
            properties.put(name, canonical(list, fields));
        }
    }
    if let Some(number) = current_issue(properties) {
        properties.put("currentIssue", number);
    }
    let mut heartbeat: Heartbeat = properties.record(&[])?;
    if let Some(instance) = &reporting.claimant()?.instance {
        heartbeat.instance = Some(instance.to_string());
    }
    Ok(heartbeat)
}

/// Clients say their current issue as 42, "42", "#42" or "owner/repo#42"; 0 and "" mean none.
fn current_issue(properties: &mut Properties) -> Option<Value<'static>> {
    let given = properties.take("currentIssue")?;
    let number = match given.as_text().map(|text| text.rsplit('#').next().unwrap_or(text).trim()) {
        Some("") => return None,
        Some(digits) => digits.parse().map(Value::Int).unwrap_or(given),
        None => given,
    };
    (number != Value::Int(0)).then_some(number)
}

/// What telemetry is about: a repo of "" and a number of 0 mean none.
struct About {
    repo: Option<RepoName>,
    number: Option<u64>,
}

impl About {
    fn take(properties: &mut Properties) -> Result<Self, ApiError> {
        put_repo(properties)?;
        Ok(Self {
            repo: properties.optional("repo")?,
            number: properties.optional::<u64>("issueNumber")?.filter(|number| *number != 0),
        })
    }

    fn issue(self) -> Option<IssueRef> {
        IssueRef::new(self.repo?, self.number?)
    }
}

/// Leaves `repo` in place unless it is empty text, which means none.
fn put_repo(properties: &mut Properties) -> Result<(), ApiError> {
    if let Some(repo) = properties.take("repo")
        && repo.as_text() != Some("")
    {
        RepoName::read(&repo).map_err(|error| error.within("repo"))?;
        properties.put("repo", repo);
    }
    Ok(())
}

fn token_usage(properties: &mut Properties) -> Result<TokenUsage, ApiError> {
    let about = About::take(properties)?;
    let spent_on_work = about.number.is_some();
    let tokens = |properties: &mut Properties, name| -> Result<Option<u64>, ApiError> {
        let tokens: Option<u64> = properties.optional(name)?;
        let sane = tokens.is_none_or(|tokens| tokens <= MOST_OF_ONE_REPORT);
        let most = || FieldError::new(format!("must be a whole number from 0 to {MOST_OF_ONE_REPORT}")).within(name);
        if sane { Ok(tokens) } else { Err(most().into()) }
    };
    let missing = |name: &str| FieldError::new("is missing").within(name);
    let otherwise = if spent_on_work { UsageCategory::Work } else { UsageCategory::Idle };
    Ok(TokenUsage {
        repo: about.repo,
        issue_number: about.number,
        model: properties.required("model")?,
        input_tokens: tokens(properties, "inputTokens")?.ok_or_else(|| missing("inputTokens"))?,
        output_tokens: tokens(properties, "outputTokens")?.ok_or_else(|| missing("outputTokens"))?,
        cache_read_tokens: tokens(properties, "cacheReadTokens")?,
        cache_creation_tokens: tokens(properties, "cacheCreationTokens")?,
        cost_usd: cost(properties)?,
        category: properties.optional("category")?.unwrap_or(otherwise),
    })
}

/// What a report costs: an amount that sums of costs count as it is.
fn cost(properties: &mut Properties) -> Result<f64, ApiError> {
    let cost: f64 = properties.required("costUsd")?;
    if (0.0..=DEAREST).contains(&cost) {
        return Ok(cost);
    }
    Err(FieldError::new(format!("must be an amount from 0 to {DEAREST} dollars")).within("costUsd").into())
}
