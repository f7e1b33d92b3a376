//! `/api/execution-logs`: what a run tells of itself, and reading it back.
//!
//! | File | What |
//! |---|---|
//! | `begin` | a run begins; for the holder of an issue that is the start of its work |
//! | `tell` | its steps, its lines, its end |
//! | `read` | runs, and one with all that is kept of it |

mod begin;
mod read;
mod tell;
#[cfg(test)]
mod tests;
mod work;

use conductor_core::data::{Record, Value};
use conductor_core::execution_log::{Execution, ExecutionStep, LONGEST_DETAIL, cut};
use conductor_core::identity::EventId;
use conductor_core::time::Timestamp;
use serde_json::json;

pub use begin::begin;
pub(crate) use begin::begin_described;
pub use read::{list, one};
pub(crate) use read::{list_described, one_described};
pub use tell::{complete, lines, steps};
pub(crate) use tell::{complete_described, lines_described, steps_described};

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::json::{Properties, canonical};
use crate::openapi::{Parameter, count, nullable, number, text};

/// The run of the examples, which its client has named itself.
const EXAMPLE: &str = "0193a8f0-5c00-7000-8000-00000000002a";

fn id_of(text: &str) -> Result<EventId, ApiError> {
    EventId::parse(text).ok_or_else(|| unknown(text))
}

fn unknown(id: impl std::fmt::Display) -> ApiError {
    ApiError::unknown(format!("there is no run {id}: POST /api/execution-logs begins one"))
}

/// The run, if this visitor may tell of it. Runtimes without a token name no agent here: they are taken to be the one that began it.
async fn own(edge: &Edge, visitor: &Visitor, id: &str) -> Result<Execution, ApiError> {
    visitor.may_be_an_agent()?;
    let run = edge.store().execution(id_of(id)?).await?.ok_or_else(|| unknown(id))?;
    visitor.agent(edge.policy(), Some(run.header.claimant.clone()))?;
    Ok(run)
}

/// One step; when it was told is for us to say.
fn step(value: Value<'static>, now: Timestamp) -> Result<ExecutionStep, ApiError> {
    let mut properties = Properties::of(canonical(value, ExecutionStep::FIELDS))?;
    properties.take("at");
    properties.put("at", Value::Text(now.to_string().into()));
    let step: ExecutionStep = properties.record(&[])?;
    Ok(ExecutionStep { detail: step.detail.map(|detail| cut(detail, LONGEST_DETAIL)), ..step })
}

fn step_schema() -> serde_json::Value {
    json!({
        "type": "object", "required": ["type"],
        "properties": {
            "type": text(), "status": nullable(text()), "detail": nullable(text()),
            "costUsd": nullable(number()), "turns": nullable(count(u64::MAX)),
        },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    })
}

fn id_parameter() -> Parameter {
    Parameter::path("id", uuid(), "The run.").example("a_run", EXAMPLE)
}

fn uuid() -> serde_json::Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$" })
}
