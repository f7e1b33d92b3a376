//! `/api/admin/tokens`: making, listing and taking back tokens, for operators.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use conductor_core::identity::AgentId;
use conductor_core::time::Timestamp;
use conductor_core::token::{PersonRole, TokenId, TokenOwner};

use crate::caller::Visitor;
use crate::caller::issue::issue;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::json::{Limits, Properties, RawBody, parse};
use crate::wire::{FreshToken, TokenRow};

/// All tokens, those that open nothing any more included.
///
/// # Errors
/// When the caller is no operator, or the store can't answer.
pub async fn list(edge: Data<Edge>, visitor: Visitor) -> Result<HttpResponse, ApiError> {
    visitor.operator()?;
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
