//! `GET /api/reviews/next`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::identity::{AgentId, Claimant};
use conductor_core::roster::{Policy, Role as RosterRole};

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Role, Tag, claimant};
use crate::query::Query;
use crate::wire::ReviewView;

/// What the reviewer is asked to judge, or 204. Asking twice gives the same.
///
/// # Errors
/// When `agentId` is missing or malformed, the agent is no reviewer, or the dispatch can't be decided now.
pub async fn next(edge: Data<Edge>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    if visitor.is_taken_at_its_word() {
        query.required("agentId")?;
    }
    let claimant = visitor.agent(edge.policy(), query.read::<Claimant>("agentId")?)?;
    check_reviewer(edge.policy(), &claimant.agent)?;
    Ok(match edge.reviews.next(claimant.agent.clone()).await? {
        Some(review) => HttpResponse::Ok().json(review),
        None => HttpResponse::NoContent().finish(),
    })
}

fn check_reviewer(policy: &Policy, agent: &AgentId) -> Result<(), ApiError> {
    let role = policy.roster.agent(agent).map(|profile| profile.role);
    match role {
        Some(RosterRole::Reviewer) => Ok(()),
        Some(role) => Err(ApiError::forbidden(format!(
            "{agent} is a {role}, and only reviewers are asked for verdicts: work is at /api/assignments/next"
        ))),
        None => {
            Err(ApiError::forbidden(format!("{agent} is no reviewer of the roster, so it is asked for no verdict")))
        }
    }
}

pub(crate) fn next_described() -> Operation {
    let agent = Parameter::query(
        "agentId",
        claimant(),
        "Who asks: a reviewer of the roster, or one instance of it. An agent's token says so by itself.",
    )
    .required();
    Operation::new("next_review", Tag::Work, "What this reviewer is asked to judge next")
        .only(&[Role::Agent])
        .about(
            "Asking again, however often, gives the same until it is answered or its deadline has passed. Of what waits and \
             nobody is asked about, the reviewer that asks gets what the rule of dispatch has for it now: the change of \
             somebody else, whose head has settled.",
        )
        .with(agent.example("a_reviewer", "review-e"))
        .answers(
            Answer::json::<ReviewView>(200, "A pull request, and until when a verdict is wanted on its head.")
                .leads_to("events_of_stream", serde_json::json!({ "id": "$response.body#/streamId" })),
        )
        .answers(Answer::empty(204, "Nothing to judge now."))
        .refuses(&[Code::Malformed, Code::Forbidden])
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use crate::wire::review_for_tests as review;
    use conductor_core::identity::AgentId;

    #[actix_web::test]
    async fn what_is_asked_is_200_for_any_instance_and_nothing_is_204() {
        let daemon = Daemon::start().await;
        assert_eq!(daemon.get("/api/reviews/next?agentId=review-e").await.status, 204);
        daemon.reviews.0.lock().unwrap().insert(AgentId::parse("review-e").unwrap(), review());
        let asked = daemon.get("/api/reviews/next?agentId=review-e").await.expect(200);
        assert_eq!((&asked["kind"], &asked["prNumber"]), (&"review".into(), &57.into()));
        assert_eq!(daemon.get("/api/reviews/next?agentid=review-e/ab12c").await.expect(200), asked);
        assert_eq!(daemon.get("/api/reviews/next?agentId=review-e-codex").await.status, 204);
    }

    #[actix_web::test]
    async fn only_reviewers_of_the_roster_are_asked() {
        let daemon = Daemon::start().await;
        for agent in ["dev-e-node", "stranger"] {
            daemon.get(&format!("/api/reviews/next?agentId={agent}")).await.refused(403, "forbidden");
        }
        for query in ["", "?agentId=", "?agentId=a/b/c"] {
            daemon.get(&format!("/api/reviews/next{query}")).await.refused(400, "malformed");
        }
    }
}
