//! `POST /api/admin/overrides`: what a person overrules, in their own name.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::agent::AgentCommand;
use conductor_core::authority::Caller;
use conductor_core::data::FieldError;
use conductor_core::event::{EventType, Metadata};
use conductor_core::identity::{AgentId, Claimant, IssueRef, RepoName, StreamId, StreamKind};
use conductor_core::issue::{IssueCommand, IssueOverride};
use conductor_core::overrule::{OverrideKind, Reason, Ruling, Target};
use conductor_core::port::{KeyedAnswer, RowFilter};
use conductor_core::rig::RigCommand;
use serde_json::{Value, json};

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::idempotency;
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{
    Answer, Body, Operation, Role, Tag, claimant, flag, not_blank, nullable, one_of, owner_or_name, text,
};
use crate::report::{AGENT_ID, Asked};
use crate::subject;
use crate::wire::{EventAnswer, LogPlace};

/// The event that records it.
const RECORD: &str = "OPERATOR_OVERRIDE";

/// Takes `{kind, target, reason, agentId?, force?}`.
///
/// # Errors
/// When the caller is no operator, the request makes no sense, or whatever the stream that decides it answers.
pub async fn post(
    edge: Data<Edge>,
    visitor: Visitor,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    // Of the one who calls: what the body says of its sender is kept beside the event, and worth nothing.
    let operator = visitor.operator()?;
    let key = idempotency::key_of(&request, &Caller::Operator(operator.clone()), &body.0)?;
    if let Some(key) = &key
        && let Some(answer) = idempotency::first_answer(&**edge.store(), key, record()).await?
    {
        return Ok(answer);
    }
    let answer = perform(&edge, &operator, &body.0, key.clone()).await;
    if let Some(key) = &key {
        idempotency::keep(&**edge.store(), key, &answer, edge.now()).await;
    }
    match &answer {
        Ok(answer) => tracing::info!(operator, target = answer.stream_id, "{operator} overruled {}", answer.stream_id),
        Err(refused) => tracing::info!(operator, code = refused.code(), "refused an override of {operator}: {refused}"),
    }
    answer.map(|answer| HttpResponse::Ok().json(answer))
}

fn record() -> EventType {
    EventType::parse(RECORD).expect("what records an override is in the list of event types")
}

async fn perform(edge: &Edge, operator: &str, body: &[u8], key: Option<KeyedAnswer>) -> Result<EventAnswer, ApiError> {
    let mut properties = Properties::of(parse(body, &Limits::API)?)?;
    let kind: OverrideKind = properties.required("kind")?;
    let target = target(&mut properties)?;
    let reason: String = properties.optional("reason")?.unwrap_or_default();
    let reason = Reason::parse(&reason).ok_or_else(|| FieldError::new(Reason::FORM).within("reason"))?;
    let ruling = Ruling { operator: operator.to_owned(), reason };
    let asked = asked(edge, kind, target, ruling, &mut properties).await?;
    let metadata = Metadata {
        idempotency_key: key.as_ref().map(|key| key.key.clone()),
        extra: properties.rest(),
        ..Metadata::by(Caller::Operator(operator.to_owned()).actor()).because_of(edge.requests.next())
    };
    let reply = asked.deliver(&edge.coordinator, metadata, key).await?;
    let said = match &reply.receipt {
        Some(receipt) => Some(LogPlace::of(&**edge.store(), &reply.stream, receipt, record()).await),
        None => None,
    };
    Ok(EventAnswer::new(record(), &reply.stream, &reply.outcome, said, edge.now()))
}

fn target(properties: &mut Properties) -> Result<Target, ApiError> {
    let text: String = properties.required("target")?;
    Target::parse(&text).ok_or_else(|| FieldError::new(Target::FORM).within("target").into())
}

/// The command, for the stream of its target; which has to exist, or a slip of the pen would pause a place that nobody knows.
async fn asked(
    edge: &Edge,
    kind: OverrideKind,
    target: Target,
    by: Ruling,
    properties: &mut Properties,
) -> Result<Asked, ApiError> {
    let what = what(kind, properties)?;
    let paused = match what {
        IssueOverride::Pause => Some(true),
        IssueOverride::Resume => Some(false),
        IssueOverride::Release
        | IssueOverride::Requeue
        | IssueOverride::Assign { .. }
        | IssueOverride::Cancel
        | IssueOverride::CloseZombie => None,
    };
    match (target, paused) {
        (Target::Issue(reference), _) => {
            let issue = issue_of(edge, edge.first_named(reference)).await?;
            Ok(Asked::Issue(issue, Box::new(IssueCommand::Override { what, by })))
        }
        (Target::Rig, Some(paused)) => Ok(Asked::Rig(RigCommand::Pause { repo: None, paused, by })),
        (Target::Repo(repo), Some(paused)) => {
            known_repo(edge, &repo).await?;
            Ok(Asked::Rig(RigCommand::Pause { repo: Some(repo), paused, by }))
        }
        (Target::Agent(agent), Some(paused)) => {
            known_agent(edge, &agent).await?;
            Ok(Asked::Agent(agent, AgentCommand::Pause { paused, by }))
        }
        (target @ (Target::Rig | Target::Repo(_) | Target::Agent(_)), None) => Err(ApiError::malformed(format!(
            "{kind} is for one issue, not for {target}: send it as target, such as owner/repo#42"
        ))),
    }
}

/// The kind with what it needs. Only an assignment takes an agent and force; elsewhere they would be taken for something else.
fn what(kind: OverrideKind, properties: &mut Properties) -> Result<IssueOverride, ApiError> {
    let agent: Option<Claimant> = properties.optional(AGENT_ID)?;
    let force: bool = properties.optional("force")?.unwrap_or(false);
    let what = match (kind, agent) {
        (OverrideKind::Assign, Some(claimant)) => return Ok(IssueOverride::Assign { claimant, force }),
        (OverrideKind::Assign, None) => return Err(ApiError::malformed("agentId is missing: say who is to have it")),
        (kind, Some(_)) => return Err(belongs_to_assign(kind)),
        (OverrideKind::Release, None) => IssueOverride::Release,
        (OverrideKind::Requeue, None) => IssueOverride::Requeue,
        (OverrideKind::Cancel, None) => IssueOverride::Cancel,
        (OverrideKind::CloseZombie, None) => IssueOverride::CloseZombie,
        (OverrideKind::Pause, None) => IssueOverride::Pause,
        (OverrideKind::Resume, None) => IssueOverride::Resume,
    };
    if force { Err(belongs_to_assign(kind)) } else { Ok(what) }
}

fn belongs_to_assign(kind: OverrideKind) -> ApiError {
    ApiError::malformed(format!("agentId and force belong to assign: send {kind} without them"))
}

/// A number that is a pull request means the issue that it stands for.
async fn issue_of(edge: &Edge, reference: IssueRef) -> Result<IssueRef, ApiError> {
    let store = &**edge.store();
    match subject::kind_of(store, &reference).await? {
        Some(StreamKind::PullRequest) => subject::issue_of_pull_request(store, &reference).await?.ok_or_else(|| {
            ApiError::malformed(format!(
                "{reference} is a pull request that does not stand for one issue: send the issue as target"
            ))
        }),
        Some(StreamKind::Issue | StreamKind::Agent | StreamKind::Rig) | None => Ok(reference),
    }
}

async fn known_repo(edge: &Edge, repo: &RepoName) -> Result<(), ApiError> {
    let store = &**edge.store();
    let named = match store.load(&StreamId::Rig).await? {
        Some((_, conductor_core::decider::StreamState::Rig(rig))) => rig.canonical(repo).clone(),
        Some(_) | None => repo.clone(),
    };
    if edge.policy().repos.contains_key(repo) || edge.policy().repos.contains_key(&named) {
        return Ok(());
    }
    let filter = RowFilter { repo: Some(named), ..RowFilter::default() };
    for kind in [StreamKind::Issue, StreamKind::PullRequest] {
        if !store.rows(kind, &filter, None, 1).await?.is_empty() {
            return Ok(());
        }
    }
    Err(ApiError::unknown(format!("nothing is known of {repo}: check the name, GET /api/issues lists what there is")))
}

async fn known_agent(edge: &Edge, agent: &AgentId) -> Result<(), ApiError> {
    let known = edge.policy().roster.agent(agent).is_some()
        || edge.store().load(&StreamId::Agent(agent.clone())).await?.is_some();
    if known {
        return Ok(());
    }
    Err(ApiError::unknown(format!("no agent is called {agent}: GET /api/agents lists them")))
}

pub(crate) fn post_described() -> Operation {
    let common = |kinds: &[OverrideKind], target: Value| {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let mut reason = not_blank();
        reason["maxLength"] = json!(Reason::LONGEST);
        json!({
            "type": "object", "required": ["kind", "target", "reason"],
            "properties": { "kind": one_of(&kinds), "target": target, "reason": reason },
        })
    };
    let name = owner_or_name();
    let name = name["pattern"].as_str().unwrap_or_default().trim_matches(['^', '$']).to_owned();
    let issue = || json!({ "type": "string", "pattern": format!("^{name}/{name}#[1-9][0-9]{{0,17}}$") });
    let wide = format!("^(rig|{name}/{name}(#[1-9][0-9]{{0,17}})?|agent:[A-Za-z0-9_.-]{{1,100}})$");
    let (nobody, no) = (json!({ "type": "null" }), json!({ "enum": [null, false] }));
    let mut assign = common(&[OverrideKind::Assign], issue());
    assign["title"] = json!("Give it to an agent");
    assign["required"] = json!(["kind", "target", "reason", "agentId"]);
    (assign["properties"]["agentId"], assign["properties"]["force"]) = (claimant(), nullable(flag()));
    let of_issues = [OverrideKind::Release, OverrideKind::Requeue, OverrideKind::Cancel, OverrideKind::CloseZombie];
    let mut of_issues = common(&of_issues, issue());
    of_issues["title"] = json!("Of one issue");
    let mut pauses = common(&[OverrideKind::Pause, OverrideKind::Resume], json!({ "type": "string", "pattern": wide }));
    pauses["title"] = json!("Of anything");
    for shape in [&mut of_issues, &mut pauses] {
        (shape["properties"]["agentId"], shape["properties"]["force"]) = (nobody.clone(), no.clone());
    }
    let schema = json!({
        "type": "object", "anyOf": [of_issues, assign, pauses],
        // Kept beside the event.
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let body = Body::json(schema, "What to do, to what, and why.")
        .example("a pause", json!({ "kind": "pause", "target": "rig", "reason": "release day" }))
        .example("its end", json!({ "kind": "resume", "target": "rig", "reason": "it is out" }));
    Operation::new("override", Tag::Admin, "Overrule the rules, in your own name")
        .only(&[Role::Operator])
        .about(
            "OPERATOR_OVERRIDE is recorded with the operator's name and the reason, before the events that follow from it. What \
             is so already is recorded no more (`duplicate`), and what makes no sense in the state of its target is a 409 that names \
             the state. No override approves, merges or opens a gate. A pull request's number means the issue that it stands for.",
        )
        .with(idempotency::described())
        .takes(body)
        .answers(
            Answer::json::<EventAnswer>(200, "It is in the log, or was so before.")
                .leads_to("events_of_stream", json!({ "id": "$response.body#/streamId" })),
        )
        .refuses(&[Code::Malformed, Code::Unknown, Code::TooSlow, Code::TooLarge])
        .refuses(&[Code::Inapplicable, Code::LostRace, Code::Rule, Code::KeyReused])
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::testing::{Daemon, Reply};

    fn override_of(kind: &str, target: &str) -> Value {
        json!({ "kind": kind, "target": target, "reason": "the customer waits" })
    }

    fn sent(body: &Value) -> TestRequest {
        TestRequest::post().uri("/api/admin/overrides").set_payload(body.to_string())
    }

    async fn overrule(daemon: &Daemon, body: &Value) -> Reply {
        daemon.send(sent(body)).await
    }

    async fn with_held_issue() -> Daemon {
        let daemon = Daemon::start().await;
        for (kind, agent) in
            [("ISSUE_APPROVED", None), ("ISSUE_ASSIGNED", Some("dev-e-node")), ("WORK_STARTED", Some("dev-e-node"))]
        {
            let body = json!({ "type": kind, "repo": "acme/web", "issueNumber": 4, "title": "x", "agentId": agent });
            daemon.report(&body).await;
        }
        daemon
    }

    #[actix_web::test]
    async fn an_override_is_recorded_with_who_and_why_and_what_follows() {
        let daemon = with_held_issue().await;
        let mut body = override_of("release", "acme/web#4");
        body["operator"] = json!("somebody else");
        let answer = overrule(&daemon, &body).await.expect(200);
        assert_eq!((&answer["streamId"], &answer["type"]), (&json!("acme/web#4"), &json!("OPERATOR_OVERRIDE")));
        let events = daemon.get("/api/events/stream?id=acme/web%234").await.expect(200);
        let recorded = &events[3];
        assert_eq!(recorded["version"], answer["version"]);
        let said = json!({ "kind": "release", "target": "acme/web#4", "reason": "the customer waits", "operator": "local", "force": false });
        assert_eq!(recorded["data"], said);
        assert_eq!(recorded["metadata"]["actor"], "operator:local");
        assert_eq!(recorded["metadata"]["extra"]["operator"], "somebody else", "kept, and worth nothing");
        assert_eq!(events[4]["type"], "IssueUnassigned");
        let again = overrule(&daemon, &body).await.expect(200);
        assert_eq!(again["duplicate"], true);
    }

    #[actix_web::test]
    async fn one_key_is_one_override_and_a_refusal_is_given_again() {
        let daemon = with_held_issue().await;
        let keyed = |body: &Value, key: &str| daemon.send(sent(body).insert_header(("Idempotency-Key", key)));
        let requeue = override_of("requeue", "acme/web#4");
        let first = keyed(&requeue, "k1").await.expect(200);
        daemon
            .report(&json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" }))
            .await;
        assert_eq!(keyed(&requeue, "k1").await.expect(200), first);
        assert_eq!(daemon.get("/api/issues/acme/web/4").await.expect(200)["state"], "assigned", "one effect");
        keyed(&override_of("cancel", "acme/web#4"), "k1").await.refused(422, "idempotency_key_reused");
        daemon.report(&json!({ "type": "ISSUE_DONE", "repo": "acme/web", "issueNumber": 4 })).await;
        for _ in 0..2 {
            keyed(&override_of("cancel", "acme/web#4"), "k2").await.refused(409, "inapplicable");
        }
    }

    #[actix_web::test]
    async fn what_does_not_apply_says_the_state_and_why() {
        let daemon = with_held_issue().await;
        daemon.report(&json!({ "type": "ISSUE_DONE", "repo": "acme/web", "issueNumber": 4 })).await;
        let reply = overrule(&daemon, &override_of("release", "acme/web#4")).await;
        let why = reply.refused(409, "inapplicable");
        assert_eq!(reply.json()["state"], "done");
        assert_eq!(why, "acme/web#4 is done: nobody holds it, so there is nothing to release");
    }

    #[actix_web::test]
    async fn an_assignment_answers_with_the_rule_that_it_breaks() {
        let daemon = with_held_issue().await;
        let assign = |agent: &str| json!({ "kind": "assign", "target": "acme/web#4", "agentId": agent, "reason": "x" });
        let refused = overrule(&daemon, &assign("review-e")).await;
        assert_eq!(refused.expect(422)["rule"], "no_fit");
        overrule(&daemon, &assign("dev-e-python/ab12c")).await.expect(200);
        let row = daemon.get("/api/issues/acme/web/4").await.expect(200);
        assert_eq!(
            (&row["agentId"], &row["state"], &row["epoch"]),
            (&json!("dev-e-python"), &json!("assigned"), &json!(2))
        );
    }

    #[actix_web::test]
    async fn every_scope_is_paused_and_resumed_once() {
        let daemon = with_held_issue().await;
        for target in ["rig", "acme/web", "acme/web#4", "agent:dev-e-node"] {
            for kind in ["pause", "resume"] {
                let before = daemon.stored().await.len();
                assert_eq!(overrule(&daemon, &override_of(kind, target)).await.expect(200).get("duplicate"), None);
                assert_eq!(
                    overrule(&daemon, &override_of(kind, target)).await.expect(200)["duplicate"],
                    true,
                    "{target}"
                );
                let event = if kind == "pause" { "PAUSED" } else { "RESUMED" };
                assert_eq!(daemon.stored().await[before..], ["OPERATOR_OVERRIDE", event], "{target}");
            }
        }
        overrule(&daemon, &override_of("pause", "agent:dev-e-node")).await.expect(200);
        assert_eq!(daemon.get("/api/agents/dev-e-node").await.expect(200)["paused"], true);
    }

    #[actix_web::test]
    async fn a_pull_request_means_its_issue() {
        let daemon = with_held_issue().await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        let answer = overrule(&daemon, &override_of("cancel", "acme/web#57")).await.expect(200);
        assert_eq!(answer["streamId"], "acme/web#4");
        daemon.pull_request("acme/web#58", &["acme/web#4", "acme/web#5"]).await;
        overrule(&daemon, &override_of("cancel", "acme/web#58")).await.refused(400, "malformed");
    }

    #[actix_web::test]
    async fn nonsense_is_refused_and_leaves_no_trace() {
        let daemon = with_held_issue().await;
        let before = daemon.stored().await;
        let with = |mut body: Value, name: &str, value: Value| {
            body[name] = value;
            body
        };
        let release = || override_of("release", "acme/web#4");
        for (body, mentions) in [
            (json!([]), "object"),
            (with(release(), "kind", json!(null)), "kind is missing"),
            (with(release(), "kind", json!("merge")), "close-zombie"),
            (with(release(), "target", json!("acme")), "owner/repo#42"),
            (with(release(), "reason", json!("  ")), "reason must say why"),
            (with(release(), "reason", json!(null)), "reason must say why"),
            (with(release(), "reason", json!("x".repeat(1_001))), "1000"),
            (with(release(), "agentId", json!("dev-e-node")), "belong to assign"),
            (with(release(), "force", json!(true)), "belong to assign"),
            (with(release(), "kind", json!("assign")), "agentId is missing"),
            (override_of("release", "rig"), "one issue"),
            (override_of("cancel", "acme/web"), "one issue"),
            (override_of("requeue", "agent:dev-e-node"), "one issue"),
        ] {
            let problem = overrule(&daemon, &body).await.refused(400, "malformed");
            assert!(problem.contains(mentions), "{body} -> {problem}");
        }
        for target in ["acme/web#99", "acme/wbe", "agent:dev-e-nod"] {
            overrule(&daemon, &override_of("pause", target)).await.refused(404, "unknown");
        }
        daemon.get("/api/admin/overrides").await.refused(405, "method_not_allowed");
        assert_eq!(daemon.stored().await, before);
    }
}
