use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::execution_log::MOST_STEPS;
use conductor_core::identity::{Claimant, EventId};
use conductor_core::port::ExecutionFilter;
use serde_json::json;

use super::{id_of, id_parameter, unknown, uuid};
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, claimant, issue_number, repo};
use crate::paging::{LARGEST_PAGE, PAGE, page};
use crate::query::Query;
use crate::wire::{ExecutionDetail, ExecutionRow, LineRow, StepRow};

/// Runs, the latest first.
///
/// # Errors
/// When a filter is malformed or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let filter = ExecutionFilter {
        repo: query.read("repo")?.map(|repo| edge.first_name(repo)),
        number: query.number("issueNumber", 1..=i64::MAX.unsigned_abs())?,
        agent: query.read::<Claimant>("agentId")?.map(|claimant| claimant.agent),
    };
    let after = query.read::<EventId>("after")?;
    let limit = query.number("limit", 1..=LARGEST_PAGE)?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
    let runs = edge.store().executions(&filter, after, limit + 1).await?;
    let next = runs.get(limit).and_then(|_| runs.get(limit - 1));
    let next = next.map(|last| format!("{}?{}", request.path(), query.with("after", &last.id.to_string())));
    let rows: Vec<ExecutionRow> = runs.iter().take(limit).map(ExecutionRow::of).collect();
    Ok(page(&rows, next))
}

/// One run with its steps and a page of its lines.
///
/// # Errors
/// When there is no such run, a parameter is malformed, or the store can't answer.
pub async fn one(edge: Data<Edge>, request: HttpRequest, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let skip = query.number("after", 0..=i64::MAX.unsigned_abs())?.unwrap_or(0);
    let limit = query.number("limit", 1..=LARGEST_PAGE)?.unwrap_or(LARGEST_PAGE);
    let (store, id) = (edge.store(), id_of(&path)?);
    let run = store.execution(id).await?.ok_or_else(|| unknown(id))?;
    let row = ExecutionRow::of(&run);
    let steps = store.steps_of(id, 0, usize::try_from(MOST_STEPS).unwrap_or(usize::MAX)).await?;
    let mut logs = store.lines_of(id, skip, usize::try_from(limit + 1).unwrap_or(usize::MAX)).await?;
    let more = logs.len() as u64 > limit;
    logs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let detail = ExecutionDetail {
        row,
        steps: steps.into_iter().map(StepRow::from).collect(),
        logs: logs.into_iter().map(LineRow::from).collect(),
    };
    let mut response = HttpResponse::Ok();
    if more {
        let next = format!("<{}?{}>; rel=\"next\"", request.path(), query.with("after", &(skip + limit).to_string()));
        response.insert_header((header::LINK, next));
    }
    Ok(response.json(detail))
}

pub(crate) fn list_described() -> Operation {
    let after = Parameter::query("after", uuid(), "The run after which a page begins, as the `Link` header has it.");
    Operation::new("executions", Tag::Runs, "Runs, the latest first")
        .about("200 of them, or `limit`. A pull request's number finds the runs that reviewed it.")
        .with(Parameter::query("repo", repo(), "In this repository.").example("of_an_issue", "acme/web"))
        .with(Parameter::query("issueNumber", issue_number(), "About this number.").example("of_an_issue", 42))
        .with(Parameter::query("agentId", claimant(), "Of this agent, all its instances together."))
        .with(super::super::limit())
        .with(after)
        .answers(super::super::paged(Answer::json::<Vec<ExecutionRow>>(200, "Rows.")))
        .refuses(&[Code::Malformed])
        .refuses(super::super::READS)
}

pub(crate) fn one_described() -> Operation {
    let after = json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    Operation::new("execution", Tag::Runs, "One run, with its steps and lines")
        .with(id_parameter())
        .with(Parameter::query("after", after, "Lines to leave out: those of the pages before."))
        .with(super::super::limit())
        .answers(super::super::paged(Answer::json::<ExecutionDetail>(200, "The run.")))
        .refuses(&[Code::Malformed, Code::Unknown])
        .refuses(super::super::READS)
}
