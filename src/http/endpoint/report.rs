//! `POST /api/events`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::authority::{Caller, Voice, may_report};
use conductor_core::data::Value;
use conductor_core::event::{EventType, Metadata};
use conductor_core::identity::Claimant;
use conductor_core::port::KeyedAnswer;
use serde_json::json;
use tracing::Instrument;

use crate::caller::rates::Traffic;
use crate::caller::{Visitor, name_of};
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::idempotency;
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{Answer, Body, Operation, Role, Tag};
use crate::report::{
    AGENT_ID, LEASE_TOKEN, Place, ReportShape, agent_is_the_object, has_place, missing_agent, schema_of, shapes,
    sought, translate,
};
use crate::wire::{EventAnswer, LogPlace};

/// Takes a report.
///
/// # Errors
/// Whatever is wrong with it, and whatever the stream that decides it answers.
pub async fn post(
    edge: Data<Edge>,
    visitor: Visitor,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    let span = tracing::info_span!("report", caller = tracing::field::Empty, event_type = tracing::field::Empty);
    let answer = take(&edge, &visitor, &request, &body.0).instrument(span.clone()).await;
    if let Err(refused) = &answer {
        // A refusal that nobody sees goes on for weeks: old clients ignore most answers.
        tracing::info!(parent: &span, status = refused.status().as_u16(), code = refused.code(), "refused a report: {refused}");
    }
    answer
}

async fn take(edge: &Edge, visitor: &Visitor, request: &HttpRequest, body: &[u8]) -> Result<HttpResponse, ApiError> {
    let read = read(body);
    // What makes no sense is counted too.
    let traffic = match &read {
        Ok((event_type, _)) if event_type.as_str() == "HEARTBEAT" => Traffic::Heartbeat,
        Ok(_) | Err(_) => Traffic::Request,
    };
    edge.admission.rates.take(visitor.payer(), traffic)?;
    let (event_type, mut properties) = read?;
    let caller = caller(edge, visitor, event_type, &mut properties)?;
    tracing::Span::current().record("caller", name_of(&caller)).record("event_type", event_type.as_str());
    let key = idempotency::key_of(request, &caller, body)?;
    if let Some(key) = &key
        && let Some(answer) = idempotency::first_answer(&**edge.store(), key, event_type).await?
    {
        return Ok(answer);
    }
    let answer = perform(edge, event_type, &caller, properties, key.clone()).await;
    if let Some(key) = &key {
        idempotency::keep(&**edge.store(), key, &answer, edge.now()).await;
    }
    answer.map(|answer| HttpResponse::Ok().json(answer))
}

fn read(body: &[u8]) -> Result<(EventType, Properties), ApiError> {
    let mut properties = Properties::of(parse(body, &Limits::API)?)?;
    let name: String = properties.required("type")?;
    let unknown = || ApiError::unknown_event_type(&name.chars().take(100).collect::<String>());
    Ok((EventType::parse(&name).ok_or_else(unknown)?, properties))
}

/// Whose report it is. Where `agentId` names whom the event is about, it stays for the translation; where a person reports,
/// it is kept beside the event.
fn caller(
    edge: &Edge,
    visitor: &Visitor,
    event_type: EventType,
    properties: &mut Properties,
) -> Result<Caller, ApiError> {
    if agent_is_the_object(event_type) {
        return visitor.caller(edge.policy(), None);
    }
    let named: Option<Claimant> = properties.optional(AGENT_ID)?;
    if named.is_none() && visitor.is_taken_at_its_word() && Voice::of(event_type).is_of_agents() {
        return Err(missing_agent(event_type));
    }
    let caller = visitor.caller(edge.policy(), named.clone())?;
    if let (None, Some(named)) = (caller.claimant(), named) {
        properties.put(AGENT_ID, Value::Text(named.to_string().into()));
    }
    Ok(caller)
}

async fn perform(
    edge: &Edge,
    event_type: EventType,
    caller: &Caller,
    mut properties: Properties,
    key: Option<KeyedAnswer>,
) -> Result<EventAnswer, ApiError> {
    may_report(edge.policy(), caller, event_type)?;
    edge.names.settle(&mut properties);
    let place = if has_place(event_type) {
        Place::take(&mut properties, &**edge.store(), &edge.numbers, sought(event_type)).await?
    } else {
        Place::default()
    };
    let token = properties.text_of(LEASE_TOKEN);
    let report = translate(event_type, caller, edge.policy(), &place, properties)?;
    let now = edge.now();
    if let Some(claimant) = caller.claimant() {
        // Before the stream decides whether it is an event: it was heard from, however busy the actors are.
        if event_type.as_str() == "HEARTBEAT" {
            edge.heartbeats.heard(claimant.clone(), now);
        }
        edge.leases.heard(claimant, token.as_deref(), now);
        if let Some(issue) = place.issue().or(report.correlation.as_ref()).filter(|_| is_work(event_type)) {
            edge.leases.worked(claimant, token.as_deref(), issue, now);
        }
    }
    let metadata = Metadata {
        correlation: report.correlation.map(|issue| issue.to_string()),
        idempotency_key: key.as_ref().map(|key| key.key.clone()),
        extra: report.extra,
        ..Metadata::by(caller.actor()).because_of(edge.requests.next())
    };
    let reply = report.asked.deliver(&edge.coordinator, metadata, key).await?;
    let said = match &reply.receipt {
        Some(receipt) => Some(LogPlace::of(&**edge.store(), &reply.stream, receipt, event_type).await),
        None => None,
    };
    Ok(EventAnswer::new(event_type, &reply.stream, &reply.outcome, said, now))
}

/// Whether it is a sign that its issue is worked on, whatever becomes of the report.
fn is_work(event_type: EventType) -> bool {
    matches!(
        event_type.as_str(),
        "WORK_STARTED" | "BRANCH_CREATED" | "PR_CREATED" | "CLI_STARTED" | "CLI_PROGRESS" | "CLI_COMPLETED"
    )
}

pub(crate) fn post_described() -> Operation {
    let shapes = shapes();
    let body = Body::json(schema_of(&shapes), "A flat object: `type`, and the properties of that type.");
    let examples = shapes.iter().flat_map(ReportShape::examples);
    let body = examples.fold(body, |body, (name, report)| body.example(name, report.clone()));
    Operation::new("report", Tag::Events, "Report what happened")
        .only(&[Role::Agent, Role::Operator])
        .about(
            "The stream that it is about decides; the answer says where it stands in the log. The same report again, told by \
             its meaning or by its `Idempotency-Key`, has one effect: 200 with the first place, and without key `duplicate`. Who may report what follows from the \
             roster: 403 where the role does not.",
        )
        .with(idempotency::described())
        .takes(body)
        .answers(
            Answer::json::<EventAnswer>(200, "It is in the log, or was before.")
                .leads_to("events_of_stream", json!({ "id": "$response.body#/streamId" }))
                .leads_to("events", json!({ "after": "$response.body#/position" })),
        )
        .refuses(&[Code::Malformed, Code::UnknownEventType, Code::Unknown, Code::TooSlow, Code::TooLarge])
        .refuses(&[Code::StaleLease, Code::LostRace, Code::Rule, Code::KeyReused])
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use conductor_core::identity::{AgentId, StreamId};
    use conductor_core::roster::{GitHubMode, Policy, UnknownAgents};
    use serde_json::{Value, json};

    use crate::testing::Daemon;

    fn approval() -> Value {
        json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "Broken", "stack": "node" })
    }

    fn assigned() -> Value {
        json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" })
    }

    fn started(by: &str) -> Value {
        json!({ "type": "WORK_STARTED", "repo": "acme/web", "issueNumber": 4, "agentId": by })
    }

    #[actix_web::test]
    async fn an_approval_is_answered_with_its_place_in_the_log() {
        let daemon = Daemon::start().await;
        let answer = daemon.report(&approval()).await;
        assert_eq!(
            answer,
            json!({
                "streamId": "acme/web#4",
                "type": "ISSUE_APPROVED",
                "timestamp": "2026-11-21T12:00:00.000Z",
                "version": 1,
                "position": 1,
            })
        );
    }

    #[actix_web::test]
    async fn property_names_are_read_in_any_casing_and_strange_ones_kept() {
        let daemon = Daemon::start().await;
        for (number, body) in [
            (1, r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x","clientTime":"12:00"}"#),
            (2, r#"{"Type":"ISSUE_APPROVED","Repo":"acme/web","IssueNumber":2,"Title":"x","ClientTime":"12:00"}"#),
            (3, r#"{"TYPE":"ISSUE_APPROVED","REPO":"acme/web","ISSUENUMBER":3,"TITLE":"x","CLIENTTIME":"12:00"}"#),
        ] {
            let answer = daemon.post(body).await.expect(200);
            assert_eq!(answer["streamId"], format!("acme/web#{number}"));
            let events = daemon.get(&format!("/api/events/stream?id=acme/web%23{number}")).await.expect(200);
            assert_eq!(events[0]["data"]["title"], "x");
            let extra = events[0]["metadata"]["extra"].as_object().unwrap();
            assert!(extra.iter().any(|(name, value)| name.eq_ignore_ascii_case("clientTime") && value == "12:00"));
        }
    }

    #[actix_web::test]
    async fn bad_input_is_a_clear_4xx_and_nothing_is_stored() {
        let daemon = Daemon::start().await;
        let deep = format!("{{\"type\":\"HEARTBEAT\",\"agentId\":\"a\",\"x\":{}{}}}", "[".repeat(40), "]".repeat(40));
        let long = format!(
            "{{\"type\":\"ISSUE_APPROVED\",\"repo\":\"a/b\",\"issueNumber\":1,\"title\":\"{}\"}}",
            "x".repeat(70_000)
        );
        for (body, mentions) in [
            ("", "line 1"),
            ("{", "line 1"),
            ("[]", "must be an object"),
            ("\"text\"", "must be an object"),
            (r#"{"repo":"acme/web"}"#, "type is missing"),
            (r#"{"type":5}"#, "type must be text"),
            (r#"{"type":null}"#, "type is missing"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","Repo":"acme/web"}"#, "twice"),
            (r#"{"type":"ISSUE_APPROVED","repo":"ac\u0000me/web"}"#, "NUL"),
            (r#"{"type":"ISSUE_APPROVED","title":"\ud800"}"#, "surrogate"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1e400}"#, "number"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":99999999999999999999,"title":"x"}"#, "number"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":-1,"title":"x"}"#, "issueNumber"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1.5,"title":"x"}"#, "issueNumber"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":"1","title":"x"}"#, "issueNumber"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":null,"title":"x"}"#, "issueNumber"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme","issueNumber":1,"title":"x"}"#, "repo"),
            (r#"{"type":"ISSUE_APPROVED","repo":["acme/web"],"issueNumber":1,"title":"x"}"#, "repo"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1}"#, "title"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":" "}"#, "title"),
            (r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x","labels":"a"}"#, "labels"),
            (
                r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x","dependsOn":[{}]}"#,
                "dependsOn[0]",
            ),
            (
                r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x","priority":"urgent"}"#,
                "priority",
            ),
            (r#"{"type":"HEARTBEAT"}"#, "agentId is missing"),
            (r#"{"type":"HEARTBEAT","agentId":"a#b"}"#, "agentId"),
            (r#"{"type":"HEARTBEAT","agentId":"a","providers":[{}]}"#, "providers[0].name"),
            (r#"{"type":"TOKEN_USAGE","agentId":"a","model":"m"}"#, "inputTokens"),
            (deep.as_str(), "deeper"),
            (long.as_str(), "65536"),
        ] {
            let problem = daemon.post(body.to_owned()).await.refused(400, "malformed");
            assert!(problem.contains(mentions), "{body:.100} -> {problem}");
        }
        let invalid_utf8: &'static [u8] = b"{\"type\":\"\xff\"}";
        daemon.post(invalid_utf8).await.refused(400, "malformed");
        daemon.post(vec![b'x'; (1 << 20) + 1]).await.refused(413, "too_large");
        assert_eq!(daemon.stored().await, [""; 0]);
    }

    #[actix_web::test]
    async fn types_are_matched_exactly() {
        let daemon = Daemon::start().await;
        for name in ["IssueApproved", "issue_approved", "NO_SUCH", ""] {
            let body = json!({ "type": name, "repo": "acme/web", "issueNumber": 1, "title": "x" });
            let problem = daemon.post(body.to_string()).await.refused(400, "unknown_event_type");
            assert_eq!(problem, format!("Unknown event type: {name}"));
        }
    }

    #[actix_web::test]
    async fn who_may_not_report_is_told_so_and_nothing_is_stored() {
        let daemon = Daemon::start().await;
        let by_agent =
            json!({ "type": "ISSUE_APPROVED", "repo": "a/b", "issueNumber": 1, "title": "x", "agentId": "dev-e-node" });
        daemon.post(by_agent.to_string()).await.refused(403, "forbidden");
        let daemons = json!({ "type": "LEASE_EXPIRED", "repo": "a/b", "issueNumber": 1 });
        let problem = daemon.post(daemons.to_string()).await.refused(403, "forbidden");
        assert!(problem.contains("the daemon alone"), "{problem}");
        assert_eq!(daemon.stored().await, [""; 0]);

        let webhook = Daemon::with(Policy::built_in(GitHubMode::Webhook)).await;
        let merged = json!({ "type": "MERGED", "repo": "a/b", "prNumber": 1 });
        webhook.post(merged.to_string()).await.refused(403, "forbidden");

        let closed = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        let closed = Daemon::with(closed).await;
        let stranger = json!({ "type": "HEARTBEAT", "agentId": "stranger" });
        closed.post(stranger.to_string()).await.refused(403, "forbidden");
    }

    #[actix_web::test]
    async fn a_repeat_by_meaning_is_marked_and_not_appended() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        daemon.report(&assigned()).await;
        let first = daemon.report(&started("dev-e-node")).await;
        let again = daemon.report(&started("dev-e-node")).await;
        assert_eq!((&again["position"], &again["duplicate"]), (&first["position"], &json!(true)));
        assert_eq!(daemon.stored().await, ["ISSUE_APPROVED", "ISSUE_ASSIGNED", "WORK_STARTED"]);
    }

    #[actix_web::test]
    async fn somebody_else_than_the_holder_is_refused_on_record_and_told_who_holds_it() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        daemon.report(&assigned()).await;
        let reply = daemon.post(started("dev-e-python").to_string()).await;
        reply.refused(409, "stale_lease");
        assert_eq!(reply.json()["holder"], "dev-e-node");
        assert_eq!(daemon.stored().await.last(), Some(&"STALE_LEASE_REFUSED"));
    }

    #[actix_web::test]
    async fn a_lease_token_is_never_kept_beside_an_event() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        daemon.report(&assigned()).await;
        for kind in ["WORK_STARTED", "CLI_STARTED"] {
            let body = json!({ "type": kind, "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node", "LeaseToken": "s3cret" });
            daemon.post(body.to_string()).await;
        }
        let log = daemon.store().read_log(0, 100, &Default::default()).await.unwrap();
        assert!(log.iter().all(|recorded| !format!("{:?}", recorded.metadata).contains("s3cret")));
        let read = daemon.get("/api/events").await;
        assert!(!read.text.to_lowercase().contains("leasetoken"), "{}", read.text);
    }

    #[actix_web::test]
    async fn a_heartbeat_becomes_an_event_once_and_moves_the_last_heartbeat_each_time() {
        let daemon = Daemon::start().await;
        let beat =
            json!({ "type": "HEARTBEAT", "agentId": "dev-e-node/ab12c", "status": "idle", "currentIssue": null });
        let first = daemon.report(&beat).await;
        assert_eq!((&first["streamId"], &first["version"]), (&json!("dev-e-node"), &json!(2)));
        daemon.clock.advance(std::time::Duration::from_secs(60));
        let again = daemon.report(&beat).await;
        assert_eq!((&again["version"], &again["duplicate"]), (&json!(2), &json!(true)));
        assert_eq!(daemon.stored().await, ["AGENT_ONLINE", "HEARTBEAT"]);
        daemon.edge.heartbeats.close().await;
        let heard = daemon.store().last_heartbeats().await.unwrap();
        assert_eq!(heard.len(), 1);
        assert_eq!((heard[0].claimant.to_string().as_str(), heard[0].at), ("dev-e-node/ab12c", daemon.edge.now()));
    }

    #[actix_web::test]
    async fn telemetry_needs_no_issue_and_its_zero_means_none() {
        let daemon = Daemon::start().await;
        let usage = json!({
            "type": "TOKEN_USAGE", "agentId": "dev-e-node", "repo": "", "issueNumber": 0, "model": "m",
            "inputTokens": 1, "outputTokens": 2, "costUsd": 0.5,
        });
        daemon.report(&usage).await;
        let events = daemon.get("/api/events/stream?id=dev-e-node").await.expect(200);
        assert_eq!(events[0]["data"]["category"], "idle");
        assert_eq!(events[0]["data"].get("repo"), None);
        assert_eq!(events[0]["metadata"].get("correlation"), None);
    }

    #[actix_web::test]
    async fn the_number_of_a_known_pull_request_means_that_pull_request() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        daemon.report(&assigned()).await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        daemon.dispatched("acme/web#57").await;
        let review = json!({ "type": "REVIEW_PASSED", "repo": "acme/web", "issueNumber": 57, "agentId": "review-e", "headSha": "c0ffee" });
        let answer = daemon.report(&review).await;
        assert_eq!(answer["streamId"], "acme/web#57");
        let stream = StreamId::parse(conductor_core::identity::StreamKind::PullRequest, "acme/web#57").unwrap();
        let last = daemon.store().read_stream(&stream, 0, 100).await.unwrap().pop().unwrap();
        assert_eq!(last.metadata.correlation.as_deref(), Some("acme/web#4"));
        assert_eq!(last.event.type_name(), "REVIEW_PASSED");
    }

    #[actix_web::test]
    async fn a_report_about_a_change_without_a_known_pull_request_is_404() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        let review = json!({ "type": "REVIEW_PASSED", "repo": "acme/web", "issueNumber": 4, "agentId": "review-e" });
        let problem = daemon.post(review.to_string()).await.refused(404, "unknown");
        assert!(problem.contains("prNumber"), "{problem}");
    }

    fn keyed(body: &Value, key: &str) -> TestRequest {
        TestRequest::post().uri("/api/events").insert_header(("Idempotency-Key", key)).set_payload(body.to_string())
    }

    #[actix_web::test]
    async fn the_same_key_gives_the_first_answer_and_one_event() {
        let daemon = Daemon::start().await;
        let first = daemon.send(keyed(&approval(), "k1")).await.expect(200);
        daemon
            .report(&json!({ "type": "PRIORITY_CHANGED", "repo": "acme/web", "issueNumber": 4, "priority": "high" }))
            .await;
        let again = daemon.send(keyed(&approval(), "k1")).await.expect(200);
        assert_eq!(again, first);
        assert_eq!(daemon.stored().await, ["ISSUE_APPROVED", "PRIORITY_CHANGED"]);
    }

    #[actix_web::test]
    async fn the_same_key_with_another_body_is_422() {
        let daemon = Daemon::start().await;
        daemon.send(keyed(&approval(), "k1")).await.expect(200);
        let mut other = approval();
        other["title"] = json!("Other");
        daemon.send(keyed(&other, "k1")).await.refused(422, "idempotency_key_reused");
        assert_eq!(daemon.stored().await, ["ISSUE_APPROVED"]);
    }

    #[actix_web::test]
    async fn a_kept_refusal_is_given_again_even_when_the_state_has_moved_on() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        // On record: refused by the holder's lease.
        let first = daemon.send(keyed(&started("dev-e-node"), "k1")).await;
        first.refused(409, "stale_lease");
        // Not on record: refused by a rule.
        let misfit =
            json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-dotnet" });
        let rule = daemon.send(keyed(&misfit, "k2")).await;
        rule.refused(422, "rule");
        daemon.report(&assigned()).await;
        let stored = daemon.stored().await.len();
        assert_eq!(daemon.send(keyed(&started("dev-e-node"), "k1")).await.json(), first.json());
        assert_eq!(daemon.send(keyed(&misfit, "k2")).await.json(), rule.json());
        assert_eq!(daemon.stored().await.len(), stored);
    }

    #[actix_web::test]
    async fn a_repeat_by_meaning_is_kept_under_its_key_too() {
        let daemon = Daemon::start().await;
        daemon.report(&approval()).await;
        daemon.report(&assigned()).await;
        daemon.report(&started("dev-e-node")).await;
        let first = daemon.send(keyed(&started("dev-e-node"), "k1")).await.expect(200);
        assert_eq!(first["duplicate"], true);
        let stuck = json!({ "type": "AGENT_STUCK", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node", "reason": "lost" });
        daemon.report(&stuck).await;
        assert_eq!(daemon.send(keyed(&started("dev-e-node"), "k1")).await.expect(200), first);
    }

    #[actix_web::test]
    async fn a_broken_key_is_refused() {
        let daemon = Daemon::start().await;
        daemon.send(keyed(&approval(), "")).await.refused(400, "malformed");
        daemon.send(keyed(&approval(), &"k".repeat(201))).await.refused(400, "malformed");
        assert_eq!(daemon.stored().await, [""; 0]);
    }

    #[actix_web::test]
    async fn two_callers_may_use_the_same_key() {
        let daemon = Daemon::start().await;
        let beat = |agent: &str| json!({ "type": "HEARTBEAT", "agentId": agent });
        for agent in ["dev-e-node", "dev-e-python"] {
            daemon.send(keyed(&beat(agent), "k1")).await.expect(200);
        }
        for agent in ["dev-e-node", "dev-e-python"] {
            let stream = StreamId::Agent(AgentId::parse(agent).unwrap());
            assert_eq!(daemon.store().read_stream(&stream, 0, 10).await.unwrap().len(), 2);
        }
    }
}
