//! The contract of the broker: what is promised to whoever hands out, to the consumers, and to whoever scales them from zero.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::entry::{Entry, Job};
use conductor_core::event::Priority;
use conductor_core::identity::{AgentId, EventId, IssueRef};
use conductor_core::port::{Broker, BrokerFailure, Offered, PendingEntry, PortFuture, Withdrawn};
use conductor_core::reaction::About;

/// What agents' runtimes do, and what a scaler sees, by whatever means the broker has for that.
pub trait Consumers: Send + Sync {
    /// The oldest unread entry, handed to that consumer.
    fn read<'a>(&'a self, agent: &'a AgentId, consumer: &'a str) -> PortFuture<'a, Option<Read>>;
    /// The oldest signal, taken.
    fn pop<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<EventId>>;
    /// All signals, left there.
    fn signals<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>>;
    /// The events of all entries, left there.
    fn entries<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>>;
    /// How many entries are read and not acknowledged; `None` where asking is an error, since there is no group.
    fn pending<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<usize>>;
    /// Keeps a conversation.
    fn keep_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, ()>;
    /// Whether one is kept.
    fn has_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, bool>;
}

/// An entry that a consumer was handed.
pub struct Read {
    /// The broker's name for it.
    pub id: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

/// A fresh, empty broker, and its consumers.
pub struct BrokerSubject {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Its other side.
    pub consumers: Arc<dyn Consumers>,
    /// How the names of its agents begin: no other test has such.
    pub prefix: String,
}

impl BrokerSubject {
    fn agent(&self, name: &str) -> AgentId {
        AgentId::parse(&format!("{}-{name}", self.prefix)).unwrap()
    }

    async fn offer(&self, agent: &AgentId, number: u64) -> EventId {
        let entry = self.entry(number);
        assert_eq!(self.broker.offer(agent, &entry).await, Ok(Offered::Added));
        entry.event_id
    }

    async fn read(&self, agent: &AgentId) -> Read {
        self.consumers.read(agent, "pod-1").await.expect("there is an unread entry")
    }

    /// What is pending of that agent, however short a time.
    async fn scan(&self, agent: &AgentId) -> Vec<PendingEntry> {
        let all = self.broker.scan(Duration::ZERO, 10_000).await.unwrap();
        all.into_iter().filter(|entry| entry.agent == *agent).collect()
    }

    /// Its event is of this test alone, since brokers remember them.
    fn entry(&self, number: u64) -> Entry {
        let seed = self.prefix.bytes().fold(0_u128, |sum, byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
        Entry {
            event_id: EventId(seed.wrapping_mul(1_000_003).wrapping_add(number.into())),
            job: Job::Work {
                issue: IssueRef::parse(&format!("acme/web#{number}")).unwrap(),
                lease_token: "secret".to_owned(),
                branch_hint: format!("agent/issue-{number}-1"),
                feedback: None,
                rework: None,
            },
            title: "Grüße, \"Welt\"".to_owned(),
            priority: Priority::High,
            body: "line\r\nline\u{0} \u{1F980}".to_owned(),
            stack: Some("node".to_owned()),
            test_command: None,
            build_command: None,
            tools: Vec::new(),
            attempt: 1,
        }
    }
}

/// Whoever asks what is pending gets a number, and a second time changes nothing.
pub async fn a_group_is_there_before_the_first_entry(subject: BrokerSubject) {
    let agent = subject.agent("a");
    assert_eq!(subject.consumers.pending(&agent).await, None);
    for _ in 0..2 {
        subject.broker.ready(&agent).await.unwrap();
        assert_eq!(subject.consumers.pending(&agent).await, Some(0));
    }
    let other = subject.agent("b");
    subject.offer(&other, 1).await;
    assert_eq!(subject.consumers.pending(&other).await, Some(0), "an offer makes it too");
    assert!(subject.consumers.read(&other, "pod-1").await.is_some(), "and it begins with the first entry");
}

/// Whoever has a stream, known to anybody or not, once.
pub async fn agents_with_streams_are_found(subject: BrokerSubject) {
    let (ready, offered) = (subject.agent("a"), subject.agent("b"));
    subject.broker.ready(&ready).await.unwrap();
    subject.offer(&offered, 1).await;
    let found = subject.broker.agents().await.unwrap();
    let ours: Vec<_> = found.into_iter().filter(|agent| agent.as_str().starts_with(&subject.prefix)).collect();
    assert_eq!(ours, [ready, offered]);
}

/// As strings, whatever is in them.
pub async fn an_entry_has_all_its_fields_and_one_signal(subject: BrokerSubject) {
    let (agent, entry) = (subject.agent("a"), subject.entry(1));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Added));
    let expected = entry.fields().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(subject.read(&agent).await.fields, expected);
    assert_eq!(subject.consumers.signals(&agent).await, [entry.event_id]);
}

/// Also after the entry was read and the signal was taken.
pub async fn the_same_event_twice_adds_nothing(subject: BrokerSubject) {
    let (agent, entry) = (subject.agent("a"), subject.entry(1));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Added));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Repeated));
    assert_eq!(subject.consumers.entries(&agent).await, [entry.event_id]);
    subject.read(&agent).await;
    assert_eq!(subject.consumers.pop(&agent).await, Some(entry.event_id));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Repeated));
    assert!(subject.consumers.read(&agent, "pod-1").await.is_none());
    assert_eq!(subject.consumers.signals(&agent).await, []);
}

/// Each by one consumer of the group.
pub async fn entries_are_read_in_order_and_once(subject: BrokerSubject) {
    let agent = subject.agent("a");
    let events = [subject.offer(&agent, 1).await, subject.offer(&agent, 2).await];
    assert_eq!(subject.consumers.signals(&agent).await, events);
    let mut read = Vec::new();
    for consumer in ["pod-1", "pod-2", "pod-1"] {
        read.extend(subject.consumers.read(&agent, consumer).await);
    }
    let read: Vec<&str> = read.iter().map(|entry| entry.fields["eventId"].as_str()).collect();
    assert_eq!(read, events.map(|event| event.to_string()));
}

/// Neither its neighbours nor their signals are touched.
pub async fn what_nobody_read_is_taken_back_with_its_own_signal(subject: BrokerSubject) {
    let agent = subject.agent("a");
    let (first, second, third) =
        (subject.offer(&agent, 1).await, subject.offer(&agent, 2).await, subject.offer(&agent, 3).await);
    subject.read(&agent).await;
    assert_eq!(subject.broker.withdraw(&agent, second).await, Ok(Withdrawn::Removed));
    assert_eq!(subject.consumers.entries(&agent).await, [first, third]);
    assert_eq!(subject.consumers.signals(&agent).await, [first, third]);
    assert_eq!(subject.read(&agent).await.fields["eventId"], third.to_string());
    assert_eq!(subject.broker.withdraw(&agent, second).await, Ok(Withdrawn::Missing), "once");
}

/// Its reader is refused later; here it keeps what it has.
pub async fn what_was_read_stays(subject: BrokerSubject) {
    let agent = subject.agent("a");
    let event = subject.offer(&agent, 1).await;
    subject.read(&agent).await;
    assert_eq!(subject.broker.withdraw(&agent, event).await, Ok(Withdrawn::Taken));
    assert_eq!(subject.consumers.entries(&agent).await, [event]);
    assert_eq!(subject.consumers.signals(&agent).await, [event]);
    assert_eq!(subject.consumers.pending(&agent).await, Some(1));
}

/// Of an agent that nobody ever offered anything, too.
pub async fn what_was_never_added_is_missing(subject: BrokerSubject) {
    let agent = subject.agent("a");
    assert_eq!(subject.broker.withdraw(&agent, subject.entry(1).event_id).await, Ok(Withdrawn::Missing));
    subject.offer(&agent, 2).await;
    assert_eq!(subject.broker.withdraw(&agent, subject.entry(1).event_id).await, Ok(Withdrawn::Missing));
    assert_eq!(subject.broker.trim(&subject.agent("b")).await, Ok(0));
    assert_eq!(subject.consumers.pending(&subject.agent("b")).await, None, "trimming makes no stream");
}

/// A delivery that is repeated late brings nothing back.
pub async fn what_was_taken_back_is_not_added_again(subject: BrokerSubject) {
    let (agent, entry) = (subject.agent("a"), subject.entry(1));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Added));
    assert_eq!(subject.broker.withdraw(&agent, entry.event_id).await, Ok(Withdrawn::Removed));
    assert_eq!(subject.broker.offer(&agent, &entry).await, Ok(Offered::Repeated));
    assert_eq!(subject.consumers.entries(&agent).await, []);
}

/// Neither what waits to be read nor what a consumer owes.
pub async fn only_what_is_acknowledged_is_trimmed(subject: BrokerSubject) {
    let agent = subject.agent("a");
    let (first, second, third) =
        (subject.offer(&agent, 1).await, subject.offer(&agent, 2).await, subject.offer(&agent, 3).await);
    assert_eq!(subject.broker.trim(&agent).await, Ok(0), "nothing is read");
    for _ in 0..2 {
        subject.read(&agent).await;
    }
    assert_eq!(subject.broker.trim(&agent).await, Ok(0), "nothing is acknowledged");
    let pending = subject.scan(&agent).await;
    assert_eq!(subject.broker.acknowledge(&pending[1]).await, Ok(true));
    assert_eq!(subject.broker.trim(&agent).await, Ok(0), "an older one isn't");
    assert_eq!(subject.consumers.entries(&agent).await, [first, second, third]);
    assert_eq!(subject.broker.acknowledge(&pending[0]).await, Ok(true));
    assert_eq!(subject.broker.trim(&agent).await, Ok(2));
    assert_eq!(subject.consumers.entries(&agent).await, [third]);
    assert_eq!(subject.read(&agent).await.fields["eventId"], third.to_string());
}

/// With the consumer, and not before their time.
pub async fn pending_entries_are_found_with_their_event(subject: BrokerSubject) {
    let (agent, other) = (subject.agent("a"), subject.agent("b"));
    let event = subject.offer(&agent, 1).await;
    subject.offer(&agent, 2).await;
    subject.offer(&other, 3).await;
    assert_eq!(subject.scan(&agent).await, [], "nobody read any");
    let read = subject.read(&agent).await;
    let found = subject.scan(&agent).await;
    let [pending] = &found[..] else { panic!("{found:?}") };
    assert_eq!((pending.entry_id.as_str(), pending.consumer.as_str()), (read.id.as_str(), "pod-1"));
    assert_eq!((pending.event_id, pending.deliveries), (Some(event), 1));
    assert_eq!(pending.about, Some(About::issue(&IssueRef::parse("acme/web#1").unwrap())));
    assert!(pending.idle < Duration::from_secs(60));
    let idle = subject.broker.scan(Duration::from_secs(60), 10_000).await.unwrap();
    assert!(idle.iter().all(|entry| entry.agent != agent), "not idle for that long");
    assert_eq!(subject.broker.scan(Duration::ZERO, 0).await, Ok(Vec::new()));
}

/// The signal goes where its reader died before it took that; whoever comes second is told.
pub async fn a_dead_entry_is_acknowledged_once_and_leaves_no_signal(subject: BrokerSubject) {
    let agent = subject.agent("a");
    subject.offer(&agent, 1).await;
    let second = subject.offer(&agent, 2).await;
    subject.read(&agent).await;
    let pending = subject.scan(&agent).await;
    assert_eq!(subject.broker.acknowledge(&pending[0]).await, Ok(true));
    assert_eq!(subject.broker.acknowledge(&pending[0]).await, Ok(false));
    assert_eq!(subject.consumers.pending(&agent).await, Some(0));
    assert_eq!(subject.consumers.signals(&agent).await, [second]);
}

/// However many deliver it at once.
pub async fn racing_offers_of_one_event_add_one_entry(subject: BrokerSubject) {
    let (agent, entry) = (subject.agent("a"), subject.entry(1));
    let offers = futures_util::future::join_all((0..16).map(|_| subject.broker.offer(&agent, &entry))).await;
    assert_eq!(offers.iter().filter(|offer| **offer == Ok(Offered::Added)).count(), 1, "{offers:?}");
    assert!(offers.iter().all(Result::is_ok), "{offers:?}");
    assert_eq!(subject.consumers.signals(&agent).await, [entry.event_id]);
}

/// That one alone; one that isn't kept as well.
pub async fn a_session_is_forgotten(subject: BrokerSubject) {
    let about = |number: u64| IssueRef::parse(&format!("{}/web#{number}", subject.prefix)).unwrap();
    for number in [1, 2] {
        subject.consumers.keep_session(&about(number)).await;
    }
    for _ in 0..2 {
        subject.broker.forget_session(&about(1)).await.unwrap();
        assert!(!subject.consumers.has_session(&about(1)).await);
    }
    assert!(subject.consumers.has_session(&about(2)).await);
}

/// And says so, instead of waiting.
pub async fn a_closed_broker_is_away(subject: BrokerSubject) {
    let agent = subject.agent("a");
    assert_eq!(subject.broker.publish_log(&agent, "nobody listens").await, Ok(0));
    subject.broker.close().await;
    assert!(matches!(subject.broker.ready(&agent).await, Err(BrokerFailure::Away(_))));
    assert!(matches!(subject.broker.ping().await, Err(BrokerFailure::Away(_))));
}
