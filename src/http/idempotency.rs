//! Repeats of a request, told by its `Idempotency-Key`: one effect, and the first answer again.
//!
//! An accepted report's key is kept by its own append, in the same transaction; other answers worth keeping (a refusal by a
//! rule, a repeat by meaning) are kept here, after the fact. 429 and 503 are never kept: those want to be repeated.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::authority::Caller;
use conductor_core::decider::Outcome;
use conductor_core::event::EventType;
use conductor_core::identity::StreamId;
use conductor_core::port::{Answer, KeyedAnswer, Receipt, Store, StoreFailure};
use conductor_core::time::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::caller::name_of;
use crate::error::{ApiError, json_text};
use crate::openapi::Parameter;
use crate::wire::{EventAnswer, LogPlace};

/// The header.
const HEADER: &str = "Idempotency-Key";
/// The longest key: a UUID has 36 characters.
const LONGEST: usize = 200;

/// The key of a request, with its scope (caller and path) and a digest of its body.
///
/// # Errors
/// When the header isn't printable ASCII of a sane length, or comes twice.
pub fn key_of(request: &HttpRequest, caller: &Caller, body: &[u8]) -> Result<Option<KeyedAnswer>, ApiError> {
    let mut values = request.headers().get_all(HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let sane = values.next().is_none().then(|| value.to_str().ok()).flatten().map(str::trim);
    let is_sane = |key: &&str| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(key) = sane.filter(is_sane) else {
        return Err(ApiError::malformed(format!(
            "{HEADER} must be one value of 1 to {LONGEST} printable characters without spaces"
        )));
    };
    Ok(Some(KeyedAnswer {
        scope: format!("{} {}", name_of(caller), request.path()),
        key: key.to_owned(),
        fingerprint: hex::encode(Sha256::digest(body)),
    }))
}

/// The first answer under a key, if there was one.
///
/// # Errors
/// When the key belongs to another request, or the store can't answer.
pub async fn first_answer(
    store: &dyn Store,
    key: &KeyedAnswer,
    event_type: EventType,
) -> Result<Option<HttpResponse>, ApiError> {
    let Some((first, answer)) = store.answered(&key.scope, &key.key).await? else { return Ok(None) };
    if first.fingerprint != key.fingerprint {
        return Err(ApiError::key_reused());
    }
    match answer {
        Answer::Appended { stream, receipt } => {
            if let Some(refusal) = refusal_on_record(store, &stream, &receipt).await? {
                return Err(refusal);
            }
            let said = LogPlace::of(store, &stream, &receipt, event_type).await;
            let answer = EventAnswer::new(event_type, &stream, &Outcome::Accepted, Some(said), receipt.time);
            Ok(Some(HttpResponse::Ok().json(answer)))
        }
        Answer::Literal { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Ok(Some(HttpResponse::build(status).content_type("application/json").body(body)))
        }
    }
}

/// A refusal is an append too where it is put on record: beside its event stands what was answered.
async fn refusal_on_record(
    store: &dyn Store,
    stream: &StreamId,
    receipt: &Receipt,
) -> Result<Option<ApiError>, StoreFailure> {
    let first = store.read_stream(stream, receipt.first_version.saturating_sub(1), 1).await?;
    Ok(first.into_iter().next().and_then(|recorded| recorded.metadata.refusal).map(ApiError::from))
}

/// Keeps an answer that is worth it; what an append has kept already stays.
pub async fn keep(store: &dyn Store, key: &KeyedAnswer, answer: &Result<EventAnswer, ApiError>, now: Timestamp) {
    let (status, body) = match answer {
        Ok(answer) if answer.duplicate => (StatusCode::OK, json_text(answer)),
        Ok(_) => return,
        Err(error) if error.is_kept() => (error.status(), json_text(&error.body())),
        Err(_) => return,
    };
    if let Err(failure) = store.remember(key, status.as_u16(), &body, now).await {
        // The request itself is answered: a repeat is decided anew, against the state, which recognises it as well.
        tracing::warn!(key = key.key, "failed to keep the answer of {}: failed to {failure}", key.scope);
    }
}

pub(crate) fn described() -> Parameter {
    // Spaces around a header's value are none of it.
    let schema = json!({ "type": "string", "pattern": format!("^[ \\t]*[!-~]{{1,{LONGEST}}}[ \\t]*$") });
    Parameter::header(
        HEADER,
        schema,
        "A name for this request: sent again with the same body it has one effect and the first answer.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Daemon, Reply};
    use actix_web::test::TestRequest;
    use serde_json::Value;

    async fn keyed(daemon: &Daemon, report: &Value, key: &str) -> Reply {
        let request = TestRequest::post().uri("/api/events").insert_header((HEADER, key));
        daemon.send(request.set_payload(report.to_string())).await
    }

    fn about(event_type: &str, number: u64, agent: &str) -> Value {
        json!({ "type": event_type, "repo": "acme/web", "issueNumber": number, "agentId": agent, "prNumber": 57 })
    }

    /// Every refusal that leaves an event, with what is so later, when today's answer would be another one.
    #[actix_web::test]
    async fn a_refusal_on_record_is_answered_with_the_same_words_whatever_holds_by_then() {
        let daemon = Daemon::start().await;
        daemon.report(&json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" })).await;
        let assign = json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
        daemon.report(&assign).await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        daemon.pushed("acme/web#57", "review-e-codex-bot[bot]").await;
        let refused = [
            (about("WORK_STARTED", 4, "dev-e-python"), 409, "stale_lease"),
            (about("AGENT_STUCK", 4, "dev-e-python"), 409, "stale_lease"),
            (about("REVIEW_DISPUTED", 57, "review-e"), 409, "lost_race"),
            (about("REVIEW_FAILED", 57, "review-e"), 409, "lost_race"),
            (about("REVIEW_PASSED", 57, "review-e-codex"), 422, "rule"),
        ];
        let mut first = Vec::new();
        for (at, (report, status, code)) in refused.iter().enumerate() {
            let before = daemon.stored().await.len();
            let reply = keyed(&daemon, report, &format!("k{at}")).await;
            reply.refused(*status, code);
            assert_eq!(daemon.stored().await.len(), before + 1, "{report} leaves an event");
            first.push(reply);
        }
        let release =
            json!({ "type": "ISSUE_UNASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
        daemon.report(&release).await;
        daemon.pushed("acme/web#57", "dev-e-bot[bot]").await;
        let log = daemon.stored().await;
        for (at, ((report, ..), first)) in refused.iter().zip(&first).enumerate() {
            let again = keyed(&daemon, report, &format!("k{at}")).await;
            assert_eq!((again.status, &again.text), (first.status, &first.text), "{report}");
        }
        assert_eq!(daemon.stored().await, log, "a repeat leaves nothing");
    }
}
