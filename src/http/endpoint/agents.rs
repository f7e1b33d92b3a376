//! `GET /api/agents` and one of them

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use conductor_core::agent::Agent;
use conductor_core::decider::StreamState;
use conductor_core::event::IssueState;
use conductor_core::identity::{AgentId, Claimant, StreamId, StreamKind};
use conductor_core::port::{Cursor, RowFilter, Store, StoreFailure, StoredRow};
use conductor_core::time::Timestamp;
use futures_util::stream::{Stream, try_unfold};

use crate::edge::Edge;
use crate::error::ApiError;
use crate::paging::{PAGE, streamed};
use crate::wire::{AgentRow, AssignmentRow, Presence};

/// Everybody who was heard from, then whoever of the roster was not.
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
            let known = joined.capacity.contains_key(&agent) || joined.heard.contains_key(&agent);
            known.then(|| Agent::unknown(agent)).ok_or_else(unknown)?
        }
    };
    Ok(HttpResponse::Ok().json(joined.row(&state)))
}

/// What is joined to the states of agents, read once per request.
struct Joined {
    now: Timestamp,
    online_within: Duration,
    heard: BTreeMap<AgentId, BTreeMap<String, Timestamp>>,
    assignments: BTreeMap<AgentId, Vec<AssignmentRow>>,
    /// Of the roster.
    capacity: BTreeMap<AgentId, u32>,
}

/// What an agent outside the roster may hold at once.
const DEFAULT_CAPACITY: u32 = 1;

impl Joined {
    async fn read(edge: &Edge, only: Option<&AgentId>) -> Result<Self, StoreFailure> {
        let store = &**edge.store();
        let wanted = |agent: &AgentId| only.is_none_or(|only| only == agent);
        let mut heard: BTreeMap<AgentId, BTreeMap<String, Timestamp>> = BTreeMap::new();
        for last in store.last_heartbeats().await? {
            let Claimant { agent, instance } = last.claimant;
            if wanted(&agent) {
                heard.entry(agent).or_default().insert(instance.map(String::from).unwrap_or_default(), last.at);
            }
        }
        let roster = edge.policy().roster.agents.iter().filter(|profile| wanted(&profile.id));
        Ok(Self {
            now: edge.now(),
            online_within: edge.policy().timers.online_within,
            heard,
            assignments: assignments(store, only).await?,
            capacity: roster.map(|profile| (profile.id.clone(), profile.capacity)).collect(),
        })
    }

    fn row(&mut self, agent: &Agent) -> AgentRow {
        let presence = Presence {
            heard: self.heard.remove(&agent.id).unwrap_or_default(),
            assignments: self.assignments.remove(&agent.id).unwrap_or_default(),
            capacity: self.capacity.remove(&agent.id).unwrap_or(DEFAULT_CAPACITY),
        };
        AgentRow::of(agent, presence, self.now, self.online_within)
    }

    /// Those whose rows were not taken: of the roster, or heard from without an event.
    fn others(&mut self) -> Vec<AgentRow> {
        let ids: BTreeSet<AgentId> = self.capacity.keys().chain(self.heard.keys()).cloned().collect();
        ids.into_iter().map(|id| self.row(&Agent::unknown(id))).collect()
    }
}

/// Held issues by agent.
async fn assignments(
    store: &dyn Store,
    only: Option<&AgentId>,
) -> Result<BTreeMap<AgentId, Vec<AssignmentRow>>, StoreFailure> {
    let held = IssueState::ALL.iter().filter(|state| state.allows_holder()).map(|state| state.as_str());
    let filter = RowFilter { states: held.collect(), agent: only.cloned(), ..RowFilter::default() };
    let mut assignments: BTreeMap<AgentId, Vec<AssignmentRow>> = BTreeMap::new();
    let mut after: Option<Cursor> = None;
    loop {
        let rows = store.rows(StreamKind::Issue, &filter, after.as_ref(), PAGE).await?;
        after = rows.last().filter(|_| rows.len() == PAGE).map(StoredRow::cursor);
        for row in rows {
            if let StreamState::Issue(issue) = &row.state
                && let (Some(lease), Some(assignment)) = (&issue.lease, AssignmentRow::of(issue))
            {
                assignments.entry(lease.claimant.agent.clone()).or_default().push(assignment);
            }
        }
        if after.is_none() {
            return Ok(assignments);
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
