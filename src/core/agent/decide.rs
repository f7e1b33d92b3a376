use crate::decider::{Decider, Decision, Given, Moment, StreamState};
use crate::event::{
    AgentEvent, AgentOffline, AgentOnline, AgentQuotaExhausted, AgentQuotaReported, Decided, Event, Heartbeat,
    PauseScope, Paused, Resumed,
};
use crate::hold::Hold;
use crate::identity::{StreamId, StreamKind};
use crate::overrule::{OverrideKind, Target};
use crate::port::Columns;
use crate::quota::{Quota, ROW_ENDS_AFTER};
use crate::reaction::Effect;

use super::state::INSTANCES;
use super::{Agent, AgentCommand, Instance};

/// The rules of an agent.
#[derive(Debug)]
pub struct AgentDecider;

impl Decider for AgentDecider {
    type State = Agent;
    type Command = AgentCommand;
    type Event = AgentEvent;

    const KIND: StreamKind = StreamKind::Agent;

    fn initial(stream: &StreamId) -> Agent {
        match stream {
            StreamId::Agent(agent) => Agent::unknown(agent.clone()),
            StreamId::Issue(_) | StreamId::PullRequest(_) | StreamId::Rig => {
                unreachable!("the shard gives every decider streams of its own kind")
            }
        }
    }

    fn reads(_state: &Agent, _command: &AgentCommand) -> Vec<StreamId> {
        Vec::new()
    }

    fn decide(agent: &Agent, command: &AgentCommand, given: &Given<'_>) -> Decision<AgentEvent> {
        match command {
            AgentCommand::Report(event) => report(agent, event, given),
            AgentCommand::Pause { paused, .. } if agent.paused == *paused => Decision::unchanged(agent.pause_version),
            AgentCommand::Pause { paused, by } => {
                let (scope, target, reason) = (PauseScope::Agent, Some(agent.id.to_string()), Some(by.why()));
                let on = Target::Agent(agent.id.clone());
                let (kind, event) = if *paused {
                    (OverrideKind::Pause, AgentEvent::Paused(Paused { scope, target, reason }))
                } else {
                    (OverrideKind::Resume, AgentEvent::Resumed(Resumed { scope, target, reason }))
                };
                Decision::accept(vec![Decided::fact(by.on(kind, &on)), Decided::fact(event)])
            }
            AgentCommand::RanDry { at, .. } if agent.dry_at.is_some_and(|last| last >= *at) => {
                Decision::unchanged(agent.dry_version)
            }
            AgentCommand::RanDry { issue, at } => {
                let facts = [format!("{issue} went back to the queue, reason quota")];
                let dry = AgentQuotaExhausted { issue: Some(issue.clone()), at: Some(*at) };
                Decision::accept(vec![Decided::by_rule(dry, "provider_quota", facts)])
            }
            AgentCommand::WentSilent { last_heartbeat } if agent.online => {
                let facts = ["no heartbeat within the time for it".to_owned()];
                let offline = AgentOffline { last_heartbeat: *last_heartbeat };
                Decision::accept(vec![Decided::by_rule(offline, "silence", facts)])
            }
            AgentCommand::WentSilent { .. } => Decision::unchanged(agent.version),
        }
    }

    fn evolve(agent: &mut Agent, event: &AgentEvent, at: Moment) {
        agent.version = at.version;
        agent.updated_at = Some(at.time);
        match event {
            AgentEvent::Heartbeat(heartbeat) => {
                let key = key_of(heartbeat);
                let started_before = agent.instances.get(&key).and_then(|known| known.started_at);
                let started_at = if heartbeat.startup { Some(at.time) } else { started_before };
                let instance = Instance { heartbeat: heartbeat.clone(), version: at.version, started_at };
                agent.instances.insert(key, instance);
                if agent.instances.len() > INSTANCES {
                    let oldest = agent.instances.iter().min_by_key(|(_, instance)| instance.version);
                    let oldest = oldest.map(|(key, _)| key.clone());
                    oldest.map(|key| agent.instances.remove(&key));
                }
            }
            AgentEvent::QuotaReported(quota) => {
                agent.five_hour_pct = quota.five_hour_pct;
                agent.weekly_pct = quota.weekly_pct;
                agent.quota_version = at.version;
                if !Quota::of(agent).is_nearly_exhausted() {
                    (agent.dry_runs, agent.dry_at) = (0, None);
                }
            }
            AgentEvent::QuotaExhausted(dry) => {
                let ended = dry.at.unwrap_or(at.time);
                let in_a_row = agent.dry_at.is_some_and(|last| ended.since(last) < ROW_ENDS_AFTER);
                agent.dry_runs = if in_a_row { agent.dry_runs + 1 } else { 1 };
                agent.dry_at = Some(ended);
                agent.dry_version = at.version;
            }
            AgentEvent::Online(_) => agent.online = true,
            AgentEvent::Offline(_) => agent.online = false,
            AgentEvent::Paused(_) => {
                agent.paused = true;
                agent.pause_version = at.version;
                Hold::turn(&mut agent.held, true, at.time);
            }
            AgentEvent::Resumed(_) => {
                agent.paused = false;
                agent.pause_version = at.version;
                Hold::turn(&mut agent.held, false, at.time);
            }
            AgentEvent::GuardBlocked(_)
            | AgentEvent::TokenUsage(_)
            | AgentEvent::CliStarted(_)
            | AgentEvent::CliProgress(_)
            | AgentEvent::CliCompleted(_)
            | AgentEvent::MemoryWrite(_)
            | AgentEvent::MemoryRead(_)
            | AgentEvent::MemoryHitUsed(_)
            | AgentEvent::Override(_) => {}
        }
    }

    fn reactions(_state: &Agent, _event: &AgentEvent) -> Vec<Effect> {
        Vec::new()
    }

    fn columns(agent: &Agent) -> Columns {
        Columns { shown: true, state: Some(if agent.online { "online" } else { "offline" }), ..Columns::default() }
    }

    fn body(_event: &AgentEvent) -> Option<&str> {
        None
    }

    fn wrap(event: AgentEvent) -> Event {
        Event::Agent(event)
    }

    fn unwrap(event: Event) -> Option<AgentEvent> {
        match event {
            Event::Agent(event) => Some(event),
            Event::Issue(_) | Event::PullRequest(_) | Event::Rig(_) => None,
        }
    }

    fn wrap_state(agent: Agent) -> StreamState {
        StreamState::Agent(Box::new(agent))
    }

    fn unwrap_state(state: StreamState) -> Option<Agent> {
        match state {
            StreamState::Agent(agent) => Some(*agent),
            StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Rig(_) => None,
        }
    }
}

fn fact(event: impl Into<AgentEvent>) -> Decision<AgentEvent> {
    Decision::accept(vec![Decided::fact(event)])
}

fn key_of(heartbeat: &Heartbeat) -> String {
    heartbeat.instance.clone().unwrap_or_default()
}

fn report(agent: &Agent, event: &AgentEvent, given: &Given<'_>) -> Decision<AgentEvent> {
    match event {
        AgentEvent::Heartbeat(heartbeat) => hear(agent, heartbeat, given),
        AgentEvent::QuotaReported(quota) if says_same(agent, quota) => Decision::unchanged(agent.quota_version),
        AgentEvent::QuotaReported(_)
        | AgentEvent::GuardBlocked(_)
        | AgentEvent::TokenUsage(_)
        | AgentEvent::CliStarted(_)
        | AgentEvent::CliProgress(_)
        | AgentEvent::CliCompleted(_)
        | AgentEvent::MemoryWrite(_)
        | AgentEvent::MemoryRead(_)
        | AgentEvent::MemoryHitUsed(_)
        | AgentEvent::QuotaExhausted(_)
        | AgentEvent::Online(_)
        | AgentEvent::Offline(_)
        | AgentEvent::Paused(_)
        | AgentEvent::Resumed(_)
        | AgentEvent::Override(_) => fact(event.clone()),
    }
}

fn hear(agent: &Agent, heartbeat: &Heartbeat, given: &Given<'_>) -> Decision<AgentEvent> {
    let known = agent.instances.get(&key_of(heartbeat));
    let same =
        known.filter(|known| !heartbeat.startup && without_gauges(&known.heartbeat) == without_gauges(heartbeat));
    let mut events = Vec::new();
    if !agent.online {
        let facts = ["a heartbeat came".to_owned()];
        events.push(Decided::by_rule(AgentOnline { since: Some(given.now) }, "presence", facts));
    }
    match same {
        Some(known) if events.is_empty() => return Decision::unchanged(known.version),
        Some(_) => {}
        None => events.push(Decided::fact(heartbeat.clone())),
    }
    Decision::accept(events)
}

/// Gauges move all the time and say nothing about the agent's state.
fn without_gauges(heartbeat: &Heartbeat) -> Heartbeat {
    Heartbeat { uptime_seconds: None, memory_mb: None, error_count: None, startup: false, ..heartbeat.clone() }
}

fn says_same(agent: &Agent, quota: &AgentQuotaReported) -> bool {
    agent.quota_version > 0 && agent.five_hour_pct == quota.five_hour_pct && agent.weekly_pct == quota.weekly_pct
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::decider::Outcome;
    use crate::identity::AgentId;
    use crate::quota::Rest;
    use crate::roster::{GitHubMode, Policy};
    use crate::time::{Timestamp, minutes};

    fn heartbeat(status: &str) -> Heartbeat {
        Heartbeat {
            instance: None,
            status: Some(status.into()),
            current_issue: None,
            current_repo: None,
            active_provider: None,
            available_providers: Vec::new(),
            providers: Vec::new(),
            integrations: Vec::new(),
            uptime_seconds: None,
            memory_mb: None,
            error_count: None,
            startup: false,
            degraded: false,
            degraded_reasons: Vec::new(),
        }
    }

    struct Told {
        agent: Agent,
    }

    impl Told {
        fn new() -> Self {
            Self { agent: Agent::unknown(AgentId::parse("dev-e-node").unwrap()) }
        }

        fn when(&mut self, command: &AgentCommand) -> (Vec<&'static str>, Outcome) {
            let policy = Policy::built_in(GitHubMode::None);
            let neighbours = BTreeMap::new();
            let now = Timestamp::from_millis(1_000);
            let given = Given { now, policy: &policy, neighbours: &neighbours, entropy: 0 };
            let decision = AgentDecider::decide(&self.agent, command, &given);
            for decided in &decision.events {
                let at = Moment { version: self.agent.version + 1, time: now };
                AgentDecider::evolve(&mut self.agent, &decided.event, at);
            }
            (decision.events.iter().map(|decided| decided.event.type_name()).collect(), decision.outcome)
        }

        fn hears(&mut self, heartbeat: Heartbeat) -> Vec<&'static str> {
            self.when(&AgentCommand::Report(Box::new(AgentEvent::Heartbeat(heartbeat)))).0
        }
    }

    #[test]
    fn a_heartbeat_is_an_event_only_when_something_in_it_changed() {
        let mut told = Told::new();
        assert_eq!(told.hears(heartbeat("idle")), ["AGENT_ONLINE", "HEARTBEAT"]);
        assert_eq!(told.hears(heartbeat("idle")), [] as [&str; 0]);
        assert_eq!(told.hears(Heartbeat { uptime_seconds: Some(9.0), ..heartbeat("idle") }), [] as [&str; 0]);
        assert_eq!(told.hears(heartbeat("working")), ["HEARTBEAT"]);
        assert_eq!(told.hears(Heartbeat { startup: true, ..heartbeat("working") }), ["HEARTBEAT"]);
    }

    #[test]
    fn an_instance_remembers_when_it_last_started_whatever_it_says_since() {
        let mut told = Told::new();
        told.hears(heartbeat("idle"));
        assert_eq!(told.agent.instances[""].started_at, None);
        told.hears(Heartbeat { startup: true, ..heartbeat("idle") });
        told.hears(heartbeat("working"));
        assert_eq!(told.agent.instances[""].started_at, Some(Timestamp::from_millis(1_000)));
    }

    #[test]
    fn instances_are_told_apart_and_do_not_pile_up() {
        let mut told = Told::new();
        for pod in 0..100 {
            let instance = Some(format!("pod{pod}"));
            assert!(told.hears(Heartbeat { instance, ..heartbeat("idle") }).contains(&"HEARTBEAT"));
        }
        assert_eq!(told.agent.instances.len(), INSTANCES);
        assert!(told.agent.instances.contains_key("pod99"));
    }

    #[test]
    fn an_agent_goes_offline_once_and_comes_back() {
        let mut told = Told::new();
        told.hears(heartbeat("idle"));
        assert_eq!(told.when(&AgentCommand::WentSilent { last_heartbeat: None }).0, ["AGENT_OFFLINE"]);
        assert_eq!(told.when(&AgentCommand::WentSilent { last_heartbeat: None }).0, [] as [&str; 0]);
        assert_eq!(told.hears(heartbeat("idle")), ["AGENT_ONLINE"]);
    }

    #[test]
    fn a_quota_of_a_hundred_percent_is_exhausted_and_a_repeat_is_no_event() {
        let mut told = Told::new();
        let report = |used| {
            AgentCommand::Report(Box::new(AgentQuotaReported { five_hour_pct: Some(used), weekly_pct: None }.into()))
        };
        assert_eq!(told.when(&report(99.9)).0, ["AGENT_QUOTA_REPORTED"]);
        assert!(!told.agent.is_exhausted());
        assert_eq!(told.when(&report(100.0)).0, ["AGENT_QUOTA_REPORTED"]);
        assert!(told.agent.is_exhausted());
        assert_eq!(told.when(&report(100.0)).1, Outcome::Unchanged { since: 2 });
    }

    #[test]
    fn an_agent_whose_provider_ran_dry_rests_longer_each_time_until_it_reports_enough() {
        let mut told = Told::new();
        let minute = |minute: u64| Timestamp::from_millis(1_000).plus(minutes(minute));
        let dry = |at| AgentCommand::RanDry { issue: crate::world::issue_ref(4), at: minute(at) };
        let quota = |used| {
            AgentCommand::Report(Box::new(AgentQuotaReported { five_hour_pct: Some(used), weekly_pct: None }.into()))
        };
        told.when(&quota(50.0));
        assert_eq!(told.when(&dry(0)).0, ["AGENT_QUOTA_EXHAUSTED"]);
        assert_eq!(told.when(&dry(0)).1, Outcome::Unchanged { since: 2 }, "told twice");
        assert_eq!(told.agent.rest(minute(29)), Some(Rest::Until(minute(30))), "by its own account it had enough");
        assert_eq!(told.agent.rest(minute(30)), None);
        told.when(&dry(40));
        assert_eq!(told.agent.rest(minute(99)), Some(Rest::Until(minute(100))));
        told.when(&quota(80.0));
        assert_eq!(told.agent.rest(minute(999)), Some(Rest::UntilRecovered));
        told.when(&quota(79.0));
        assert_eq!((told.agent.rest(minute(41)), told.agent.dry_runs), (None, 0));
        told.when(&dry(41));
        told.when(&dry(41 + 8 * 60));
        assert_eq!(told.agent.dry_runs, 1, "so much later it is no row");
    }

    #[test]
    fn pausing_twice_changes_nothing() {
        let mut told = Told::new();
        let pause = |paused| AgentCommand::Pause { paused, by: crate::world::ada() };
        assert_eq!(told.when(&pause(false)).1, Outcome::Unchanged { since: 0 });
        assert_eq!(told.when(&pause(true)).0, ["OPERATOR_OVERRIDE", "PAUSED"]);
        assert_eq!(told.when(&pause(true)).1, Outcome::Unchanged { since: 2 });
        assert!(told.agent.held.as_ref().is_some_and(|hold| hold.until.is_none()));
        assert_eq!(told.when(&pause(false)).0, ["OPERATOR_OVERRIDE", "RESUMED"]);
        assert!(told.agent.held.as_ref().is_some_and(|hold| hold.until.is_some()), "its clocks go on");
    }
}
