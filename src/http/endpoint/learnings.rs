//! `/api/repo-learnings`: what agents have learned about repositories.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::data::FieldError;
use conductor_core::identity::Claimant;
use conductor_core::learning::{LONGEST_KEY, LONGEST_VALUE, Learning, MOST_LEARNINGS};
use serde_json::json;

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{Answer, Body, Operation, Parameter, Role, Tag, claimant, not_blank, repo, text};
use crate::query::Query;
use crate::report::AGENT_ID;
use crate::wire::LearningRow;

/// All notes about a repository, by key.
///
/// # Errors
/// When `repo` is missing or malformed, or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    query.required("repo")?;
    let Some(repo) = query.read("repo")?.map(|repo| edge.first_name(repo)) else {
        return Ok(HttpResponse::Ok().json(json!([])));
    };
    let notes = edge.store().learnings(&repo).await?;
    let rows: Vec<LearningRow> = notes.into_iter().map(LearningRow::from).collect();
    Ok(HttpResponse::Ok().json(rows))
}

/// Keeps a note over an older one with its key.
///
/// # Errors
/// When the request makes no sense, the caller is not that agent, or the store can't keep it.
pub async fn learn(edge: Data<Edge>, visitor: Visitor, body: RawBody) -> Result<HttpResponse, ApiError> {
    let mut properties = Properties::of(parse(&body.0, &Limits::API)?)?;
    let claimant = visitor.agent(edge.policy(), properties.optional::<Claimant>(AGENT_ID)?)?;
    let (key, value): (String, String) = (properties.required("key")?, properties.required("value")?);
    if key.trim().is_empty() || key.chars().count() > LONGEST_KEY {
        return Err(FieldError::new(format!("must be text of 1 to {LONGEST_KEY} characters")).within("key").into());
    }
    if value.chars().count() > LONGEST_VALUE {
        return Err(FieldError::new(format!("must be text of {LONGEST_VALUE} characters at most"))
            .within("value")
            .into());
    }
    let repo = edge.first_name(properties.required("repo")?);
    let learning = Learning { repo, key, value, agent: claimant.agent, updated_at: edge.now() };
    edge.store().learn(&learning).await?;
    Ok(HttpResponse::Ok().json(LearningRow::from(learning)))
}

pub(crate) fn list_described() -> Operation {
    let of = Parameter::query("repo", repo(), "About which repository.").required();
    Operation::new("learnings", Tag::Runs, "What agents have learned about a repository")
        .with(of.example("a_note", "acme/web"))
        .answers(Answer::json::<Vec<LearningRow>>(200, "Notes, by key."))
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

pub(crate) fn learn_described() -> Operation {
    let mut key = not_blank();
    key["maxLength"] = json!(LONGEST_KEY);
    let mut value = text();
    value["maxLength"] = json!(LONGEST_VALUE);
    let schema = json!({
        "type": "object", "required": ["repo", "key", "value", "agentId"],
        "properties": { "repo": repo(), "key": key, "value": value, "agentId": claimant() },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let note = json!({ "repo": "acme/web", "key": "test", "value": "npm test needs a running Redis", "agentId": "dev-e-node" });
    Operation::new("learn", Tag::Runs, "An agent has learned something about a repository")
        .only(&[Role::Agent])
        .about(format!(
            "The latest word about a key stands. Of each repository {MOST_LEARNINGS} notes are kept: beyond that the one that was not \
             written for longest gives way.",
        ))
        .takes(Body::json(schema, "What it has learned.").example("a_note", note))
        .answers(Answer::json::<LearningRow>(200, "As it is kept."))
        .refuses(&[Code::Malformed, Code::TooSlow, Code::TooLarge])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::testing::{Daemon, Reply};

    async fn learn(daemon: &Daemon, body: &Value) -> Reply {
        daemon.send(TestRequest::post().uri("/api/repo-learnings").set_payload(body.to_string())).await
    }

    #[actix_web::test]
    async fn the_latest_word_about_a_key_stands() {
        let daemon = Daemon::start().await;
        for (agent, value) in [("dev-e-node", "npm test"), ("dev-e-python/pod", "npm run test")] {
            let body = json!({ "Repo": "acme/web", "Key": "test", "Value": value, "AgentId": agent });
            learn(&daemon, &body).await.expect(200);
        }
        let notes = daemon.get("/api/repo-learnings?repo=ACME/Web").await.expect(200);
        let expected = json!([{ "key": "test", "value": "npm run test", "agentId": "dev-e-python",
                                "updatedAt": "2026-11-21T12:00:00.000Z" }]);
        assert_eq!(notes, expected);
        assert_eq!(daemon.get("/api/repo-learnings?repo=acme/other").await.expect(200), json!([]));
    }

    #[actix_web::test]
    async fn what_makes_no_sense_is_a_clear_400_and_a_person_is_no_agent() {
        let daemon = Daemon::start().await;
        let whole = json!({ "repo": "acme/web", "key": "k", "value": "v", "agentId": "dev-e-node" });
        for (name, value) in [
            ("repo", json!("acme")),
            ("repo", Value::Null),
            ("key", json!(" ")),
            ("key", json!("k".repeat(201))),
            ("value", json!(5)),
            ("value", json!("v".repeat(16_385))),
            ("agentId", Value::Null),
        ] {
            let mut body = whole.clone();
            body[name] = value;
            assert!(learn(&daemon, &body).await.refused(400, "malformed").contains(name), "{name}");
        }
        daemon.get("/api/repo-learnings").await.refused(400, "malformed");
        daemon.get("/api/repo-learnings?repo=acme").await.refused(400, "malformed");
        let (secret, _) = daemon.token("operator", "ada").await;
        let request =
            TestRequest::post().uri("/api/repo-learnings").insert_header(("Authorization", format!("Bearer {secret}")));
        daemon.send(request.set_payload(whole.to_string())).await.refused(403, "forbidden");
    }
}
