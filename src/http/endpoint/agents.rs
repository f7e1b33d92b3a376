//! `GET /api/agents` and one of them

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use conductor_core::agent::Agent;
use conductor_core::claim::obstacle::DEFAULT_CAPACITY;
use conductor_core::decider::StreamState;
use conductor_core::event::IssueState;
use conductor_core::identity::{AgentId, Claimant, IssueRef, StreamId, StreamKind};
use conductor_core::port::{Cursor, RowFilter, Store, StoreFailure, StoredRow};
use conductor_core::roster::Timers;
use conductor_core::time::Timestamp;
use futures_util::stream::{Stream, try_unfold};

use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, text};
use crate::paging::{PAGE, streamed};
use crate::wire::{AgentRow, AssignmentRow, Presence};

/// Everybody who was heard from, then whoever of the roster was not, or holds work without a word.
///
/// # Errors
/// When the store can't answer.
pub async fn list(edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    let joined = Joined::read(&edge, None).await?;
    streamed("[".to_owned(), rows(Arc::clone(edge.store()), joined), "]").await
}

/// One agent; an instance's id means its agent.
///
/// # Errors
/// When nobody is called so, or the store can't answer.
pub async fn one(edge: Data<Edge>, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let text = path.into_inner();
    let unknown = || ApiError::unknown(format!("no agent is called {text}: GET /api/agents lists them"));
    let agent = Claimant::parse(&text).ok_or_else(unknown)?.agent;
    let found = edge.store().load(&StreamId::Agent(agent.clone())).await?;
    let mut joined = Joined::read(&edge, Some(&agent)).await?;
    let state = match found {
        Some((_, StreamState::Agent(state))) => *state,
        Some((_, StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Rig(_))) | None => {
            let known = joined.ids().any(|known| *known == agent);
            known.then(|| Agent::unknown(agent)).ok_or_else(unknown)?
        }
    };
    Ok(HttpResponse::Ok().json(joined.row(&state)))
}

/// What is joined to the states of agents, read once per request.
pub(super) struct Joined {
    now: Timestamp,
    timers: Timers,
    heard: BTreeMap<AgentId, BTreeMap<String, Timestamp>>,
    held: BTreeMap<AgentId, Held>,
    /// Of the roster.
    capacity: BTreeMap<AgentId, u32>,
}

/// What an agent holds.
#[derive(Default)]
struct Held {
    issues: Vec<IssueRef>,
    rows: Vec<AssignmentRow>,
}

impl Joined {
    pub(super) async fn read(edge: &Edge, only: Option<&AgentId>) -> Result<Self, StoreFailure> {
        let store = &**edge.store();
        let wanted = |agent: &AgentId| only.is_none_or(|only| only == agent);
        let mut heard: BTreeMap<AgentId, BTreeMap<String, Timestamp>> = BTreeMap::new();
        // What waits to be written is read first, so that nothing falls between the two.
        let unwritten = edge.heartbeats.unwritten();
        let written = store.last_heartbeats().await?.into_iter().map(|last| (last.claimant, last.at));
        for (Claimant { agent, instance }, at) in written.chain(unwritten) {
            if wanted(&agent) {
                heard.entry(agent).or_default().insert(instance.map(String::from).unwrap_or_default(), at);
            }
        }
        let roster = edge.policy().roster.agents.iter().filter(|profile| wanted(&profile.id));
        Ok(Self {
            now: edge.now(),
            timers: edge.policy().timers,
            heard,
            held: held(edge, only).await?,
            capacity: roster.map(|profile| (profile.id.clone(), profile.capacity)).collect(),
        })
    }

    fn row(&mut self, agent: &Agent) -> AgentRow {
        let presence = Presence {
            heard: self.heard.remove(&agent.id).unwrap_or_default(),
            assignments: self.held.remove(&agent.id).unwrap_or_default().rows,
            capacity: self.capacity.remove(&agent.id).unwrap_or(DEFAULT_CAPACITY),
        };
        AgentRow::of(agent, presence, self.now, &self.timers)
    }

    /// Whoever is in the roster, was heard from, or holds something: an agent outside the roster may do so by asking alone.
    pub(super) fn ids(&self) -> impl Iterator<Item = &AgentId> {
        self.capacity.keys().chain(self.heard.keys()).chain(self.held.keys())
    }

    /// The last heartbeat of any instance.
    pub(super) fn last_heard(&self, agent: &AgentId) -> Option<Timestamp> {
        self.heard.get(agent).and_then(|heard| heard.values().max().copied())
    }

    /// The issues that an agent holds.
    pub(super) fn holds(&self, agent: &AgentId) -> &[IssueRef] {
        self.held.get(agent).map(|held| held.issues.as_slice()).unwrap_or_default()
    }

    /// Those whose rows were not taken: of the roster, or known without an event of theirs.
    fn others(&mut self) -> Vec<AgentRow> {
        let ids: BTreeSet<AgentId> = self.ids().cloned().collect();
        ids.into_iter().map(|id| self.row(&Agent::unknown(id))).collect()
    }
}

/// Held issues by agent.
async fn held(edge: &Edge, only: Option<&AgentId>) -> Result<BTreeMap<AgentId, Held>, StoreFailure> {
    let store = &**edge.store();
    let signs = edge.leases.signs(store).await?;
    let states = IssueState::ALL.iter().filter(|state| state.allows_holder()).map(|state| state.as_str());
    let filter = RowFilter { states: states.collect(), agent: only.cloned(), ..RowFilter::default() };
    let mut all: BTreeMap<AgentId, Held> = BTreeMap::new();
    let mut after: Option<Cursor> = None;
    loop {
        let rows = store.rows(StreamKind::Issue, &filter, after.as_ref(), PAGE).await?;
        after = rows.last().filter(|_| rows.len() == PAGE).map(StoredRow::cursor);
        for row in rows {
            let StreamState::Issue(mut issue) = row.state else { continue };
            let known = signs.get(&issue.reference);
            edge.leases.show_renewed(&mut issue, known);
            if let (Some(lease), Some(assignment)) = (&issue.lease, AssignmentRow::of(&issue)) {
                let held = all.entry(lease.claimant.agent.clone()).or_default();
                held.issues.push(issue.reference.clone());
                held.rows.push(assignment);
            }
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn rows(store: Arc<dyn Store>, joined: Joined) -> impl Stream<Item = Result<Vec<AgentRow>, StoreFailure>> {
    /// Where the reading is; `None` after the last row.
    struct Reading {
        after: Option<Cursor>,
        joined: Joined,
    }
    let start = Some(Reading { after: None, joined });
    try_unfold(start, move |reading| {
        let store = Arc::clone(&store);
        async move {
            let Some(Reading { after, mut joined }) = reading else { return Ok(None) };
            let stored = store.rows(StreamKind::Agent, &RowFilter::default(), after.as_ref(), PAGE).await?;
            let after = stored.last().filter(|_| stored.len() == PAGE).map(StoredRow::cursor);
            let mut page = Vec::new();
            for row in &stored {
                if let StreamState::Agent(agent) = &row.state {
                    page.push(joined.row(agent));
                }
            }
            let Some(after) = after else {
                page.append(&mut joined.others());
                return Ok(Some((page, None)));
            };
            Ok(Some((page, Some(Reading { after: Some(after), joined }))))
        }
    })
}

pub(crate) fn list_described() -> Operation {
    Operation::new("agents", Tag::State, "Everybody who was heard from, and the roster")
        .answers(Answer::json::<Vec<AgentRow>>(200, "Rows."))
        .refuses(super::READS)
}

pub(crate) fn one_described() -> Operation {
    let id =
        Parameter::path("id", text(), "The agent's id; one of an instance (`dev-e-node%2Fab12c`) means its agent.");
    Operation::new("agent", Tag::State, "One agent")
        .with(id.example("an_agent", "dev-e-node"))
        .answers(Answer::json::<AgentRow>(200, "The row."))
        .refuses(&[Code::Unknown])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use serde_json::{Value, json};

    async fn settled(daemon: &Daemon) {
        daemon.edge.heartbeats.close().await;
    }

    fn find<'a>(rows: &'a Value, id: &str) -> &'a Value {
        let mut found = rows.as_array().unwrap().iter().filter(|row| row["id"] == id);
        let row = found.next().unwrap_or_else(|| panic!("{id} is in {rows}"));
        assert_eq!(found.next(), None, "{id} is there once");
        row
    }

    #[actix_web::test]
    async fn the_roster_is_there_before_anybody_was_heard_from() {
        let daemon = Daemon::start().await;
        let rows = daemon.get("/api/agents").await.expect(200);
        assert_eq!(rows.as_array().unwrap().len(), 6);
        let row = find(&rows, "dev-e-node");
        assert_eq!((&row["isOnline"], &row["status"], &row["capacity"]), (&json!(false), &json!("offline"), &json!(1)));
    }

    #[actix_web::test]
    async fn an_agent_shows_what_it_said_when_it_was_heard_and_what_it_holds() {
        let daemon = Daemon::start().await;
        daemon
            .report(&json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "Broken" }))
            .await;
        daemon
            .report(&json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" }))
            .await;
        for instance in ["ab12c", "xy34z"] {
            let beat = json!({
                "type": "HEARTBEAT", "agentId": format!("dev-e-node/{instance}"), "status": "idle",
                "providers": [{ "name": "codex", "status": "ok", "active": true }], "degraded": true, "degradedReasons": ["slow"],
            });
            daemon.report(&beat).await;
        }
        daemon
            .report(&json!({ "type": "AGENT_QUOTA_REPORTED", "agentId": "dev-e-node", "quotaFiveHourPct": 40 }))
            .await;
        settled(&daemon).await;
        let rows = daemon.get("/api/agents").await.expect(200);
        let row = find(&rows, "dev-e-node");
        assert_eq!((&row["isOnline"], &row["status"], &row["degraded"]), (&json!(true), &json!("idle"), &json!(true)));
        assert_eq!(row["lastHeartbeat"], "2026-11-21T12:00:00.000Z");
        assert_eq!(row["instances"][1]["id"], "dev-e-node/xy34z");
        assert_eq!((&row["quotaFiveHourPct"], &row["quotaWeeklyPct"]), (&json!(40.0), &Value::Null));
        assert_eq!(row["providers"][0], json!({ "name": "codex", "status": "ok", "details": null, "active": true }));
        assert_eq!((&row["currentIssue"], &row["assignments"][0]["streamId"]), (&json!(4), &json!("acme/web#4")));
        assert!(!rows.to_string().to_lowercase().contains("token"), "{rows}");
        assert_eq!(daemon.get("/api/agents/dev-e-node").await.expect(200), *row);
        assert_eq!(daemon.get("/api/agents/dev-e-node/ab12c").await.expect(200), *row);
        daemon.clock.advance(std::time::Duration::from_secs(121));
        assert_eq!(daemon.get("/api/agents/dev-e-node").await.expect(200)["isOnline"], false);
    }

    #[actix_web::test]
    async fn whoever_was_just_heard_is_online_at_once() {
        let daemon = Daemon::start().await;
        daemon.report(&json!({ "type": "HEARTBEAT", "agentId": "dev-e-node", "status": "idle" })).await;
        assert_eq!(daemon.get("/api/agents/dev-e-node").await.expect(200)["isOnline"], true);
    }

    #[actix_web::test]
    async fn no_row_has_the_id_of_an_issue() {
        let daemon = Daemon::start().await;
        daemon.report(&json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" })).await;
        let stuck = json!({ "type": "HEARTBEAT", "agentId": "acme/web#4" });
        daemon.post(stuck.to_string()).await.refused(400, "malformed");
        let rows = daemon.get("/api/agents").await.expect(200);
        assert!(rows.as_array().unwrap().iter().all(|row| !row["id"].as_str().unwrap().contains('#')), "{rows}");
        daemon.get("/api/agents/acme%2Fweb%234").await.refused(404, "unknown");
        daemon.get("/api/agents/nobody").await.refused(404, "unknown");
    }
}
