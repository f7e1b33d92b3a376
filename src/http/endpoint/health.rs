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
    let (overall, mut report) = check(&edge.dependencies, &**edge.coordinator.clock()).await;
    report.warnings.extend(edge.admission.warning());
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

#[cfg(test)]
mod tests {
    use crate::edge::Stage;
    use crate::testing::Daemon;
    use serde_json::json;

    #[actix_web::test]
    async fn health_is_what_old_clients_expect() {
        let daemon = Daemon::start().await;
        let body = daemon.get("/health").await.expect(200);
        assert_eq!(body, json!({ "status": "healthy", "timestamp": "2026-11-21T12:00:00.000Z" }));
        daemon.get("/healthz/live").await.expect(200);
    }

    #[actix_web::test]
    async fn only_a_started_replica_that_does_not_drain_is_ready() {
        let daemon = Daemon::start().await;
        daemon.get("/healthz/ready").await.expect(200);
        for stage in [Stage::Starting, Stage::Draining] {
            daemon.edge.readiness.enter(stage);
            assert_eq!(daemon.get("/healthz/ready").await.expect(503)["status"], stage.as_str());
        }
    }

    #[actix_web::test]
    async fn a_store_that_is_away_is_unreachable_and_the_replica_stays_ready() {
        let daemon = Daemon::start().await;
        let deep = daemon.get("/healthz/deep").await.expect(200);
        assert_eq!((&deep["overall"], &deep["dependencies"][0]["name"]), (&json!("Ok"), &json!("memory")));
        daemon.store().close().await;
        let deep = daemon.get("/healthz/deep").await.expect(503);
        assert_eq!(
            (&deep["overall"], &deep["dependencies"][0]["status"]),
            (&json!("Unreachable"), &json!("Unreachable"))
        );
        daemon.get("/healthz/ready").await.expect(200);
    }

    #[actix_web::test]
    async fn a_request_that_needs_a_store_that_is_away_is_503_and_says_when_to_come_back() {
        let daemon = Daemon::start().await;
        daemon.store().close().await;
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" });
        let refused = daemon.post(approval.to_string()).await;
        refused.refused(503, "store_unavailable");
        assert_eq!(refused.headers["retry-after"], "2");
        for uri in
            ["/api/issues", "/api/issues?limit=5", "/api/events", "/api/events/stream?id=dev-e-node", "/api/agents"]
        {
            daemon.get(uri).await.refused(503, "store_unavailable");
        }
    }

    #[actix_web::test]
    async fn the_actors_are_listed_by_name() {
        let daemon = Daemon::start().await;
        let board = daemon.get("/healthz/actors").await.expect(200);
        assert_eq!(board["healthy"], true);
        assert!(board["actors"].as_array().unwrap().iter().any(|actor| actor["name"] == "issue/0"), "{board}");
    }
}
