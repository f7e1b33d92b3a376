//! The broker that wakes agents: Redis or Valkey. **A hint, never the truth**: the log knows who holds what, and an emptied
//! broker loses no work.

use std::fmt;
use std::time::Duration;

use crate::entry::Entry;
use crate::identity::{AgentId, EventId, IssueRef};
use crate::reaction::About;

use super::PortFuture;

/// What agents are handed by way of a stream each, beside which a list of signals wakes whoever scales them from zero.
pub trait EntryStreams: Send + Sync {
    /// Makes sure that the agent's stream and its group of consumers are there: whoever asks what is pending in a group that
    /// is missing gets an error. Doing it again changes nothing.
    fn ready<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<(), BrokerFailure>>;

    /// Whose streams there are; also of agents that nobody knows any more.
    fn agents(&self) -> PortFuture<'_, Result<Vec<AgentId>, BrokerFailure>>;

    /// Adds an entry to the agent's stream, and exactly one signal, its event's id: both or neither, and once per event however
    /// often it is asked for within [`REMEMBERED`]. Makes the group first where it is missing.
    fn offer<'a>(&'a self, agent: &'a AgentId, entry: &'a Entry) -> PortFuture<'a, Result<Offered, BrokerFailure>>;

    /// Takes the entry of that event and its own signal back, unless a consumer has read it: what was read stays.
    fn withdraw<'a>(&'a self, agent: &'a AgentId, event: EventId) -> PortFuture<'a, Result<Withdrawn, BrokerFailure>>;

    /// Drops entries that every group has acknowledged, up to the oldest one that any has not, and says how many.
    fn trim<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<u64, BrokerFailure>>;

    /// Drops what agents keep of their conversations about that issue or pull request.
    fn forget_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, Result<(), BrokerFailure>>;
}

/// Entries that a consumer has read and not acknowledged. Looking and acting are apart, so that a test can come in between.
pub trait PendingEntries: Send + Sync {
    /// Those of all agents that were read at least `idle` ago, oldest first within an agent, at most `limit`.
    fn scan(&self, idle: Duration, limit: usize) -> PortFuture<'_, Result<Vec<PendingEntry>, BrokerFailure>>;

    /// Acknowledges an entry in its consumer's place, and takes its own signal back where nobody took it. `false` where it was
    /// acknowledged already.
    fn acknowledge<'a>(&'a self, entry: &'a PendingEntry) -> PortFuture<'a, Result<bool, BrokerFailure>>;
}

/// Lines of agents' logs for whoever listens now; nobody keeps them.
pub trait LogChannels: Send + Sync {
    /// Tells a line, and how many heard it.
    fn publish_log<'a>(&'a self, agent: &'a AgentId, line: &'a str) -> PortFuture<'a, Result<u64, BrokerFailure>>;
}

/// All that a broker provides, as one object.
///
/// It connects and reconnects by itself, from the first moment on. While it can't, every call fails at once; nothing queues.
pub trait Broker: EntryStreams + PendingEntries + LogChannels {
    /// Where it is, for people: no password.
    fn location(&self) -> String;

    /// Whether it answers: a trivial round trip.
    fn ping(&self) -> PortFuture<'_, Result<(), BrokerFailure>>;

    /// Lets go of its connections; later calls are [`BrokerFailure::Away`].
    fn close(&self) -> PortFuture<'_, ()>;
}

/// How long a broker knows for which events it has added an entry: longer than any outage that an effect waits out.
pub const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// The entry was added now.
    Added,
    /// It was added before; nothing was added.
    Repeated,
}

/// What became of an entry that is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// Nobody had read it, and nobody will.
    Removed,
    /// A consumer has read it; it stays.
    Taken,
    /// There is none: never added, taken back before, or gone with all that the broker held.
    Missing,
}

/// An entry that a consumer has read and not acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingEntry {
    /// Whose stream it is in.
    pub agent: AgentId,
    /// The broker's own name for it.
    pub entry_id: String,
    /// Who read it last: an agent's id, or a pod's name.
    pub consumer: String,
    /// How long ago.
    pub idle: Duration,
    /// How often it was handed to a consumer.
    pub deliveries: u64,
    /// The event that it was added for; `None` where the entry itself is gone from the stream, or isn't ours.
    pub event_id: Option<EventId>,
    /// What its fields say that it is about; `None` as above.
    pub about: Option<About>,
}

/// Why a broker did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerFailure {
    /// It can't be reached, is starting, full or busy, didn't let us in, or did not answer in time. Whether it happened is
    /// **unknown**; safe to repeat.
    Away(String),
    /// It answered that it won't: a key holds something else than it should. Repeating doesn't help before a person has looked.
    Refused(String),
}

impl fmt::Display for BrokerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "reach the broker: {why}"),
            Self::Refused(why) => write!(f, "have the broker do it: {why}"),
        }
    }
}

impl std::error::Error for BrokerFailure {}
