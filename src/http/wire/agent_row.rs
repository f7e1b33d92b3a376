use std::collections::BTreeMap;

use conductor_core::agent::Agent;
use conductor_core::event::{AssignmentKind, Heartbeat, Integration, IssueState, Provider};
use conductor_core::issue::Issue;
use conductor_core::roster::Timers;
use conductor_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::time;
use crate::openapi::words;

/// An agent as `GET /api/agents` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRow {
    id: String,
    is_online: bool,
    status: String,
    current_issue: Option<u64>,
    current_repo: Option<String>,
    active_provider: Option<String>,
    available_providers: Vec<String>,
    providers: Vec<ProviderRow>,
    integrations: Vec<IntegrationRow>,
    last_heartbeat: Option<String>,
    instances: Vec<InstanceRow>,
    quota_five_hour_pct: Option<f64>,
    quota_weekly_pct: Option<f64>,
    degraded: bool,
    degraded_reasons: Vec<String>,
    paused: bool,
    capacity: u32,
    assignments: Vec<AssignmentRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct ProviderRow {
    name: String,
    status: Option<String>,
    details: Option<String>,
    active: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct IntegrationRow {
    name: String,
    status: Option<String>,
    details: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceRow {
    /// `id/instance`, or the bare id.
    id: String,
    is_online: bool,
    status: Option<String>,
    current_issue: Option<u64>,
    current_repo: Option<String>,
    last_heartbeat: Option<String>,
}

/// An issue that an agent holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRow {
    stream_id: String,
    repo: String,
    issue_number: u64,
    title: String,
    #[schemars(schema_with = "words::<IssueState>")]
    state: &'static str,
    #[schemars(schema_with = "words::<AssignmentKind>")]
    kind: &'static str,
    instance: Option<String>,
    epoch: u32,
    started: bool,
    assigned_at: String,
    expires_at: String,
}

impl AssignmentRow {
    /// The assignment of a held issue, without its token.
    #[must_use]
    pub fn of(issue: &Issue) -> Option<Self> {
        let lease = issue.lease.as_ref()?;
        Some(Self {
            stream_id: issue.reference.to_string(),
            repo: issue.reference.repo.to_string(),
            issue_number: issue.reference.number,
            title: issue.title.clone(),
            state: issue.state()?.as_str(),
            kind: lease.kind.as_str(),
            instance: lease.claimant.instance.as_deref().map(str::to_owned),
            epoch: lease.epoch,
            started: lease.started(),
            assigned_at: lease.assigned_at.to_string(),
            expires_at: lease.expires_at.to_string(),
        })
    }
}

/// What is joined to an agent's own state when its row is read.
#[derive(Debug, Clone, Default)]
pub struct Presence {
    /// Last heartbeats by instance; "" for the bare id.
    pub heard: BTreeMap<String, Timestamp>,
    /// What it holds.
    pub assignments: Vec<AssignmentRow>,
    /// Live leases at once.
    pub capacity: u32,
}

/// What offline agents are called, whatever they last said.
const OFFLINE: &str = "offline";
/// What an agent is called that is heard from and says no status.
const ONLINE: &str = "online";

impl AgentRow {
    /// The row of an agent, `now`.
    #[must_use]
    pub fn of(agent: &Agent, presence: Presence, now: Timestamp, timers: &Timers) -> Self {
        let said = agent.latest();
        let last_heartbeat = presence.heard.values().max().copied();
        let online = |at: Option<Timestamp>| timers.is_online(at, now);
        let is_online = online(last_heartbeat);
        let instances = instances(agent, &presence, online);
        let held = presence.assignments.first();
        let said_issue = said.and_then(|said| said.current_issue.map(|number| (number, said.current_repo.clone())));
        let status = said.and_then(|said| said.status.clone()).unwrap_or_else(|| ONLINE.to_owned());
        Self {
            id: agent.id.to_string(),
            is_online,
            status: if is_online { status } else { OFFLINE.to_owned() },
            current_issue: said_issue.as_ref().map(|(number, _)| *number).or(held.map(|held| held.issue_number)),
            current_repo: said_issue.map_or_else(|| held.map(|held| held.repo.clone()), |(_, repo)| repo),
            active_provider: said.and_then(|said| said.active_provider.clone()),
            available_providers: said.map(|said| said.available_providers.clone()).unwrap_or_default(),
            providers: said.map(providers).unwrap_or_default(),
            integrations: said.map(integrations).unwrap_or_default(),
            last_heartbeat: time(last_heartbeat),
            instances,
            quota_five_hour_pct: agent.five_hour_pct,
            quota_weekly_pct: agent.weekly_pct,
            degraded: said.is_some_and(|said| said.degraded),
            degraded_reasons: said.map(|said| said.degraded_reasons.clone()).unwrap_or_default(),
            paused: agent.paused,
            capacity: presence.capacity,
            assignments: presence.assignments,
        }
    }
}

/// Every instance that said something or was heard from.
fn instances(agent: &Agent, presence: &Presence, online: impl Fn(Option<Timestamp>) -> bool) -> Vec<InstanceRow> {
    let mut names: Vec<&String> = agent.instances.keys().chain(presence.heard.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &String| {
        let said = agent.instances.get(name).map(|instance| &instance.heartbeat);
        let heard = presence.heard.get(name).copied();
        InstanceRow {
            id: if name.is_empty() { agent.id.to_string() } else { format!("{}/{name}", agent.id) },
            is_online: online(heard),
            status: said.and_then(|said| said.status.clone()),
            current_issue: said.and_then(|said| said.current_issue),
            current_repo: said.and_then(|said| said.current_repo.clone()),
            last_heartbeat: time(heard),
        }
    };
    names.into_iter().map(row).collect()
}

fn providers(said: &Heartbeat) -> Vec<ProviderRow> {
    let row = |provider: &Provider| ProviderRow {
        name: provider.name.clone(),
        status: provider.status.clone(),
        details: provider.details.clone(),
        active: provider.active,
    };
    said.providers.iter().map(row).collect()
}

fn integrations(said: &Heartbeat) -> Vec<IntegrationRow> {
    let row = |integration: &Integration| IntegrationRow {
        name: integration.name.clone(),
        status: integration.status.clone(),
        details: integration.details.clone(),
    };
    said.integrations.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::AgentId;

    fn agent() -> Agent {
        Agent::unknown(AgentId::parse("dev-e-node").unwrap())
    }

    fn heard(instance: &str, at: i64) -> Presence {
        Presence {
            heard: [(instance.to_owned(), Timestamp::from_millis(at))].into(),
            capacity: 1,
            ..Presence::default()
        }
    }

    #[test]
    fn every_field_of_the_row_is_there_even_when_empty() {
        let row = AgentRow::of(&agent(), Presence::default(), Timestamp::from_millis(0), &Timers::default());
        let row = serde_json::to_value(row).unwrap();
        let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "id",
            "isOnline",
            "status",
            "currentIssue",
            "currentRepo",
            "activeProvider",
            "availableProviders",
            "providers",
            "integrations",
            "lastHeartbeat",
            "instances",
            "quotaFiveHourPct",
            "quotaWeeklyPct",
            "degraded",
            "degradedReasons",
            "paused",
            "capacity",
            "assignments",
        ];
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!((&row["isOnline"], &row["status"]), (&false.into(), &"offline".into()));
    }

    #[test]
    fn an_agent_is_online_for_two_minutes_after_its_last_heartbeat() {
        let at = |now| AgentRow::of(&agent(), heard("", 0), Timestamp::from_millis(now), &Timers::default());
        assert!(at(120_000).is_online);
        assert!(!at(120_001).is_online);
        assert_eq!(at(0).last_heartbeat.as_deref(), Some("1970-01-01T00:00:00.000Z"));
    }

    #[test]
    fn instances_carry_the_rich_spelling_of_the_id() {
        let row = AgentRow::of(&agent(), heard("ab12c", 0), Timestamp::from_millis(0), &Timers::default());
        assert_eq!(row.id, "dev-e-node");
        assert_eq!(row.instances.iter().map(|instance| instance.id.as_str()).collect::<Vec<_>>(), ["dev-e-node/ab12c"]);
    }
}
