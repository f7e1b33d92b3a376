//! `GET /api/assignments/next`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::identity::Claimant;

use crate::caller::identify;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::query::Query;

/// What the claimant works on next, or 204. Asking twice gives the same.
///
/// # Errors
/// When `agentId` is missing or malformed, the agent is refused, or the claim can't be decided now.
pub async fn next(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    query.required("agentId")?;
    let named = query.read::<Claimant>("agentId")?;
    let caller = identify(edge.policy(), named)?;
    let Some(claimant) = caller.claimant() else {
        return Err(ApiError::forbidden("only agents are handed work: send an agent's id"));
    };
    Ok(match edge.claims.next(claimant.clone()).await? {
        Some(assignment) => HttpResponse::Ok().json(assignment),
        None => HttpResponse::NoContent().finish(),
    })
}
