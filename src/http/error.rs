//! Everything that can go wrong with a request, and what it is answered. **The one table** of statuses and stable codes is
//! [`Code`].
//!
//! Messages of ours are fragments that fit after "failed to"; what a client reads is one sentence that says what to do.

use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use conductor_actors::Rejected;
use conductor_core::data::FieldError;
use conductor_core::decider::Refusal;
use conductor_core::event::EventType;
use conductor_core::identity::Claimant;
use conductor_core::port::{Guard, StoreFailure};
use serde_json::{Map, Value, json};

use crate::json::ParseError;
use crate::similar::similar;

mod code;

pub use code::Code;

/// When to come back if nobody knows better: a store that restarts is back within seconds.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// An answer that isn't what was asked for. Boxed, so that what goes well doesn't carry room for it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError(Box<Problem>);

#[derive(Debug, Clone, PartialEq)]
struct Problem {
    code: Code,
    message: String,
    /// Members of the body beside `error` and `code`.
    details: Map<String, Value>,
    retry_after: Option<Duration>,
    allow: Option<String>,
    /// For the log alone: what a store says of itself may name hosts and users.
    cause: Option<String>,
}

impl ApiError {
    fn new(code: Code, message: impl Into<String>) -> Self {
        let (details, message) = (Map::new(), message.into());
        Self(Box::new(Problem { code, message, details, retry_after: None, allow: None, cause: None }))
    }

    fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// An answer that may be another one after a while.
    fn retried(code: Code, message: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::new(code, message);
        error.0.retry_after = Some(retry_after);
        error
    }

    /// 400: the request makes no sense; the message says what to do about it.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(Code::Malformed, message)
    }

    /// 400: no event is called so. The sentence is the one that clients know; what was probably meant, and where all types
    /// stand, is beside it.
    pub fn unknown_event_type(name: &str) -> Self {
        let types: Vec<&str> = EventType::all().map(EventType::as_str).collect();
        Self::new(Code::UnknownEventType, format!("Unknown event type: {name}"))
            .with("didYouMean", similar(&name.replace(['-', ' '], "_"), &types))
            .with("docs", "/docs#report")
    }

    /// 401: this place needs credentials that did not come, or don't hold.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthorized, message)
    }

    /// 403: this caller never may.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    /// 404: there is no such thing.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(Code::Unknown, message)
    }

    /// 405: the path exists, the method doesn't.
    pub fn method_not_allowed(method: &str, allow: &str) -> Self {
        let message = format!("{method} is not answered here: use {allow}");
        let mut error = Self::new(Code::MethodNotAllowed, message);
        error.0.allow = Some(allow.to_owned());
        error
    }

    /// 408: the body did not come in time.
    pub fn too_slow() -> Self {
        let message = "the body did not come in time: send it again, faster";
        Self::new(Code::TooSlow, message)
    }

    /// 413: the body is larger than this endpoint takes.
    pub fn too_large() -> Self {
        let message = "the body is too large: send less at once";
        Self::new(Code::TooLarge, message)
    }

    /// 409: nothing is merged, and this is what for.
    pub fn merge_waits(waiting_for: &[String], moved_by: &str) -> Self {
        let message = format!("it is not merged, and waits for {}. It takes {moved_by}", waiting_for.join(", "));
        Self::new(Code::GitHubNotConnected, message).with("merged", false).with("waitingFor", waiting_for.to_vec())
    }

    /// 409: somebody else was first.
    pub fn lost_race(message: impl Into<String>) -> Self {
        Self::new(Code::LostRace, message)
    }

    /// 422: a rule of the domain.
    pub fn rule(rule: &str, why: impl Into<String>) -> Self {
        Self::new(Code::Rule, why).with("rule", rule)
    }

    /// 422: the key was used for another request.
    pub fn key_reused() -> Self {
        let message = "this Idempotency-Key belongs to another request: use a fresh key for a fresh request";
        Self::new(Code::KeyReused, message)
    }

    /// 429: this caller has asked enough for now.
    pub fn too_many(retry_after: Duration) -> Self {
        let message = "you ask more than one caller may: nothing was done, try again after the time in Retry-After";
        Self::retried(Code::TooManyRequests, message, retry_after)
    }

    /// 503 or 429: nothing was done now, because of this.
    pub fn not_now(code: Code, message: impl Into<String>) -> Self {
        Self::retried(code, message, RETRY_AFTER)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.code.status()
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code.as_str()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("error".to_owned(), Value::String(self.0.message.clone()));
        body.insert("code".to_owned(), Value::String(self.code().to_owned()));
        body.extend(self.0.details.clone());
        Value::Object(body)
    }

    /// Whether a repeat with the same idempotency key gets this answer again (409 and 422), or another chance.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.code != Code::KeyReused
            && matches!(self.status(), StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::StaleLease { by, holder, epoch } => {
                Self::new(Code::StaleLease, stale_lease(&by, holder.as_ref(), epoch))
                    .with("holder", holder.map(|who| who.to_string()))
                    .with("epoch", epoch)
            }
            Refusal::LostRace { why } => Self::new(Code::LostRace, why),
            Refusal::Inapplicable { state, why } => Self::new(Code::Inapplicable, why).with("state", state),
            Refusal::Forbidden { why } => Self::forbidden(why),
            Refusal::Unknown { what } => Self::unknown(format!("nothing is known of {what}: check the name")),
            Refusal::Rule { rule, why } => Self::rule(&rule, why),
            Refusal::Malformed { why } => Self::malformed(why),
        }
    }
}

/// What is wrong with a report by who isn't, or doesn't show to be, the holder.
fn stale_lease(by: &Claimant, holder: Option<&Claimant>, epoch: u32) -> String {
    const STOP: &str = "stop, push nothing, ask for the next assignment";
    match holder {
        Some(holder) if holder.agent == by.agent && (holder.instance.is_none() || holder == by) => format!(
            "the leaseToken is not that of the lease which {holder} holds (epoch {epoch}): send the token of the answer that \
             gave it; a run that was never given that one works on a lease that is over: {STOP}"
        ),
        Some(holder) if holder.agent == by.agent => format!(
            "this lease is not {by}'s: {holder} holds it (epoch {epoch}), and only that instance, or whoever shows its \
             leaseToken, speaks for it: {STOP}"
        ),
        Some(holder) => format!("this lease is not yours ({holder} holds it, epoch {epoch}): {STOP}"),
        None => format!("this lease is over (nobody holds it, epoch {epoch}): {STOP}"),
    }
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Refused(refusal) => refusal.into(),
            Rejected::KeyReused => Self::key_reused(),
            Rejected::Guarded { guard, held } => {
                let why = match &guard {
                    Guard::StreamAt { stream, .. } => {
                        format!("{stream} has moved on meanwhile: read it, then try again")
                    }
                    Guard::LeasesBelow { agent, limit } => {
                        format!("{agent} holds {limit} or more leases already: finish or release one first")
                    }
                    Guard::NothingUnstarted { claimant } => {
                        format!("{claimant} holds work that it has not started: start or release that first")
                    }
                    Guard::LeaseSilentSince { issue, epoch, .. } => {
                        format!("lease {epoch} of {issue} gave a sign of life meanwhile: it goes on")
                    }
                };
                Self::new(Code::LostRace, why).with("held", held.map(|stream| stream.to_string()))
            }
            Rejected::Busy { retry_after } => Self::retried(
                Code::Busy,
                "too much is under way: nothing was done, try again after the time in Retry-After",
                retry_after,
            ),
            Rejected::Draining => {
                Self::not_now(Code::Draining, "the daemon is going down: nothing was done, try again in a moment")
            }
            Rejected::NotLeader => Self::not_now(
                Code::Busy,
                "another process of this rig has taken over: nothing was done, try again in a moment",
            ),
            Rejected::Unknown(why) => Self::not_now(
                Code::OutcomeUnknown,
                "no answer came in time, so whether it happened is unknown: repeat it with the same Idempotency-Key",
            )
            .because(why),
            Rejected::Store(failure) => failure.into(),
        }
    }
}

impl From<StoreFailure> for ApiError {
    fn from(failure: StoreFailure) -> Self {
        let told = match &failure {
            StoreFailure::Unavailable(_) => Self::not_now(
                Code::StoreUnavailable,
                "the store does not answer: try again after the time in Retry-After",
            ),
            StoreFailure::Corrupt(_) => Self::new(
                Code::StoreCorrupt,
                "a record of the store can't be understood: tell the operator, the log of the daemon says which",
            ),
        };
        told.because(failure.to_string())
    }
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        Self::malformed(format!("the body is no JSON that is taken here: {error}"))
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::malformed(error.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status().as_u16(), self.code(), self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(cause) = &self.0.cause {
            let code = self.code();
            tracing::warn!(status = self.status().as_u16(), code, "answered {code}: failed to {cause}");
        }
        let mut response = HttpResponse::build(self.status());
        if let Some(retry_after) = self.0.retry_after {
            // Whole seconds, rounded up: 0 would invite a hot loop.
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.0.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(self.body())
    }
}

/// The answer for a path that doesn't exist.
#[must_use]
pub fn unknown_path(path: &str) -> ApiError {
    ApiError::unknown(format!("there is nothing at {path}: / lists what there is"))
}

/// A JSON body for a kept answer.
#[must_use]
pub(crate) fn json_text(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|_| json!({ "error": "the answer could not be written" }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::{AgentId, Claimant, IssueRef, StreamId};
    use conductor_core::time::Timestamp;

    fn row(error: impl Into<ApiError>) -> (u16, &'static str, bool, bool) {
        let error = error.into();
        let response = error.error_response();
        let body = error.body();
        assert!(body["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{body}");
        assert_eq!(body["code"], error.code());
        (response.status().as_u16(), error.code(), response.headers().contains_key("retry-after"), error.is_kept())
    }

    #[test]
    fn the_table_from_failure_to_status_code_retry_and_whether_it_is_kept() {
        let claimant = Claimant::parse("dev-e-node/ab12c").unwrap();
        let agent = AgentId::parse("dev-e-node").unwrap();
        let issue = IssueRef::parse("acme/web#4").unwrap();
        let why = || "because".to_owned();
        let stale = Refusal::StaleLease { by: claimant.clone(), holder: None, epoch: 2 };
        assert_eq!(row(stale), (409, "stale_lease", false, true));
        assert_eq!(row(Refusal::LostRace { why: why() }), (409, "lost_race", false, true));
        let state = "done".to_owned();
        assert_eq!(row(Refusal::Inapplicable { state, why: why() }), (409, "inapplicable", false, true));
        assert_eq!(row(Refusal::Forbidden { why: why() }), (403, "forbidden", false, false));
        assert_eq!(row(Refusal::Unknown { what: why() }), (404, "unknown", false, false));
        assert_eq!(row(Refusal::Rule { rule: "self_approval".into(), why: why() }), (422, "rule", false, true));
        assert_eq!(row(Refusal::Malformed { why: why() }), (400, "malformed", false, false));
        assert_eq!(row(Rejected::KeyReused), (422, "idempotency_key_reused", false, false));
        for guard in [
            Guard::StreamAt { stream: StreamId::Rig, version: 1 },
            Guard::LeasesBelow { agent, limit: 1 },
            Guard::NothingUnstarted { claimant },
            Guard::LeaseSilentSince { issue, epoch: 1, since: Timestamp::from_millis(0) },
        ] {
            assert_eq!(row(Rejected::Guarded { guard, held: None }), (409, "lost_race", false, true));
        }
        let retry_after = Duration::from_millis(1200);
        assert_eq!(row(Rejected::Busy { retry_after }), (503, "busy", true, false));
        assert_eq!(row(Rejected::Draining), (503, "draining", true, false));
        assert_eq!(row(Rejected::NotLeader), (503, "busy", true, false));
        assert_eq!(row(Rejected::Unknown(why())), (503, "outcome_unknown", true, false));
        assert_eq!(row(StoreFailure::Unavailable(why())), (503, "store_unavailable", true, false));
        assert_eq!(row(StoreFailure::Corrupt(why())), (500, "store_corrupt", false, false));
        assert_eq!(row(FieldError::new(why())), (400, "malformed", false, false));
        assert_eq!(row(ApiError::unauthorized(why())), (401, "unauthorized", false, false));
        assert_eq!(row(ApiError::too_slow()), (408, "too_slow", false, false));
        assert_eq!(row(ApiError::too_many(Duration::ZERO)), (429, "too_many_requests", true, false));
        assert_eq!(row(ApiError::too_large()), (413, "too_large", false, false));
        assert_eq!(row(ApiError::method_not_allowed("PUT", "GET")), (405, "method_not_allowed", false, false));
        assert_eq!(row(ApiError::unknown_event_type("X")), (400, "unknown_event_type", false, false));
    }

    #[test]
    fn a_stale_lease_says_who_holds_it() {
        let by = Claimant::parse("dev-e-python").unwrap();
        let holder = Claimant::parse("dev-e-node/ab12c");
        let body = ApiError::from(Refusal::StaleLease { by, holder, epoch: 3 }).body();
        assert_eq!((&body["holder"], &body["epoch"]), (&json!("dev-e-node/ab12c"), &json!(3)));
        assert!(body["error"].as_str().unwrap().contains("dev-e-node/ab12c holds it"));
    }

    #[test]
    fn a_stale_lease_never_tells_its_holder_that_it_is_not_its_own() {
        let said = |by: &str, holder: Option<&str>| {
            let refusal = Refusal::StaleLease {
                by: Claimant::parse(by).unwrap(),
                holder: holder.and_then(Claimant::parse),
                epoch: 3,
            };
            ApiError::from(refusal).body()["error"].as_str().unwrap().to_owned()
        };
        for (by, holder) in [("a", "a"), ("a/x", "a"), ("a/x", "a/x")] {
            let said = said(by, Some(holder));
            assert!(
                said.starts_with("the leaseToken is not that of the lease which") && !said.contains("not yours"),
                "{said}"
            );
        }
        for by in ["a", "a/y"] {
            assert!(said(by, Some("a/x")).contains("a/x holds it (epoch 3), and only that instance"));
        }
        assert!(said("a", Some("b")).starts_with("this lease is not yours (b holds it, epoch 3)"));
        assert!(said("a", None).starts_with("this lease is over (nobody holds it, epoch 3)"));
    }

    #[test]
    fn an_unknown_type_is_answered_with_the_one_that_was_meant() {
        let body = |name| ApiError::unknown_event_type(name).body();
        for slip in ["ISSUE_APROVED", "issue_approved", "IssueApproved", "ISSUE-APPROVED"] {
            assert_eq!(body(slip)["error"], format!("Unknown event type: {slip}"));
            assert_eq!(body(slip)["didYouMean"], "ISSUE_APPROVED", "{slip}");
        }
        assert_eq!((&body("HELLO")["didYouMean"], &body("HELLO")["docs"]), (&Value::Null, &json!("/docs#report")));
    }

    #[test]
    fn a_rule_is_named() {
        let body = ApiError::from(Refusal::Rule { rule: "two_strikes".into(), why: "a person must act".into() }).body();
        assert_eq!(body["rule"], "two_strikes");
    }

    #[test]
    fn retry_after_is_whole_seconds_and_never_none() {
        let retry_of = |retry_after| {
            let response = ApiError::from(Rejected::Busy { retry_after }).error_response();
            response.headers().get("retry-after").unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(retry_of(Duration::ZERO), "1");
        assert_eq!(retry_of(Duration::from_millis(1001)), "2");
    }

    #[test]
    fn what_a_store_says_of_itself_stays_inside() {
        let secret = "postgres://user:password@host".to_owned();
        let error = ApiError::from(StoreFailure::Unavailable(secret));
        assert!(!error.body().to_string().contains("password"));
        assert!(!error.to_string().contains("password"));
    }
}
