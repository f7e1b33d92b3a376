//! `POST /api/merge`: may this be merged?

use actix_web::HttpResponse;
use actix_web::web::Data;
use conductor_core::decider::StreamState;
use conductor_core::event::PullRequestState;
use conductor_core::identity::StreamId;
use conductor_core::merge_gate::{self, Condition};
use conductor_core::pull_request::PullRequest;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{Answer, Body, Operation, Role, Tag, issue_number, nullable, repo, text};
use crate::report::{Place, Sought};
use crate::subject;

/// It is merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Merged {
    /// Always true: a merge that did not happen is a refusal.
    merged: bool,
    /// The commit that the merge made, where it is known.
    sha: Option<String>,
}

/// Callers are not believed – some ask whenever a text holds the word "approve" – and nothing is merged for their word: the gate
/// decides afresh, every time.
///
/// # Errors
/// When nothing is known of the pull request, and as long as its merge waits for anything.
pub async fn merge(edge: Data<Edge>, body: RawBody) -> Result<HttpResponse, ApiError> {
    let mut properties = Properties::of(parse(&body.0, &Limits::API)?)?;
    edge.names.settle(&mut properties);
    let store = &**edge.store();
    let place = Place::take(&mut properties, store, &edge.numbers, Sought::PullRequest).await?;
    let reference = place.the_pull_request()?;
    let pull = match subject::state(store, &StreamId::PullRequest(reference.clone())).await? {
        Some(StreamState::PullRequest(pull)) if pull.known => pull,
        Some(StreamState::PullRequest(_) | StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_))
        | None => {
            return Err(ApiError::unknown(format!("nothing is known of pull request {reference}: check the number")));
        }
    };
    if pull.shown_state() == PullRequestState::Merged {
        let sha = pull.merge_sha.as_ref().map(ToString::to_string);
        return Ok(HttpResponse::Ok().json(Merged { merged: true, sha }));
    }
    let mut waiting_for = waits_for(&edge, &pull).await?;
    waiting_for.push(Condition::NotConnected.to_string());
    let names = waiting_for.join(", ");
    tracing::info!(pull = %reference, waiting_for = names, "was asked to merge {reference}: it waits for {names}");
    Err(ApiError::merge_waits(&waiting_for, Condition::NotConnected.moved_by(edge.policy().github)))
}

async fn waits_for(edge: &Edge, pull: &PullRequest) -> Result<Vec<String>, ApiError> {
    let mut neighbours = std::collections::BTreeMap::new();
    for stream in merge_gate::looks_at(pull) {
        if let Some(state) = subject::state(&**edge.store(), &stream).await? {
            neighbours.insert(stream, state);
        }
    }
    Ok(merge_gate::names(&merge_gate::waits_for(pull, &neighbours, edge.policy())))
}

pub(crate) fn merge_described() -> Operation {
    let schema = json!({
        "type": "object", "required": ["repo", "prNumber"],
        "properties": { "repo": repo(), "prNumber": issue_number(), "prRepo": nullable(repo()) },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let body = Body::json(schema, "Which pull request.")
        .example("a_merged_one", json!({ "repo": "acme/web", "prNumber": 57 }));
    Operation::new("merge", Tag::Work, "Merge a pull request, if the gate lets it")
        .only(&[Role::Agent, Role::Operator])
        .about(
            "Nobody's word merges: the gate decides afresh, every time. 409 with `merged: false` and, under `waitingFor`, all that \
             the merge waits for: `review`, `ci`, `human_gate`, `blocking_label`, `size`, `unresolved_threads`, `draft`, \
             `merge_conflict`, `linked_issue`, `paused`, `escalated`, after a colon which. This version does not merge at GitHub by \
             itself, and so waits for `github_connection` too; what is merged there is answered 200.",
        )
        .takes(body)
        .answers(Answer::json::<Merged>(200, "It is merged."))
        .refuses(&[Code::Malformed, Code::Unknown, Code::GitHubNotConnected, Code::TooSlow, Code::TooLarge])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::testing::{Daemon, Reply};

    async fn merge(daemon: &Daemon, body: &Value) -> Reply {
        daemon.send(TestRequest::post().uri("/api/merge").set_payload(body.to_string())).await
    }

    fn of(number: u64) -> Value {
        json!({ "repo": "acme/web", "prNumber": number, "reason": "the model said: I approve of this" })
    }

    async fn with_pull() -> Daemon {
        let daemon = Daemon::start().await;
        daemon.report(&json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" })).await;
        daemon
            .report(&json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" }))
            .await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        daemon
    }

    #[actix_web::test]
    async fn a_callers_word_merges_nothing_and_it_is_told_what_is_waited_for() {
        let daemon = with_pull().await;
        let before = daemon.stored().await.len();
        let reply = merge(&daemon, &of(57)).await;
        reply.refused(409, "github_not_connected");
        let body = reply.json();
        assert_eq!(body["merged"], false);
        assert!(
            body["error"].as_str().unwrap().contains("MERGED, reported by a monitor, coordinator or operator"),
            "{body}"
        );
        let waits: Vec<&str> = body["waitingFor"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(
            waits.contains(&"review") && waits.contains(&"ci:none") && waits.ends_with(&["github_connection"]),
            "{waits:?}"
        );
        assert_eq!(daemon.stored().await.len(), before, "it was asked, and no more");
    }

    #[actix_web::test]
    async fn what_is_merged_says_so_with_its_commit() {
        let daemon = with_pull().await;
        daemon.report(&json!({ "type": "MERGED", "repo": "acme/web", "prNumber": 57, "mergeSha": "c0ffee01" })).await;
        assert_eq!(merge(&daemon, &of(57)).await.expect(200), json!({ "merged": true, "sha": "c0ffee01" }));
    }

    #[actix_web::test]
    async fn what_is_no_pull_request_is_refused() {
        let daemon = with_pull().await;
        merge(&daemon, &of(99)).await.refused(404, "unknown");
        assert!(merge(&daemon, &of(4)).await.refused(400, "malformed").contains("is an issue"));
        for body in [json!({}), json!({ "repo": "acme/web" }), json!({ "repo": "acme", "prNumber": 57 }), json!([])] {
            merge(&daemon, &body).await.refused(400, "malformed");
        }
    }
}
