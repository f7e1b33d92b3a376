//! `/health` and `/healthz/*`: whether to restart it, whether to send it requests, and what an operator wants to know.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use crate::backlog::{backlog, warning};
use crate::edge::{Edge, Stage};
use crate::health::{DEADLINE, Report, Status, check};
use crate::openapi::{Answer, Operation, Tag};
use crate::wire::{Alive, board, board_schema};

/// The process is alive. Old clients ask here.
pub async fn health(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(Alive::new("healthy", edge.now()))
}

/// The process makes progress: this answer is some.
pub async fn live(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(Alive::new("live", edge.now()))
}

/// Started and not draining. A dependency that fails doesn't take the replica off the network: webhooks must go on being
/// accepted where the store can.
pub async fn ready(edge: Data<Edge>) -> HttpResponse {
    let stage = edge.readiness.stage();
    let status = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    HttpResponse::build(status).json(Alive::new(stage.as_str(), edge.now()))
}

/// Every dependency, asked now.
pub async fn deep(edge: Data<Edge>) -> HttpResponse {
    let lanes = backlog(&**edge.store(), edge.coordinator.destinations(), edge.now());
    let ((overall, mut report), lanes) =
        tokio::join!(check(&edge.dependencies, &**edge.coordinator.clock()), tokio::time::timeout(DEADLINE, lanes));
    report.warnings.extend(edge.admission.warning());
    // A store that is away says so among the dependencies.
    if let Ok(Ok(lanes)) = lanes {
        report.warnings.extend(warning(&lanes));
        report.lanes = Some(lanes);
    }
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

pub(crate) fn health_described() -> Operation {
    let alive = Answer::json::<Alive>(200, "The process is alive.");
    Operation::new("health", Tag::Health, "Whether the process is alive").public().answers(alive)
}

pub(crate) fn live_described() -> Operation {
    let live = Answer::json::<Alive>(200, "It does: this answer is some.");
    Operation::new("live", Tag::Health, "Whether the process makes progress").public().answers(live)
}

pub(crate) fn ready_described() -> Operation {
    Operation::new("ready", Tag::Health, "Whether to send requests here")
        .about("Started, migrated and not draining. A dependency that fails later does not change it.")
        .public()
        .answers(Answer::json::<Alive>(200, "Yes."))
        .answers(Answer::json::<Alive>(503, "No: it starts, or goes down."))
}

pub(crate) fn deep_described() -> Operation {
    Operation::new("deep", Tag::Health, "Every dependency, asked now")
        .near()
        .answers(Answer::json::<Report>(200, "Everything critical answers."))
        .answers(Answer::json::<Report>(503, "Something critical is away."))
}

pub(crate) fn actors_described() -> Operation {
    let board = Answer::text(200, "application/json", board_schema, "Every supervised actor by name.");
    Operation::new("actors", Tag::Health, "What every actor is doing")
        .near()
        .about("Answers even when an actor hangs: no mailbox is asked.")
        .answers(board)
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
