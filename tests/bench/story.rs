//! What is appended: the life of an issue, again and again, in events of about 300 bytes.

use conductor_adapters::replay::body_of;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::decider::{Moment, StreamState};
use conductor_core::event::{
    Actor, AssignmentKind, BranchCreated, Event, IssueApproved, IssueAssigned, IssueEdited, IssueEvent,
    IssueUnassigned, Metadata, Priority, PriorityChanged, WorkStarted,
};
use conductor_core::identity::{AgentId, IssueRef, RepoName, StreamId};
use conductor_core::port::{Append, Body, Entropy, NewEvent, Receipt, Snapshot};
use conductor_core::time::Timestamp;

/// An issue as its only writer knows it.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    stream: StreamId,
    version: u64,
    state: StreamState,
}

impl Issue {
    /// The issue with that number, without events.
    pub(crate) fn new(number: usize) -> Self {
        let repo = RepoName::parse(&format!("acme/service-{}", number % 40)).expect("a repository's name");
        let stream = StreamId::Issue(IssueRef::new(repo, number as u64 + 1).expect("a number from 1"));
        Self { state: StreamState::initial(&stream), stream, version: 0 }
    }

    /// The next `events` of its life, as one append.
    pub(crate) fn next(&self, entropy: &SystemEntropy, events: u64) -> Append {
        let (mut state, mut body) = (self.state.clone(), Body::Keep);
        let time = Timestamp::from_millis(1_795_262_400_000 + i64::try_from(self.version).unwrap_or(0) * 60_000);
        let new = (self.version + 1..=self.version + events)
            .map(|version| {
                let event = event_at(version, time);
                if let Some(text) = body_of(&event) {
                    body = Body::Set(text.to_owned());
                }
                let _ = state.evolve(event.clone(), Moment { version, time });
                let metadata = Metadata {
                    correlation: Some(self.stream.to_string()),
                    ..Metadata::by(Actor::Agent(agent())).because_of("2a7c5b30-8c5e-11ef-9d0a-5f2f8e1b7c44")
                };
                NewEvent { id: entropy.event_id(time), event, metadata }
            })
            .collect();
        Append {
            stream: self.stream.clone(),
            expected: self.version,
            events: new,
            snapshot: Snapshot { state, body },
            effects: Vec::new(),
            guards: Vec::new(),
            key: None,
            time,
        }
    }

    /// Knows what was appended.
    pub(crate) fn appended(&mut self, state: StreamState, receipt: &Receipt) {
        (self.version, self.state) = (receipt.last_version, state);
    }
}

fn agent() -> AgentId {
    AgentId::parse("dev-e-node").expect("an agent's id")
}

fn event_at(version: u64, time: Timestamp) -> Event {
    let agent = agent();
    let updated_at = Some(time);
    let event = match (version, version % 6) {
        (1, _) => IssueEvent::from(approved(time)),
        (_, 0) => IssueAssigned {
            agent,
            instance: None,
            attempt: 1,
            epoch: 1,
            lease_token: "5c0b7d0e9a3f4c1e8d2b6a7f0c9e1d3b".to_owned(),
            expires_at: time,
            branch_hint: "agent/issue-42-1".to_owned(),
            kind: AssignmentKind::Work,
            hook: false,
            demanded: false,
            pushed: false,
        }
        .into(),
        (_, 1) => WorkStarted { agent, branch: Some("agent/issue-42-1".to_owned()) }.into(),
        (_, 2) => BranchCreated { agent: Some(agent), branch: "agent/issue-42-1".to_owned() }.into(),
        (_, 3) => IssueEdited {
            closed: None,
            title: Some("Orders with two currencies are rounded twice when the invoice is rendered".to_owned()),
            body: None,
            labels: Some(["agent-ready", "bug", "billing"].map(str::to_owned).to_vec()),
            milestone: Some("2026.12".to_owned()),
            updated_at,
        }
        .into(),
        (_, 4) => PriorityChanged { priority: Priority::High, updated_at }.into(),
        (_, _) => IssueUnassigned {
            agent,
            reason: "the pod was drained before the first commit; work goes back to the queue".to_owned(),
        }
        .into(),
    };
    Event::Issue(event)
}

fn approved(time: Timestamp) -> IssueApproved {
    IssueApproved {
        title: "Orders with two currencies are rounded twice".to_owned(),
        url: Some("https://github.com/acme/service/issues/42".to_owned()),
        body: Some(
            "Steps to reproduce: an order in EUR with one position in CHF; the invoice is off by one cent.".to_owned(),
        ),
        priority: Priority::Normal,
        depends_on: Vec::new(),
        stack: Some("node".to_owned()),
        escalate: Vec::new(),
        tools: vec!["ripgrep".to_owned()],
        test_command: Some("npm test".to_owned()),
        build_command: Some("npm run build".to_owned()),
        milestone: Some("2026.12".to_owned()),
        labels: vec!["agent-ready".to_owned()],
        source: "webhook".to_owned(),
        new_life: true,
        updated_at: Some(time),
    }
}
