//! `/api/admin/tokens`: making, listing and taking back tokens, for operators.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use conductor_core::identity::AgentId;
use conductor_core::time::Timestamp;
use conductor_core::token::{PersonRole, TokenId, TokenOwner};
use serde_json::{Value, json};

use crate::caller::Visitor;
use crate::caller::issue::issue;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{Answer, Body, Operation, Parameter, Role, Tag, Texts, nullable, one_of, text};
use crate::wire::{FreshToken, TokenRow};

/// All tokens, those that open nothing any more included.
///
/// # Errors
/// When the caller is no operator, or the store can't answer.
pub async fn list(edge: Data<Edge>, visitor: Visitor) -> Result<HttpResponse, ApiError> {
    visitor.operator()?;
    // What was used until now is shown as used, the token of this very request too.
    edge.admission.keyring.write_uses().await?;
    let (tokens, now) = (edge.store().tokens().await?, edge.now());
    let rows: Vec<TokenRow> = tokens.iter().map(|token| TokenRow::of(token, now)).collect();
    Ok(HttpResponse::Ok().json(rows))
}

/// Makes a token of `{"agentId"}` or `{"person", "role"}`, with an optional `expiresAt`. No idempotency key is taken: its
/// answer would have to be kept, and the secret with it.
///
/// # Errors
/// When the caller is no operator, the owner may have no such token, or the store can't keep it.
pub async fn create(edge: Data<Edge>, visitor: Visitor, body: RawBody) -> Result<HttpResponse, ApiError> {
    let operator = visitor.operator()?;
    let mut properties = Properties::of(parse(&body.0, &Limits::API)?)?;
    let owner = owner(&mut properties)?;
    let expires_at: Option<Timestamp> = properties.optional("expiresAt")?;
    let now = edge.now();
    let made = issue(&**edge.store(), edge.policy(), edge.admission.entropy(), owner, expires_at, now);
    let (secret, token) = made.await?;
    tracing::info!(token = %token.id, operator, "{operator} made token {} for {}", token.id, token.owner.name());
    let answer = FreshToken { token: secret.expose().to_owned(), row: TokenRow::of(&token, now) };
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

fn owner(properties: &mut Properties) -> Result<TokenOwner, ApiError> {
    let agent: Option<AgentId> = properties.first_of(&["agentId", "agent"])?;
    let (name, role): (Option<String>, Option<PersonRole>) =
        (properties.optional("person")?, properties.optional("role")?);
    match (agent, name, role) {
        (Some(agent), None, None) => Ok(TokenOwner::Agent(agent)),
        (None, Some(name), Some(role)) => Ok(TokenOwner::Person { name, role }),
        (_, _, _) => {
            Err(ApiError::malformed("say whose token it is: agentId alone, or person and role (operator or viewer)"))
        }
    }
}

/// Takes a token back: here at once, on other replicas within seconds. Doing it twice changes nothing.
///
/// # Errors
/// When the caller is no operator, there is no such token, or the store can't answer.
pub async fn revoke(edge: Data<Edge>, visitor: Visitor, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let operator = visitor.operator()?;
    let text = path.into_inner();
    let unknown = || ApiError::unknown(format!("there is no token {text}: GET /api/admin/tokens lists them"));
    let id = TokenId::parse(&text).ok_or_else(unknown)?;
    let now = edge.now();
    let token = edge.store().revoke_token(&id, now).await?.ok_or_else(unknown)?;
    edge.admission.keyring.forget(&id);
    tracing::info!(token = %id, operator, "{operator} took back token {id} of {}", token.owner.name());
    Ok(HttpResponse::Ok().json(TokenRow::of(&token, now)))
}

const OPERATORS: &[Role] = &[Role::Operator];

pub(crate) fn list_described() -> Operation {
    Operation::new("tokens", Tag::Admin, "All tokens, those that open nothing any more included")
        .only(OPERATORS)
        .answers(Answer::json::<Vec<TokenRow>>(200, "Rows, without any secret."))
}

pub(crate) fn create_described() -> Operation {
    let agent = json!({
        "title": "Of an agent", "required": ["agentId"], "type": "object",
        "properties": { "agentId": agent_id(), "expiresAt": nullable(moment()), "person": absent(), "role": absent() },
    });
    let person = json!({
        "title": "Of a person", "required": ["person", "role"], "type": "object",
        "properties": {
            "person": name(), "role": one_of(&PersonRole::texts()), "expiresAt": nullable(moment()),
            "agentId": absent(), "agent": absent(),
        },
    });
    let schema = json!({
        "type": "object", "anyOf": [agent, person],
        // Left alone, but read.
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let body = Body::json(schema, "Whose it is, and when it ends, if by itself.")
        .example("of an agent", json!({ "agentId": "dev-e-node" }))
        .example("of a person", json!({ "person": "ada", "role": "viewer", "expiresAt": "2126-01-01T00:00:00Z" }));
    Operation::new("create_token", Tag::Admin, "A fresh token")
        .only(OPERATORS)
        .about("The answer shows the secret, once. No idempotency key is taken: the secret would have to be kept.")
        .takes(body)
        .answers(
            Answer::json::<FreshToken>(201, "The token.")
                .leads_to("revoke_token", json!({ "id": "$response.body#/id" })),
        )
        .refuses(&[Code::Malformed, Code::Rule, Code::TooSlow, Code::TooLarge])
}

pub(crate) fn revoke_described() -> Operation {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" });
    Operation::new("revoke_token", Tag::Admin, "Take a token back")
        .only(OPERATORS)
        .about("Here at once, on other replicas within seconds. Doing it twice changes nothing.")
        .with(Parameter::path("id", id, "The token's id; its secret is not asked for."))
        .answers(Answer::json::<TokenRow>(200, "The token, as it stands now."))
        .refuses(&[Code::Unknown])
}

/// A person's name.
fn name() -> Value {
    const PLAIN: &str = r"\x00-\x1f\x7f-\x9f";
    json!({ "type": "string", "pattern": format!(r"^[^{PLAIN}]*[^\s{PLAIN}][^{PLAIN}]*$"), "maxLength": 100 })
}

fn agent_id() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,100}$" })
}

/// Left out, or null.
fn absent() -> Value {
    json!({ "type": "null" })
}

/// A moment, UTC.
fn moment() -> Value {
    const DAY: &str =
        "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
    const YEAR: &str = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})";
    const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?";
    json!({ "type": "string", "pattern": format!("^{YEAR}-{DAY}T{TIME}Z$"), "examples": ["2027-01-01T00:00:00Z"] })
}
