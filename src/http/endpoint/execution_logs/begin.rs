use actix_web::HttpResponse;
use actix_web::web::Data;
use conductor_core::data::{FieldError, Value};
use conductor_core::execution_log::{Execution, ExecutionStatus, ExecutionStep, RunHeader};
use conductor_core::identity::{Claimant, EventId, RepoName};
use conductor_core::time::Timestamp;
use serde_json::json;

use super::{EXAMPLE, step, step_schema, uuid, work};
use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{Answer, Body, Operation, Role, Tag, Texts, claimant, count, nullable, one_of, repo, text};
use crate::report::AGENT_ID;
use crate::wire::ExecutionBegun;

/// A run begins.
///
/// # Errors
/// When the request makes no sense, the caller is not that agent, the id is another agent's run, or the store can't keep it. That its
/// issue takes no notice of it is no error: clients rely upon 201.
pub async fn begin(edge: Data<Edge>, visitor: Visitor, body: RawBody) -> Result<HttpResponse, ApiError> {
    let now = edge.now();
    let begun = Begun::read(&edge, &visitor, &body.0, now)?;
    let Begun { id, header, steps, lease_token, running } = begun;
    let run = Execution::begun(id, header, now);
    if edge.store().begin_execution(&run).await? {
        if !steps.is_empty() {
            edge.store().add_steps(id, &steps, now).await?;
        }
        if running {
            work::started(&edge, &run, lease_token).await;
        }
        work::goes_on(&edge, &run);
    } else {
        same_agent(&edge, &run).await?;
    }
    Ok(HttpResponse::Created().json(ExecutionBegun { id: id.to_string() }))
}

/// A repeat changes nothing; the id of somebody else's run isn't given twice.
async fn same_agent(edge: &Edge, again: &Execution) -> Result<(), ApiError> {
    let first = edge.store().execution(again.id).await?;
    if first.is_some_and(|first| first.header.claimant.agent == again.header.claimant.agent) {
        return Ok(());
    }
    Err(ApiError::lost_race(format!("{} is the id of another agent's run: send another one, or none", again.id)))
}

struct Begun {
    id: EventId,
    header: RunHeader,
    steps: Vec<ExecutionStep>,
    lease_token: Option<String>,
    running: bool,
}

impl Begun {
    fn read(edge: &Edge, visitor: &Visitor, body: &[u8], now: Timestamp) -> Result<Self, ApiError> {
        let mut properties = Properties::of(parse(body, &Limits::API)?)?;
        let claimant = visitor.agent(edge.policy(), properties.optional::<Claimant>(AGENT_ID)?)?;
        let status = properties.optional::<ExecutionStatus>("status")?.unwrap_or(ExecutionStatus::Running);
        let steps = match properties.take("steps") {
            None => Vec::new(),
            Some(Value::List(items)) => items.into_iter().map(|item| step(item, now)).collect::<Result<_, _>>()?,
            Some(other) => return Err(FieldError::expected("a list", &other).within("steps").into()),
        };
        Ok(Self {
            id: properties.optional("id")?.unwrap_or_else(|| edge.admission.entropy().event_id(now)),
            header: RunHeader {
                claimant,
                repo: repo_of(&mut properties)?.map(|repo| edge.first_name(repo)),
                number: properties.optional::<u64>("issueNumber")?.filter(|number| *number != 0),
                model: properties.optional("model")?,
            },
            steps,
            lease_token: properties.optional("leaseToken")?,
            running: status == ExecutionStatus::Running,
        })
    }
}

/// A repo of "" means none, as in telemetry.
fn repo_of(properties: &mut Properties) -> Result<Option<RepoName>, ApiError> {
    match properties.take("repo") {
        Some(value) if value.as_text() == Some("") => Ok(None),
        Some(value) => {
            properties.put("repo", value);
            Ok(properties.optional("repo")?)
        }
        None => Ok(None),
    }
}

pub(crate) fn begin_described() -> Operation {
    let schema = json!({
        "type": "object", "required": ["agentId"],
        "properties": {
            "agentId": claimant(),
            "repo": { "anyOf": [repo(), { "const": "" }, { "type": "null" }] },
            "issueNumber": nullable(count(u64::MAX)),
            "status": nullable(one_of(&ExecutionStatus::texts())),
            "model": nullable(text()),
            "steps": { "type": ["array", "null"], "items": step_schema(), "maxItems": Limits::API.items },
            "leaseToken": nullable(text()),
            "id": nullable(uuid()),
        },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let run = json!({
        "repo": "acme/web", "issueNumber": 42, "agentId": "dev-e-node", "status": "running", "model": "large-3",
        "steps": [{ "type": "clone", "status": "done", "detail": "acme/web" }], "id": EXAMPLE,
    });
    Operation::new("begin_execution", Tag::Runs, "A run begins")
        .only(&[Role::Agent])
        .about(
            "Of the agent that holds the issue it counts as WORK_STARTED; where it doesn't hold it, that is refused on record and the \
             run is kept all the same. `id`, a UUID that the client chose, makes the request repeatable; without it one is given.",
        )
        .takes(Body::json(schema, "Whose run it is, and what about.").example("a_run", run))
        .answers(
            Answer::json::<ExecutionBegun>(201, "It is kept.")
                .leads_to("execution", json!({ "id": "$response.body#/id" }))
                .leads_to("add_execution_steps", json!({ "id": "$response.body#/id" }))
                .leads_to("complete_execution", json!({ "id": "$response.body#/id" })),
        )
        .refuses(&[Code::Malformed, Code::LostRace, Code::TooSlow, Code::TooLarge])
        .refuses(super::super::READS)
}
