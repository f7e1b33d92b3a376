use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conductor_core::entry::{self, Entry};
use conductor_core::identity::{AgentId, EventId, IssueRef};
use conductor_core::port::{
    Broker, BrokerFailure, EntryStreams, LogChannels, Offered, PendingEntries, PendingEntry, PortFuture, Withdrawn,
};
use conductor_core::reaction::About;
use tokio::time::Instant;

/// What one agent's consumers read.
#[derive(Default)]
struct Stream {
    /// What was added and not removed, by its number.
    entries: BTreeMap<u64, Added>,
    /// The number of the last one that was ever added.
    last: u64,
    /// The highest number that a consumer was given.
    read: u64,
    /// Read and not acknowledged, by number.
    pending: BTreeMap<u64, Reading>,
    signals: VecDeque<EventId>,
}

/// An entry as consumers find it.
struct Added {
    event: EventId,
    fields: BTreeMap<&'static str, String>,
}

impl Added {
    fn about(&self) -> Option<About> {
        let field = |name| self.fields.get(name).map_or("", String::as_str);
        entry::about(field("kind"), field("repo"), field("issueNumber"))
    }
}

struct Reading {
    consumer: String,
    since: Instant,
}

#[derive(Default)]
struct Held {
    streams: BTreeMap<AgentId, Stream>,
    dispatched: HashMap<EventId, u64>,
    sessions: HashSet<IssueRef>,
    closed: bool,
}

/// A broker that lives as long as its process. What consumers do with it are its own methods.
#[derive(Default)]
pub struct MemoryBroker {
    held: Mutex<Held>,
}

impl MemoryBroker {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Hands the agent's oldest unread entry to that consumer, who owes an acknowledgement: its name and fields.
    pub fn read(&self, agent: &AgentId, consumer: &str) -> Option<(String, BTreeMap<&'static str, String>)> {
        let mut held = self.held();
        let stream = held.streams.get_mut(agent)?;
        let (number, added) = stream.entries.range(stream.read + 1..).next()?;
        let (number, fields) = (*number, added.fields.clone());
        stream.read = number;
        stream.pending.insert(number, Reading { consumer: consumer.to_owned(), since: Instant::now() });
        Some((name(number), fields))
    }

    /// Takes the oldest signal.
    pub fn pop_signal(&self, agent: &AgentId) -> Option<EventId> {
        self.held().streams.get_mut(agent)?.signals.pop_front()
    }

    /// The signals that nobody took, oldest first.
    #[must_use]
    pub fn signals(&self, agent: &AgentId) -> Vec<EventId> {
        self.held().streams.get(agent).map(|stream| stream.signals.iter().copied().collect()).unwrap_or_default()
    }

    /// The events of the entries that are there, oldest first.
    #[must_use]
    pub fn entries(&self, agent: &AgentId) -> Vec<EventId> {
        let held = self.held();
        held.streams
            .get(agent)
            .into_iter()
            .flat_map(|stream| stream.entries.values())
            .map(|added| added.event)
            .collect()
    }

    /// How many entries are read and not acknowledged; `None` without a group.
    #[must_use]
    pub fn pending(&self, agent: &AgentId) -> Option<usize> {
        self.held().streams.get(agent).map(|stream| stream.pending.len())
    }

    /// An agent remembers a conversation.
    pub fn keep_session(&self, about: &IssueRef) {
        self.held().sessions.insert(about.clone());
    }

    /// Whether any does.
    #[must_use]
    pub fn has_session(&self, about: &IssueRef) -> bool {
        self.held().sessions.contains(about)
    }

    /// Every change is made whole under the lock.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts at once, unless it is closed.
    fn act<'a, T: Send + 'a>(&self, act: impl FnOnce(&mut Held) -> T) -> PortFuture<'a, Result<T, BrokerFailure>> {
        let mut held = self.held();
        let done = if held.closed { Err(BrokerFailure::Away("it was closed".to_owned())) } else { Ok(act(&mut held)) };
        Box::pin(std::future::ready(done))
    }
}

/// An entry's name, as the real thing spells it.
fn name(number: u64) -> String {
    format!("{number}-0")
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix("-0")?.parse().ok()
}

impl EntryStreams for MemoryBroker {
    fn ready<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<(), BrokerFailure>> {
        self.act(|held| {
            held.streams.entry(agent.clone()).or_default();
        })
    }

    fn agents(&self) -> PortFuture<'_, Result<Vec<AgentId>, BrokerFailure>> {
        self.act(|held| held.streams.keys().cloned().collect())
    }

    fn offer<'a>(&'a self, agent: &'a AgentId, entry: &'a Entry) -> PortFuture<'a, Result<Offered, BrokerFailure>> {
        self.act(|held| {
            if held.dispatched.contains_key(&entry.event_id) {
                return Offered::Repeated;
            }
            let stream = held.streams.entry(agent.clone()).or_default();
            stream.last += 1;
            let added = Added { event: entry.event_id, fields: entry.fields().into() };
            stream.entries.insert(stream.last, added);
            stream.signals.push_back(entry.event_id);
            held.dispatched.insert(entry.event_id, stream.last);
            Offered::Added
        })
    }

    fn withdraw<'a>(&'a self, agent: &'a AgentId, event: EventId) -> PortFuture<'a, Result<Withdrawn, BrokerFailure>> {
        self.act(|held| {
            let added = held.dispatched.get(&event).copied().zip(held.streams.get_mut(agent));
            let Some((number, stream)) = added.filter(|(number, stream)| stream.entries.contains_key(number)) else {
                return Withdrawn::Missing;
            };
            if number <= stream.read {
                return Withdrawn::Taken;
            }
            stream.entries.remove(&number);
            stream.signals.retain(|signal| *signal != event);
            Withdrawn::Removed
        })
    }

    fn trim<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<u64, BrokerFailure>> {
        self.act(|held| {
            let Some(stream) = held.streams.get_mut(agent) else { return 0 };
            let keep = stream.pending.keys().next().copied().unwrap_or(stream.read + 1);
            let kept = stream.entries.split_off(&keep);
            std::mem::replace(&mut stream.entries, kept).len() as u64
        })
    }

    fn forget_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, Result<(), BrokerFailure>> {
        self.act(|held| {
            held.sessions.remove(about);
        })
    }
}

impl PendingEntries for MemoryBroker {
    fn scan(&self, idle: Duration, limit: usize) -> PortFuture<'_, Result<Vec<PendingEntry>, BrokerFailure>> {
        self.act(|held| {
            let all = held.streams.iter().flat_map(|(agent, stream)| {
                stream.pending.iter().map(move |(number, reading)| PendingEntry {
                    agent: agent.clone(),
                    entry_id: name(*number),
                    consumer: reading.consumer.clone(),
                    idle: reading.since.elapsed(),
                    deliveries: 1,
                    event_id: stream.entries.get(number).map(|added| added.event),
                    about: stream.entries.get(number).and_then(Added::about),
                })
            });
            all.filter(|entry| entry.idle >= idle).take(limit).collect()
        })
    }

    fn acknowledge<'a>(&'a self, entry: &'a PendingEntry) -> PortFuture<'a, Result<bool, BrokerFailure>> {
        self.act(|held| {
            let Some(stream) = held.streams.get_mut(&entry.agent) else { return false };
            let done = number(&entry.entry_id).is_some_and(|number| stream.pending.remove(&number).is_some());
            if done {
                stream.signals.retain(|signal| Some(*signal) != entry.event_id);
            }
            done
        })
    }
}

impl LogChannels for MemoryBroker {
    /// Nobody can listen here.
    fn publish_log<'a>(&'a self, _agent: &'a AgentId, _line: &'a str) -> PortFuture<'a, Result<u64, BrokerFailure>> {
        self.act(|_| 0)
    }
}

impl Broker for MemoryBroker {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn ping(&self) -> PortFuture<'_, Result<(), BrokerFailure>> {
        self.act(|_| ())
    }

    fn close(&self) -> PortFuture<'_, ()> {
        self.held().closed = true;
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::broker::{BrokerSubject, Consumers, Read};

    impl Consumers for MemoryBroker {
        fn read<'a>(&'a self, agent: &'a AgentId, consumer: &'a str) -> PortFuture<'a, Option<Read>> {
            let read = Self::read(self, agent, consumer).map(|(id, fields)| Read {
                id,
                fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            });
            Box::pin(std::future::ready(read))
        }
        fn pop<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<EventId>> {
            Box::pin(std::future::ready(self.pop_signal(agent)))
        }
        fn signals<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>> {
            Box::pin(std::future::ready(Self::signals(self, agent)))
        }
        fn entries<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>> {
            Box::pin(std::future::ready(Self::entries(self, agent)))
        }
        fn pending<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<usize>> {
            Box::pin(std::future::ready(Self::pending(self, agent)))
        }
        fn keep_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, ()> {
            Self::keep_session(self, about);
            Box::pin(std::future::ready(()))
        }
        fn has_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, bool> {
            Box::pin(std::future::ready(Self::has_session(self, about)))
        }
    }

    async fn fresh() -> BrokerSubject {
        let broker = MemoryBroker::new();
        BrokerSubject { broker: Arc::clone(&broker) as _, consumers: broker, prefix: "t".to_owned() }
    }

    crate::broker_contract!(super::fresh);
}
