//! `/api/dead-letters`: what lanes gave up on, and a second chance for it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use conductor_actors::{InboxLane, lane};
use conductor_core::port::DeadLetterId;
use conductor_core::reaction::Destination;
use serde_json::json;

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Role, Tag};
use crate::wire::{DeadLetterRow, Retried};

/// More than a person looks through: those that follow show when these are gone.
const MOST: usize = 1000;

/// What lanes gave up on, oldest first.
///
/// # Errors
/// When the store can't answer.
pub async fn list(edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    let letters = edge.store().dead_letters(MOST).await?;
    Ok(HttpResponse::Ok().json(letters.iter().map(DeadLetterRow::of).collect::<Vec<_>>()))
}

/// Has one tried again, with all its tries.
///
/// # Errors
/// When the caller is no operator, nothing dead has that id, or the store can't answer.
pub async fn retry(edge: Data<Edge>, visitor: Visitor, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let operator = visitor.operator()?;
    let text = path.into_inner();
    let unknown =
        || ApiError::unknown(format!("there is no dead letter {text} (any more): GET /api/dead-letters lists them"));
    let id = DeadLetterId::parse(&text).ok_or_else(unknown)?;
    if !edge.store().retry_dead_letter(&id).await? {
        return Err(unknown());
    }
    tracing::info!(dead_letter = %id, operator, "{operator} has dead letter {id} tried again");
    match &id {
        DeadLetterId::Delivery(_) => edge.coordinator.nudge(InboxLane::<()>::NAME),
        // Whichever it is: a lane with nothing to do rests again at once.
        DeadLetterId::Effect(_) => {
            Destination::ALL.iter().for_each(|destination| edge.coordinator.nudge(lane(*destination)));
        }
    }
    Ok(HttpResponse::Ok().json(Retried { id: id.to_string(), state: "waiting" }))
}

pub(crate) fn list_described() -> Operation {
    Operation::new("dead_letters", Tag::Admin, "What was given up on after its last try")
        .about(format!(
            "Effects of events and deliveries of GitHub, oldest first, at most {MOST}. Each was tried many times, over about \
             half an hour; what comes after it goes on without it."
        ))
        .answers(Answer::json::<Vec<DeadLetterRow>>(200, "Rows."))
        .refuses(super::READS)
}

pub(crate) fn retry_described() -> Operation {
    let id = json!({ "type": "string", "pattern": "^(effect|delivery)-[A-Za-z0-9-]{1,100}$" });
    Operation::new("retry_dead_letter", Tag::Admin, "Try a dead letter again")
        .only(&[Role::Operator])
        .about(
            "With all its tries. An effect that no longer holds is closed without being delivered; a delivery that says \
             nothing new changes nothing.",
        )
        .with(Parameter::path("id", id, "The dead letter's id."))
        .answers(Answer::json::<Retried>(200, "It waits for its lane."))
        .refuses(&[Code::Unknown])
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use conductor_core::authority::IdentityMode;
    use conductor_core::port::Delivery;
    use conductor_core::roster::{GitHubMode, Policy};
    use serde_json::json;

    use crate::caller::AdmissionSettings;
    use crate::testing::Daemon;

    async fn with_dead_letter(daemon: &Daemon) {
        let delivery = Delivery {
            id: "72d3162e".to_owned(),
            event: "issues".to_owned(),
            ordering_key: "acme/web#7".to_owned(),
            body: r#"{"secret":"body"}"#.to_owned(),
            received_at: daemon.edge.now(),
            ignored: None,
        };
        daemon.store().receive(delivery).await.unwrap();
        daemon.store().stuck("72d3162e", "nobody understands it", None).await.unwrap();
    }

    fn retry(id: &str) -> TestRequest {
        TestRequest::post().uri(&format!("/api/dead-letters/{id}/retry"))
    }

    #[actix_web::test]
    async fn what_was_given_up_on_is_listed_and_tried_again_once() {
        let daemon = Daemon::start().await;
        assert_eq!(daemon.get("/api/dead-letters").await.expect(200), json!([]));
        with_dead_letter(&daemon).await;
        let listed = daemon.get("/api/dead-letters").await;
        let row = json!({
            "id": "delivery-72d3162e", "lane": "inbox", "key": "acme/web#7", "what": "issues", "attempts": 1,
            "error": "nobody understands it", "since": "2026-11-21T12:00:00.000Z",
        });
        assert_eq!(listed.expect(200), json!([row]));
        assert!(!listed.text.contains("secret"));
        let retried = daemon.send(retry("delivery-72d3162e")).await.expect(200);
        assert_eq!(retried, json!({ "id": "delivery-72d3162e", "state": "waiting" }));
        assert_eq!(daemon.get("/api/dead-letters").await.expect(200), json!([]));
        for id in ["delivery-72d3162e", "delivery-other", "72d3162e"] {
            daemon.send(retry(id)).await.refused(404, "unknown");
        }
    }

    #[actix_web::test]
    async fn a_viewer_may_look_and_an_operator_act() {
        let admission = AdmissionSettings { mode: IdentityMode::Token, ..AdmissionSettings::default() };
        let daemon = Daemon::admitting(admission, Policy::built_in(GitHubMode::None)).await;
        with_dead_letter(&daemon).await;
        let bearer =
            |token: &str, request: TestRequest| request.insert_header(("authorization", format!("Bearer {token}")));
        let (viewer, _) = daemon.token("viewer", "eve").await;
        let list = || TestRequest::get().uri("/api/dead-letters");
        assert_eq!(daemon.send(bearer(&viewer, list())).await.expect(200)[0]["what"], "issues");
        daemon.send(bearer(&viewer, retry("delivery-72d3162e"))).await.refused(403, "forbidden");
        let (agent, _) = daemon.token("agent", "dev-e-node").await;
        daemon.send(bearer(&agent, retry("delivery-72d3162e"))).await.refused(403, "forbidden");
        let (operator, _) = daemon.token("operator", "ada").await;
        daemon.send(bearer(&operator, retry("delivery-72d3162e"))).await.expect(200);
    }
}
