//! `GET /api/explain`: reads what an explanation looks at, has it explained, and looks up where the log says so.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::agent::Agent;
use conductor_core::claim::{ClaimantView, Obstacle};
use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::explain::{self, AroundAgent, AroundIssue, Explanation, Known};
use conductor_core::identity::{AgentId, Claimant, IssueRef, StreamId, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::overrule::Target;
use conductor_core::port::{RowFilter, Store, StoreFailure};
use conductor_core::pull_request::PullRequest;
use conductor_core::rig::Rig;
use conductor_core::roster::Policy;

use super::agents::Joined;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, not_blank};
use crate::paging::PAGE;
use crate::query::Query;
use crate::subject;
use crate::wire::{Explained, ExplanationView, StoredEvent};

/// Of the queue, what an agent is shown.
const OFFERS: usize = 20;
/// Waits whose events are looked up.
const LOOKED_UP: usize = 20;

/// Why an issue, a pull request, an agent or the rig is where it is.
///
/// # Errors
/// When `id` is missing or nothing is known of it, or the store or the queue can't answer.
pub async fn explain(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let id = query.required("id")?;
    let store = &**edge.store();
    let meant = named(&edge, id).await?;
    let explanation = match meant.clone() {
        Some(StreamId::Issue(reference)) => issue(&edge, &reference).await?,
        Some(StreamId::PullRequest(reference)) => pull_request(&edge, &reference).await?,
        Some(StreamId::Agent(agent_id)) => agent(&edge, &agent_id).await?,
        Some(StreamId::Rig) => Some(explain::rig(&rig(store).await?)),
        None => None,
    };
    let unknown = || ApiError::unknown(unknown(id, meant.as_ref(), edge.policy()));
    let explained = looked_up(store, explanation.ok_or_else(unknown)?).await?;
    Ok(HttpResponse::Ok().json(ExplanationView::of(explained)))
}

/// Of whom nothing is known. An agent outside the roster may be one that never asked.
fn unknown(id: &str, meant: Option<&StreamId>, policy: &Policy) -> String {
    let Some(StreamId::Agent(agent)) = meant else {
        return format!("nothing is known of {id}: send owner/repo#42, an agent's id, or rig");
    };
    let taken_for = ClaimantView { agent, profile: None, strangers: policy.unknown_agents }.taken_for();
    format!(
        "nothing is known of {id}: send owner/repo#42, an agent's id, or rig. Should {agent} be an agent that never came: \
         {taken_for}"
    )
}

/// What a person means: also `agent:<id>`, as overrides write it, and `id/instance` for the agent.
async fn named(edge: &Edge, text: &str) -> Result<Option<StreamId>, StoreFailure> {
    if let Some(Target::Agent(agent)) = Target::parse(text) {
        return Ok(Some(StreamId::Agent(agent)));
    }
    let stream = subject::stream_named(edge, text).await?;
    Ok(stream.or_else(|| Claimant::parse(text).map(|claimant| StreamId::Agent(claimant.agent))))
}

async fn issue(edge: &Edge, reference: &IssueRef) -> Result<Option<Explanation>, ApiError> {
    let store = &**edge.store();
    let Some(mut issue) = issue_state(store, reference).await? else { return Ok(None) };
    let signs = edge.leases.signs_of(store, reference).await?;
    edge.leases.show_renewed(&mut issue, signs.as_ref());
    let mut dependencies = BTreeMap::new();
    for on in &issue.depends_on {
        if let Some(state) = issue_state(store, on).await? {
            dependencies.insert(on.clone(), state);
        }
    }
    let pull = match &issue.current {
        Some(current) => pull_state(store, current).await?,
        None => None,
    };
    let waiting = edge.queue.waiting().await?;
    let place = waiting.iter().position(|waiting| waiting.entry.issue == *reference);
    let everybody = Everybody::read(edge).await?;
    let agents: Vec<Known<'_>> = everybody.ids.iter().map(|id| everybody.known(edge, id)).collect();
    let around = AroundIssue {
        now: edge.now(),
        policy: edge.policy(),
        rig: &rig(store).await?,
        dependencies: &dependencies,
        pull: pull.as_ref(),
        place: place.map(|place| (place + 1, waiting.len())),
        agents: &agents,
    };
    Ok(Some(explain::issue(&issue, &around)))
}

async fn pull_request(edge: &Edge, reference: &IssueRef) -> Result<Option<Explanation>, ApiError> {
    let store = &**edge.store();
    let Some(pull) = pull_state(store, reference).await? else { return Ok(None) };
    let mut issues = Vec::new();
    for issue in pull.issues() {
        issues.extend(issue_state(store, &issue).await?);
    }
    let review = edge.reviews.outlook(pull.clone()).await?;
    Ok(Some(explain::pull_request(&pull, &issues, edge.policy(), &review)))
}

async fn agent(edge: &Edge, id: &AgentId) -> Result<Option<Explanation>, ApiError> {
    let everybody = Everybody::read_one(edge, id).await?;
    let Some(id) = everybody.ids.get(id) else { return Ok(None) };
    let waiting = edge.queue.waiting().await?;
    let first: Vec<_> =
        waiting.iter().take(OFFERS).map(|one| (one.entry.wanted(), &one.obstacles as &[Obstacle])).collect();
    let around = AroundAgent {
        now: edge.now(),
        policy: edge.policy(),
        rig: &rig(&**edge.store()).await?,
        waiting: &first,
        waiting_in_all: waiting.len(),
        holds: everybody.joined.holds(id),
    };
    Ok(Some(explain::agent(&everybody.known(edge, id), &around)))
}

/// Whoever is in the roster, has a stream, or was heard from.
struct Everybody {
    joined: Joined,
    states: BTreeMap<AgentId, Agent>,
    ids: BTreeSet<AgentId>,
}

impl Everybody {
    async fn read(edge: &Edge) -> Result<Self, StoreFailure> {
        let rows = edge.store().rows(StreamKind::Agent, &RowFilter::default(), None, PAGE).await?;
        Ok(Self::of(Joined::read(edge, None).await?, rows.into_iter().map(|row| row.state)))
    }

    async fn read_one(edge: &Edge, id: &AgentId) -> Result<Self, StoreFailure> {
        let found = edge.store().load(&StreamId::Agent(id.clone())).await?;
        Ok(Self::of(Joined::read(edge, Some(id)).await?, found.into_iter().map(|(_, state)| state)))
    }

    fn of(joined: Joined, states: impl Iterator<Item = StreamState>) -> Self {
        let agents = states.filter_map(|state| match state {
            StreamState::Agent(agent) => Some((agent.id.clone(), *agent)),
            StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Rig(_) => None,
        });
        let states: BTreeMap<AgentId, Agent> = agents.collect();
        let ids = joined.ids().chain(states.keys()).cloned().collect();
        Self { joined, states, ids }
    }

    fn known<'a>(&'a self, edge: &'a Edge, id: &'a AgentId) -> Known<'a> {
        Known {
            id,
            profile: edge.policy().roster.agent(id),
            state: self.states.get(id),
            heard: self.joined.last_heard(id),
            held: u32::try_from(self.joined.holds(id).len()).unwrap_or(u32::MAX),
        }
    }
}

async fn issue_state(store: &dyn Store, reference: &IssueRef) -> Result<Option<Issue>, StoreFailure> {
    Ok(match subject::state(store, &StreamId::Issue(reference.clone())).await? {
        Some(StreamState::Issue(issue)) => Some(*issue),
        Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => None,
    })
}

async fn pull_state(store: &dyn Store, reference: &IssueRef) -> Result<Option<PullRequest>, StoreFailure> {
    Ok(match subject::state(store, &StreamId::PullRequest(reference.clone())).await? {
        Some(StreamState::PullRequest(pull)) => Some(*pull),
        Some(StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => None,
    })
}

async fn rig(store: &dyn Store) -> Result<Rig, StoreFailure> {
    Ok(match subject::state(store, &StreamId::Rig).await? {
        Some(StreamState::Rig(rig)) => *rig,
        Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => Rig::unknown(),
    })
}

/// The events behind an explanation.
async fn looked_up(store: &dyn Store, explanation: Explanation) -> Result<Explained, StoreFailure> {
    let decided = match explanation.decided_at {
        Some(version) => event(store, &explanation.subject, version).await?,
        None => None,
    };
    let mut positions = Vec::new();
    for wait in explanation.waits_for.iter().take(LOOKED_UP) {
        let found = match &wait.on {
            Some((stream, Some(version))) => event(store, stream, *version).await?,
            Some((_, None)) | None => None,
        };
        positions.push(found.map(|event| event.position));
    }
    let since = decided.as_ref().map(|event| event.time);
    Ok(Explained { explanation, decided_by: decided.map(StoredEvent::of_stream), since, positions })
}

async fn event(store: &dyn Store, stream: &StreamId, version: u64) -> Result<Option<Recorded>, StoreFailure> {
    let Some(before) = version.checked_sub(1) else { return Ok(None) };
    Ok(store.read_stream(stream, before, 1).await?.pop())
}

pub(crate) fn explain_described() -> Operation {
    let id = Parameter::query("id", not_blank(), "`owner/repo#42` (`#` as `%23`), an agent's id, or `rig`.").required();
    Operation::new("explain", Tag::State, "Why something is where it is")
        .about(
            "What it waits for, by which rule, what would move it, and the event that brought it there. Of an issue that \
             nobody holds: each agent, and what keeps the issue from it; of an agent the same of what waits.",
        )
        .with(id.example("an_issue", "acme/web#42").example("an_agent", "dev-e-node").example("the_rig", "rig"))
        .answers(Answer::json::<ExplanationView>(200, "An explanation."))
        .refuses(&[Code::Malformed, Code::Unknown])
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use conductor_core::claim::{Obstacle, QueueEntry};
    use conductor_core::event::Priority;
    use conductor_core::identity::IssueRef;
    use serde_json::{Value, json};

    use crate::edge::Waiting;
    use crate::testing::Daemon;

    async fn with_issue() -> Daemon {
        let daemon = Daemon::start().await;
        let approval =
            json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x", "stack": "node" });
        daemon.report(&approval).await;
        let entry = QueueEntry {
            issue: IssueRef::parse("acme/web#4").unwrap(),
            priority: Priority::Normal,
            queued_at: daemon.edge.now(),
            stack: Some("node".to_owned()),
            escalate: Vec::new(),
            excluded: Default::default(),
            depends_on: Vec::new(),
            paused: false,
            rework: None,
        };
        *daemon.queue.0.lock().unwrap() = vec![Waiting { entry, obstacles: Vec::<Obstacle>::new() }];
        daemon
    }

    async fn explained(daemon: &Daemon, id: &str) -> Value {
        daemon.get(&format!("/api/explain?id={id}")).await.expect(200)
    }

    fn rules(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect()
    }

    #[actix_web::test]
    async fn a_queued_issue_names_who_could_take_it_and_why_nobody_else_may() {
        let daemon = with_issue().await;
        daemon.report(&json!({ "type": "HEARTBEAT", "agentId": "dev-e-node/ab12c", "status": "idle" })).await;
        let told = explained(&daemon, "acme/web%234").await;
        assert_eq!(
            (&told["id"], &told["kind"], &told["state"]),
            (&json!("acme/web#4"), &json!("issue"), &json!("queued"))
        );
        assert_eq!(told["summary"], "it waits for an agent, number 1 of 1 in the queue");
        assert_eq!((rules(&told["waitsFor"]), &told["agentsInAll"]), (vec!["claim"], &json!(6)));
        let first = &told["agents"][0];
        assert_eq!(
            (&first["agentId"], &first["fits"], &first["isOnline"]),
            (&json!("dev-e-node"), &json!(true), &json!(true))
        );
        assert_eq!(rules(&told["agents"][1]["reasons"]), ["no_fit"]);
        assert_eq!(told["since"], "2026-11-21T12:00:00.000Z");
        assert_eq!((&told["decidedBy"]["type"], &told["decidedBy"]["position"]), (&json!("IssueApproved"), &json!(1)));
    }

    #[actix_web::test]
    async fn what_is_waited_for_names_its_event_in_the_log() {
        let daemon = with_issue().await;
        let pause = json!({ "kind": "pause", "target": "rig", "reason": "release day" }).to_string();
        let request = actix_web::test::TestRequest::post().uri("/api/admin/overrides").set_payload(pause);
        daemon.send(request).await.expect(200);
        let told = explained(&daemon, "acme/web%234").await;
        let wait =
            json!({ "rule": "paused", "why": "an operator paused the rig", "on": "rig", "version": 2, "position": 3 });
        assert_eq!(told["waitsFor"], json!([wait]));
        assert!(told["movedBy"][0].as_str().unwrap().starts_with("conductor-e override resume rig"), "{told}");
        assert_eq!(explained(&daemon, "rig").await["state"], "paused");
    }

    #[actix_web::test]
    async fn an_agent_is_found_by_its_id_an_instance_or_as_a_target() {
        let daemon = with_issue().await;
        for id in ["dev-e-node", "dev-e-node/ab12c", "agent:dev-e-node"] {
            let told = explained(&daemon, id).await;
            assert_eq!(
                (&told["id"], &told["kind"], &told["state"]),
                (&json!("dev-e-node"), &json!("agent"), &json!("offline"))
            );
            assert_eq!(told["issues"], json!([{ "streamId": "acme/web#4", "fits": true, "reasons": [] }]));
        }
        assert_eq!(rules(&explained(&daemon, "review-e").await["issues"][0]["reasons"]), ["no_fit"]);
    }

    #[actix_web::test]
    async fn a_holder_is_shown_with_its_lease_and_without_its_token() {
        let daemon = with_issue().await;
        let assigned =
            json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
        daemon.report(&assigned).await;
        let told = explained(&daemon, "acme/web%234").await;
        assert_eq!(rules(&told["waitsFor"]), ["holder", "lease", "silence"]);
        assert_eq!(told["decidedBy"]["metadata"]["rule"]["name"], "claim");
        assert!(!told.to_string().to_lowercase().contains("token"), "{told}");
        let agent = explained(&daemon, "dev-e-node").await;
        assert_eq!(rules(&agent["issues"][0]["reasons"]), ["capacity"]);
        assert!(agent["summary"].as_str().unwrap().contains("holds acme/web#4"), "{agent}");
    }

    #[actix_web::test]
    async fn an_agent_outside_the_roster_is_known_once_it_holds_work_and_is_told_what_claims_take_it_for() {
        let daemon = with_issue().await;
        let before = daemon.get("/api/explain?id=wanderer").await.refused(404, "unknown");
        assert!(before.contains("it is taken as a developer for any stack"), "{before}");
        daemon.get("/api/agents/wanderer").await.refused(404, "unknown");
        let assigned = json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "wanderer" });
        daemon.report(&assigned).await;
        let told = explained(&daemon, "wanderer").await;
        let summary = told["summary"].as_str().unwrap();
        assert!(summary.contains("taken as a developer for any stack"), "{told}");
        assert!(summary.ends_with("it holds acme/web#4 (1 of 1)"), "{told}");
        let row = daemon.get("/api/agents/wanderer").await.expect(200);
        assert_eq!(row["assignments"][0]["streamId"], "acme/web#4");
        let all = daemon.get("/api/agents").await.expect(200);
        assert_eq!(all.as_array().unwrap().iter().filter(|row| row["id"] == "wanderer").count(), 1, "{all}");
    }

    #[actix_web::test]
    async fn a_number_that_is_a_pull_request_is_explained_as_one() {
        let daemon = with_issue().await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        let told = explained(&daemon, "acme/web%2357").await;
        assert_eq!((&told["kind"], &told["state"]), (&json!("pull_request"), &json!("open")));
        assert_eq!(rules(&told["waitsFor"]), ["review"]);
    }

    #[actix_web::test]
    async fn what_nobody_has_heard_of_is_404() {
        let daemon = with_issue().await;
        for id in ["acme/web%2399", "nobody", "agent:nobody", "acme/web", "%23"] {
            daemon.get(&format!("/api/explain?id={id}")).await.refused(404, "unknown");
        }
        daemon.get("/api/explain").await.refused(400, "malformed");
    }
}
