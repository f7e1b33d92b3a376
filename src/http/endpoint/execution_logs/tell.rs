use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use conductor_core::data::{FieldError, Record, Value};
use conductor_core::execution_log::{ExecutionLine, ExecutionStatus, LONGEST_LINE, RunEnd, cut};
use serde_json::json;

use super::{id_parameter, own, step, step_schema, unknown, work};
use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, canonical, parse};
use crate::openapi::{Answer, Body, Operation, Role, Tag, count, nullable, number, one_of, text};
use crate::wire::{EntriesAdded, ExecutionRow};

/// A step of a run.
///
/// # Errors
/// When there is no such run, it is another agent's, the step makes no sense, or the store can't keep it.
pub async fn steps(
    edge: Data<Edge>,
    visitor: Visitor,
    path: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    let (run, now) = (own(&edge, &visitor, &path).await?, edge.now());
    let step = step(parse(&body.0, &Limits::API)?, now)?;
    let added = edge.store().add_steps(run.id, &[step], now).await?.ok_or_else(|| unknown(run.id))?;
    work::goes_on(&edge, &run);
    Ok(HttpResponse::Ok().json(EntriesAdded::from(added)))
}

/// Lines of a run's output: a bare array.
///
/// # Errors
/// When there is no such run, it is another agent's, the lines make no sense, or the store can't keep them.
pub async fn lines(
    edge: Data<Edge>,
    visitor: Visitor,
    path: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    let run = own(&edge, &visitor, &path).await?;
    let Value::List(items) = parse(&body.0, &Limits::API)? else {
        return Err(ApiError::malformed("the lines must be an array: send [{\"message\": …}, …]"));
    };
    let lines =
        items.into_iter().enumerate().map(|(at, item)| line(item).map_err(|error| error.within(&format!("[{at}]"))));
    let lines: Vec<ExecutionLine> = lines.collect::<Result<_, FieldError>>()?;
    let added = edge.store().add_lines(run.id, &lines, edge.now()).await?.ok_or_else(|| unknown(run.id))?;
    work::goes_on(&edge, &run);
    Ok(HttpResponse::Ok().json(EntriesAdded::from(added)))
}

fn line(value: Value<'static>) -> Result<ExecutionLine, FieldError> {
    let line: ExecutionLine = Properties::of(canonical(value, ExecutionLine::FIELDS))?.record(&[])?;
    Ok(ExecutionLine { message: cut(line.message, LONGEST_LINE), ..line })
}

/// A run ends; the first end stays.
///
/// # Errors
/// When there is no such run, it is another agent's, the end makes no sense, or the store can't keep it.
pub async fn complete(
    edge: Data<Edge>,
    visitor: Visitor,
    path: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    let run = own(&edge, &visitor, &path).await?;
    let end: RunEnd = Properties::of(parse(&body.0, &Limits::API)?)?.record(&[])?;
    if end.status == ExecutionStatus::Running {
        return Err(ApiError::malformed("status must be completed or failed: a run that goes on has no end"));
    }
    let store = edge.store();
    let ended = store.end_execution(run.id, &end, edge.now()).await?.ok_or_else(|| unknown(run.id))?;
    let run = store.execution(run.id).await?.ok_or_else(|| unknown(run.id))?;
    work::goes_on(&edge, &run);
    if ended {
        work::completed(&edge, &run).await;
    }
    Ok(HttpResponse::Ok().json(ExecutionRow::of(&run)))
}

const AGENTS: &[Role] = &[Role::Agent];
const REFUSALS: &[Code] = &[Code::Malformed, Code::Unknown, Code::TooSlow, Code::TooLarge];

fn about_entries() -> String {
    format!(
        "Up to {} steps and {} lines are kept of one run, what is beyond is counted. A token has to be that of the agent that began it.",
        conductor_core::execution_log::MOST_STEPS,
        conductor_core::execution_log::MOST_LINES
    )
}

pub(crate) fn steps_described() -> Operation {
    let did = json!({ "type": "test", "status": "done", "detail": "npm test", "costUsd": 0.02, "turns": 3 });
    Operation::new("add_execution_steps", Tag::Runs, "A run did something")
        .only(AGENTS)
        .about(about_entries())
        .with(id_parameter())
        .takes(Body::json(step_schema(), "What it did.").example("a_run", did))
        .answers(Answer::json::<EntriesAdded>(200, "What became of it."))
        .refuses(REFUSALS)
        .refuses(super::super::READS)
}

pub(crate) fn lines_described() -> Operation {
    let line = json!({
        "type": "object", "required": ["message"],
        "properties": { "timestamp": nullable(text()), "level": nullable(text()), "message": text() },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let schema = json!({ "type": "array", "items": line, "maxItems": Limits::API.items });
    let said = json!([{ "timestamp": "2026-11-21T09:30:00.000Z", "level": "info", "message": "12 tests passed" }]);
    Operation::new("add_execution_lines", Tag::Runs, "A run wrote lines")
        .only(AGENTS)
        .about(about_entries())
        .with(id_parameter())
        .takes(Body::json(schema, "The lines; of each 4 KiB are kept.").example("a_run", said))
        .answers(Answer::json::<EntriesAdded>(200, "What became of them."))
        .refuses(REFUSALS)
        .refuses(super::super::READS)
}

pub(crate) fn complete_described() -> Operation {
    let tokens = || nullable(count(u64::MAX));
    let schema = json!({
        "type": "object", "required": ["status"],
        "properties": {
            "status": one_of(&["completed", "failed"]),
            "totalCostUsd": nullable(number()), "totalTurns": tokens(),
            "totalInputTokens": tokens(), "totalOutputTokens": tokens(),
            "cacheReadTokens": tokens(), "cacheCreationTokens": tokens(),
            "durationApiMs": nullable(number()), "prNumber": tokens(),
        },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let end = json!({ "status": "completed", "totalCostUsd": 0.4, "totalTurns": 14, "durationApiMs": 81_000 });
    Operation::new("complete_execution", Tag::Runs, "A run ended")
        .only(AGENTS)
        .about("`completed` is no evidence of success: runtimes say it after giving up too. The first end stays.")
        .with(id_parameter())
        .takes(Body::json(schema, "How it ended.").example("a_run", end))
        .answers(Answer::json::<ExecutionRow>(200, "The run as it stands."))
        .refuses(REFUSALS)
        .refuses(super::super::READS)
}
