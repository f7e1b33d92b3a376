//! `/`: what there is, for people who just look around.

use actix_web::HttpResponse;
use serde_json::json;

/// The way to everything that exists.
pub async fn index() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "name": "conductor-e",
        "version": env!("CARGO_PKG_VERSION"),
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
