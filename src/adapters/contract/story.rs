//! What the cases write: streams with real events, whose states are made by folding them and in no other way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conductor_core::data::Record;
use conductor_core::decider::{Moment, StreamState};
use conductor_core::event::{
    Actor, AgentEvent, AgentOnline, AssignmentKind, Event, IssueApproved, IssueAssigned, IssueEvent, IssueUnassigned,
    Metadata, PrCreated, PrUpdated, Priority, PriorityChanged, PullRequestEvent, WorkStarted,
};
use conductor_core::identity::{AgentId, Claimant, EventId, IssueRef, RepoName, Sha, StreamId};
use conductor_core::port::{
    Append, AppendError, Body, Guard, KeyedAnswer, NewEffect, NewEvent, Receipt, Snapshot, Store,
};
use conductor_core::reaction::{Effect, Tell};
use conductor_core::time::Timestamp;

use crate::codec::decode_record;
use crate::replay::body_of;

/// How long a case waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// `seconds` after the moment at which every story begins.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_253_400_123 + seconds * 1000)
}

/// `days` after the moment at which every story begins.
pub(crate) fn days(days: i64) -> Timestamp {
    at(days * 86_400)
}

/// An id that no other event or effect of this process has.
pub(crate) fn fresh_id() -> EventId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    EventId(0x0193_4c5a_0000_7000_8000_0000_0000_0000 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn issue_id(text: &str) -> StreamId {
    StreamId::Issue(IssueRef::parse(text).unwrap())
}
pub(crate) fn pull_id(text: &str) -> StreamId {
    StreamId::PullRequest(IssueRef::parse(text).unwrap())
}
pub(crate) fn claimant(text: &str) -> Claimant {
    Claimant::parse(text).unwrap()
}
pub(crate) fn agent_id(text: &str) -> AgentId {
    AgentId::parse(text).unwrap()
}
pub(crate) fn repo(text: &str) -> RepoName {
    RepoName::parse(text).unwrap()
}
pub(crate) fn sha(digit: u8) -> Sha {
    Sha::parse(&format!("{digit:02x}").repeat(20)).unwrap()
}

fn issue_event(event: impl Into<IssueEvent>) -> Event {
    Event::Issue(event.into())
}

/// A payload of the log as its stored text, so that a case doesn't name fields that it doesn't care for.
fn recorded<R: Record>(text: &str) -> R {
    decode_record(text).unwrap()
}

/// ISSUE_APPROVED with this priority and a body.
pub(crate) fn approved_as(priority: Priority, body: &str) -> Event {
    let payload = r#"{"title":"Say \"hello\" – 你好","url":"https://github.com/acme/web/issues/7","stack":"node",
        "priority":"normal","tools":["npm"],"labels":["agent-ready"],"source":"webhook","newLife":true,
        "updatedAt":"2026-11-21T09:29:00.123Z"}"#;
    issue_event(IssueApproved { priority, body: Some(body.to_owned()), ..recorded(payload) })
}

/// ISSUE_APPROVED.
pub(crate) fn approved() -> Event {
    approved_as(Priority::Normal, "It should say hello.")
}

/// PRIORITY_CHANGED: an event that is always possible.
pub(crate) fn prioritised(priority: Priority) -> Event {
    issue_event(PriorityChanged { priority, updated_at: None })
}

/// ISSUE_ASSIGNED to a claimant, not yet started.
pub(crate) fn assigned(holder: &str) -> Event {
    let Claimant { agent, instance } = claimant(holder);
    issue_event(IssueAssigned {
        agent,
        instance: instance.map(String::from),
        attempt: 1,
        epoch: 1,
        lease_token: "secret".to_owned(),
        expires_at: at(1800),
        branch_hint: "agent/7".to_owned(),
        kind: AssignmentKind::Work,
        hook: false,
        demanded: false,
        pushed: false,
    })
}

/// ISSUE_UNASSIGNED.
pub(crate) fn unassigned(agent: &str) -> Event {
    issue_event(IssueUnassigned { agent: agent_id(agent), reason: "operator".to_owned() })
}

/// WORK_STARTED.
pub(crate) fn started(agent: &str) -> Event {
    issue_event(WorkStarted { agent: agent_id(agent), branch: Some("agent/7".to_owned()) })
}

/// PR_CREATED with a head.
pub(crate) fn opened(stream: &StreamId, head: Sha) -> Event {
    let StreamId::PullRequest(reference) = stream else { panic!("{stream} is no pull request") };
    let payload: PrCreated = recorded(&format!(
        r#"{{"prRepo":"{}","prNumber":{},"title":"Say hello","branch":"agent/7","updatedAt":"2026-11-21T09:30:00.123Z"}}"#,
        reference.repo, reference.number
    ));
    Event::PullRequest(PullRequestEvent::Created(PrCreated { head_sha: Some(head), ..payload }))
}

/// PR_UPDATED with another head.
pub(crate) fn pushed(head: Sha) -> Event {
    let payload: PrUpdated = recorded(r#"{"updatedAt":"2026-11-21T09:31:00.123Z"}"#);
    Event::PullRequest(PullRequestEvent::Updated(PrUpdated { head_sha: Some(head), ..payload }))
}

/// AGENT_ONLINE.
pub(crate) fn online() -> Event {
    Event::Agent(AgentEvent::Online(AgentOnline { since: Some(at(0)) }))
}

/// An effect that tells a pull request of an issue's event.
pub(crate) fn told(pull_request: &str, source: &StreamId, event: &Event) -> Effect {
    let Event::Issue(event) = event else { panic!("{} is no issue's event", event.type_name()) };
    Tell::pull_request(&pull_id(pull_request), source, event)
}

/// A key with the digest of its request.
pub(crate) fn keyed(scope: &str, key: &str, fingerprint: &str) -> KeyedAnswer {
    KeyedAnswer { scope: scope.to_owned(), key: key.to_owned(), fingerprint: fingerprint.to_owned() }
}

/// One stream as its only writer knows it.
#[derive(Clone)]
pub(crate) struct Pen {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) stream: StreamId,
    pub(crate) version: u64,
    pub(crate) state: StreamState,
}

impl Pen {
    pub(crate) fn new(store: &Arc<dyn Store>, stream: StreamId) -> Self {
        Self { store: Arc::clone(store), state: StreamState::initial(&stream), stream, version: 0 }
    }

    pub(crate) fn issue(store: &Arc<dyn Store>, text: &str) -> Self {
        Self::new(store, issue_id(text))
    }

    pub(crate) fn pull(store: &Arc<dyn Store>, text: &str) -> Self {
        Self::new(store, pull_id(text))
    }

    pub(crate) fn agent(store: &Arc<dyn Store>, text: &str) -> Self {
        Self::new(store, StreamId::Agent(agent_id(text)))
    }

    /// The append that adds these events to what is known, in every detail but guards, key and effects.
    pub(crate) fn draft(&self, events: Vec<Event>) -> Append {
        let (mut state, mut body, mut version) = (self.state.clone(), Body::Keep, self.version);
        let time = at(i64::try_from(self.version).unwrap());
        for event in &events {
            version += 1;
            if let Some(text) = body_of(event) {
                body = Body::Set(text.to_owned());
            }
            state.evolve(event.clone(), Moment { version, time }).unwrap();
        }
        let metadata = Metadata::by(Actor::Daemon("contract".to_owned())).because_of("case");
        let new = |event| NewEvent { id: fresh_id(), event, metadata: metadata.clone() };
        Append {
            stream: self.stream.clone(),
            expected: self.version,
            events: events.into_iter().map(new).collect(),
            snapshot: Snapshot { state, body },
            effects: Vec::new(),
            guards: Vec::new(),
            key: None,
            time,
        }
    }

    /// Appends a draft and, where that took place, knows it from then on.
    pub(crate) async fn send(&mut self, append: Append) -> Result<Receipt, AppendError> {
        let state = append.snapshot.state.clone();
        let receipt = self.store.append(append).await?;
        (self.version, self.state) = (receipt.last_version, state);
        Ok(receipt)
    }

    /// Appends events that nothing stands in the way of.
    pub(crate) async fn write(&mut self, events: Vec<Event>) -> Receipt {
        let append = self.draft(events);
        self.send(append).await.unwrap()
    }

    /// An approved issue.
    pub(crate) async fn approved_issue(store: &Arc<dyn Store>, text: &str) -> Self {
        let mut pen = Self::issue(store, text);
        pen.write(vec![approved()]).await;
        pen
    }

    /// The append that gives the issue to a claimant with room for `limit` leases of its agent.
    pub(crate) fn claim(&self, holder: &str, limit: u32) -> Append {
        let claimant = claimant(holder);
        let mut append = self.draft(vec![assigned(holder)]);
        append.guards = vec![
            Guard::NothingUnstarted { claimant: claimant.clone() },
            Guard::LeasesBelow { agent: claimant.agent, limit },
        ];
        append
    }

    /// The append of an event with one effect on each of these pull requests.
    pub(crate) fn telling(&self, event: Event, pull_requests: &[&str]) -> Append {
        let effects: Vec<Effect> = pull_requests.iter().map(|pull| told(pull, &self.stream, &event)).collect();
        let mut append = self.draft(vec![event]);
        let event_id = append.events[0].id;
        append.effects = effects.into_iter().map(|effect| NewEffect { id: fresh_id(), event_id, effect }).collect();
        append
    }
}
