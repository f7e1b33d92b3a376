//! `/`: what there is, for people who just look around.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::edge::Edge;

/// The way to everything that exists.
pub async fn index(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "name": "conductor-e",
        "version": env!("CARGO_PKG_VERSION"),
        "identity": edge.admission.mode().as_str(),
        "warning": edge.admission.warning(),
        "health": { "alive": "/health", "ready": "/healthz/ready", "deep": "/healthz/deep", "actors": "/healthz/actors" },
        "api": {
            "issues": "/api/issues",
            "pulls": "/api/pulls",
            "queue": "/api/queue",
            "agents": "/api/agents",
            "events": "/api/events",
        },
    }))
}
