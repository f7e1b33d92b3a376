//! `POST /api/webhook/github`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::port::{Clock, Inbox, Received};
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::error::{ApiError, Code};
use crate::json::within_patience;
use crate::openapi::{Answer, Body, Endpoint, Operation, Parameter, Tag};
use crate::routes;

use super::delivery::{LONGEST_NAME, NotADelivery, delivery, named};
use super::reception::{Reception, Room};
use super::signature::WebhookSecret;

/// Where GitHub delivers.
pub const PATH: &str = "/api/webhook/github";

/// GitHub's own limit for a delivery, in bytes.
pub const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// GitHub gives up after 10 s; an answer after that helps nobody.
const STORE_DEADLINE: Duration = Duration::from_secs(8);

const SIGNATURE: &str = "X-Hub-Signature-256";
const DELIVERY: &str = "X-GitHub-Delivery";
const EVENT: &str = "X-GitHub-Event";

/// What the endpoint needs.
pub struct WebhookDoor {
    /// What GitHub signs with; without it the endpoint is closed.
    pub secret: Option<WebhookSecret>,
    /// Where deliveries wait.
    pub inbox: Arc<dyn Inbox>,
    /// How much of a burst is taken in at once.
    pub reception: Reception,
    /// When they came.
    pub clock: Arc<dyn Clock>,
    /// Wakes whoever works the inbox off.
    pub nudge: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for WebhookDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookDoor").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// Serves the endpoint, whose [`WebhookDoor`] is application data.
pub fn configure(config: &mut ServiceConfig) {
    routes::serve(endpoints(), config);
}

/// The endpoint, described.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::at(PATH).post(receive, described())]
}

fn described() -> Operation {
    let name = json!({ "type": "string", "pattern": format!("^[!-~]{{1,{LONGEST_NAME}}}$") });
    let signature = json!({ "type": "string", "pattern": "^sha256=[0-9a-f]{64}$" });
    let body = json!({ "type": "object" });
    Operation::new("deliver", Tag::GitHub, "GitHub delivers")
        .about(
            "The delivery is stored before the answer, and worked off after it; the same delivery again has one effect. Its \
             signature is its credential. Events and actions that mean nothing here are accepted and ignored.",
        )
        .public()
        .with(Parameter::header(EVENT, name.clone(), "What happened, as GitHub calls it.").required())
        .with(Parameter::header(DELIVERY, name, "The delivery's id.").required())
        .with(Parameter::header(SIGNATURE, signature, "HMAC-SHA256 of the raw body with the webhook's secret.").required())
        .takes(Body::json(body, "What GitHub sends, 25 MiB at most."))
        .answers(Answer::json::<Accepted>(202, "It is stored."))
        .refuses(&[Code::Malformed, Code::Unauthorized, Code::TooSlow, Code::TooLarge])
        .refuses(&[Code::Busy, Code::StoreCorrupt, Code::StoreUnavailable, Code::WebhookSecretMissing])
}

/// The answer to a delivery.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    ok: bool,
    delivery_id: String,
    /// `accepted`, `duplicate` or `ignored`.
    status: &'static str,
}

/// Verifies a delivery, stores it, answers 202.
///
/// # Errors
/// 503 without secret or store, 413 for more than [`BODY_LIMIT`], 401 for a signature that is missing or wrong, 400 for
/// anything that GitHub wouldn't send. Nothing is stored then.
async fn receive(request: HttpRequest, mut body: Payload, door: Data<WebhookDoor>) -> Result<HttpResponse, ApiError> {
    let Some(secret) = &door.secret else {
        return Err(ApiError::not_now(
            Code::WebhookSecretMissing,
            "the webhook is closed: start the daemon with GITHUB_WEBHOOK_SECRET set to the secret of GitHub's webhook settings",
        ));
    };
    let mut room = Room::default();
    let body = within_patience(&request, whole(&mut body, &door.reception, &mut room)).await??;
    if !header(&request, SIGNATURE).is_some_and(|signature| secret.signed(&body, signature)) {
        tracing::warn!(bytes = body.len(), "refused a delivery whose signature is missing or wrong");
        return Err(ApiError::unauthorized(format!(
            "the signature is missing or wrong: sign the bytes of the body with the webhook's secret (HMAC-SHA256, header {SIGNATURE}: sha256=<hex>)"
        )));
    }
    let id = named(DELIVERY, header(&request, DELIVERY))?;
    let event = named(EVENT, header(&request, EVENT))?;
    let delivery = delivery(id, event, &body, door.clock.now())?;
    drop(body);
    let (id, event, ignored) = (delivery.id.clone(), delivery.event.clone(), delivery.ignored.clone());
    let received =
        tokio::time::timeout(STORE_DEADLINE, door.reception.in_turn(door.inbox.receive(delivery))).await.map_err(
            |_| ApiError::not_now(Code::StoreUnavailable, "the store did not answer in time: deliver again"),
        )??;
    let status = match (received, &ignored) {
        (Received::Duplicate, _) => "duplicate",
        (Received::Accepted, Some(_)) => "ignored",
        (Received::Accepted, None) => {
            (door.nudge)();
            "accepted"
        }
    };
    tracing::info!(delivery_id = id, event, status, why = ignored, "stored delivery {id} ({event}): {status}");
    Ok(HttpResponse::build(StatusCode::ACCEPTED).json(Accepted { ok: true, delivery_id: id, status }))
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The whole body. What is too large is read on to as much again and dropped, since a client that is still sending sees a
/// broken connection instead of an answer.
async fn whole(body: &mut Payload, reception: &Reception, room: &mut Room) -> Result<Bytes, ApiError> {
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| ApiError::malformed(format!("the body broke off: {error}")))?;
        length = length.saturating_add(chunk.len());
        if length > 2 * BODY_LIMIT {
            break;
        }
        if length > BODY_LIMIT {
            kept = BytesMut::new();
            *room = Room::default();
        } else {
            reception.enlarge(room, chunk.len()).await?;
            kept.extend_from_slice(&chunk);
        }
    }
    if length > BODY_LIMIT { Err(ApiError::too_large()) } else { Ok(kept.freeze()) }
}

impl From<NotADelivery> for ApiError {
    fn from(problem: NotADelivery) -> Self {
        Self::malformed(problem.to_string())
    }
}

#[cfg(test)]
mod tests;
