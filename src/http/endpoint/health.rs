//! `/health` and `/healthz/*`: whether to restart it, whether to send it requests, and what an operator wants to know.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::json;

use crate::edge::{Edge, Stage};
use crate::health::{Status, check};
use crate::wire::board;

/// The process is alive. Old clients ask here.
pub async fn health(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "healthy", "timestamp": edge.now().to_string() }))
}

/// The process makes progress: this answer is some.
pub async fn live(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live", "timestamp": edge.now().to_string() }))
}

/// Started and not draining. A dependency that fails doesn't take the replica off the network: webhooks must go on being
/// accepted where the store can.
pub async fn ready(edge: Data<Edge>) -> HttpResponse {
    let stage = edge.readiness.stage();
    let status = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    HttpResponse::build(status).json(json!({ "status": stage.as_str(), "timestamp": edge.now().to_string() }))
}

/// Every dependency, asked now.
pub async fn deep(edge: Data<Edge>) -> HttpResponse {
    let (overall, report) = check(&edge.dependencies, &**edge.coordinator.clock()).await;
    let status = match overall {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
    };
    HttpResponse::build(status).json(report)
}

/// Every supervised actor, as the board has it: no mailbox is asked, so it answers even when one hangs.
pub async fn actors(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(board(&edge.coordinator.board()))
}
