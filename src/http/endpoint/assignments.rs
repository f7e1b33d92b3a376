//! `GET /api/assignments/next`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::identity::Claimant;

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Role, Tag, claimant};
use crate::query::Query;
use crate::wire::AssignmentView;

/// What the claimant works on next, or 204. Asking twice gives the same.
///
/// # Errors
/// When `agentId` is missing or malformed, the agent is refused, or the claim can't be decided now.
pub async fn next(edge: Data<Edge>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    if visitor.is_taken_at_its_word() {
        query.required("agentId")?;
    }
    let claimant = visitor.agent(edge.policy(), query.read::<Claimant>("agentId")?)?;
    Ok(match edge.claims.next(claimant).await? {
        Some(assignment) => HttpResponse::Ok().json(assignment),
        None => HttpResponse::NoContent().finish(),
    })
}

pub(crate) fn next_described() -> Operation {
    let agent = Parameter::query(
        "agentId",
        claimant(),
        "Who asks: an agent, or one instance of it. An agent's token says so by itself.",
    )
    .required();
    Operation::new("next_assignment", Tag::Work, "What this agent works on next")
        .only(&[Role::Agent])
        .about("Asking again, however often, gives the same assignment until work on it has started.")
        .with(agent.example("an_agent", "dev-e-node"))
        .answers(
            Answer::json::<AssignmentView>(200, "Work, with the lease on it.")
                .leads_to("events_of_stream", serde_json::json!({ "id": "$response.body#/streamId" })),
        )
        .answers(Answer::empty(204, "Nothing to do now."))
        .refuses(&[Code::Malformed, Code::Forbidden, Code::LostRace, Code::Rule])
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use crate::wire::assignment_for_tests as assignment;
    use conductor_core::roster::{GitHubMode, Policy, UnknownAgents};

    #[actix_web::test]
    async fn work_is_200_with_the_lease_and_nothing_to_do_is_204() {
        let daemon = Daemon::start().await;
        let none = daemon.get("/api/assignments/next?agentId=dev-e-node").await;
        assert_eq!((none.status, none.text.as_str()), (204, ""));
        let claimant = conductor_core::identity::Claimant::parse("dev-e-node/ab12c").unwrap();
        daemon.claims.0.lock().unwrap().insert(claimant, assignment());
        let work = daemon.get("/api/assignments/next?agentId=dev-e-node%2Fab12c").await.expect(200);
        assert_eq!(work["lease"]["token"], "s3cret");
        let again = daemon.get("/api/assignments/next?agentid=dev-e-node/ab12c").await.expect(200);
        assert_eq!(again, work);
        assert_eq!(daemon.get("/api/assignments/next?agentId=dev-e-node").await.status, 204, "another claimant");
    }

    #[actix_web::test]
    async fn it_must_say_who_asks() {
        let daemon = Daemon::start().await;
        for query in ["", "?agentId=", "?agentId=a%23b", "?agentId=a/b/c"] {
            daemon.get(&format!("/api/assignments/next{query}")).await.refused(400, "malformed");
        }
        let closed = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        let closed = Daemon::with(closed).await;
        closed.get("/api/assignments/next?agentId=stranger").await.refused(403, "forbidden");
    }
}
