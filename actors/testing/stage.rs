use std::sync::{Arc, Mutex, Once};

use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, Metadata, Recorded};
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::issue::Issue;
use conductor_core::port::{Clock, KeyedAnswer, LogFilter, Store};
use conductor_core::roster::{GitHubMode, Policy};
use tokio::task::LocalSet;

use crate::arbiters::Arbiters;
use crate::board::{Board, BoardSnapshot};
use crate::guard::locked;
use crate::ports::{Ports, StateListener};
use crate::request::{Answer, Rejected, Request};
use crate::ring::{Circumstances, Ring};
use crate::settings::Settings;

use super::{Count, Counter, FaultyStore, PausedClock};

/// A ring of counters over a store in memory.
pub(crate) struct Stage {
    pub(crate) ring: Arc<Ring<Counter>>,
    pub(crate) with: Circumstances,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) heard: Arc<Heard>,
}

/// Remembers what it heard, in order.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<(StreamId, u64)>>);

impl StateListener for Heard {
    fn changed(&self, stream: &StreamId, version: u64, _: &StreamState) {
        locked(&self.0).push((stream.clone(), version));
    }
}

impl Stage {
    pub(crate) async fn new(settings: Settings) -> Self {
        let store: Arc<dyn Store> = MemoryStore::new();
        Self::over(settings, store, Arc::new(PausedClock::new())).await
    }

    /// On a store that others use too.
    pub(crate) async fn over(settings: Settings, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let (store, heard) = (FaultyStore::new(store), Arc::new(Heard::default()));
        let ports = Ports {
            listeners: vec![Arc::clone(&heard) as Arc<dyn StateListener>],
            ..ports(Arc::clone(&store) as Arc<dyn Store>, clock)
        };
        let with = Circumstances::new(ports, settings);
        let ring = Arc::new(Ring::start(Arbiters::here(2).shards(), &with.gate, &with).await);
        Self { ring, with, store, heard }
    }

    pub(crate) fn board(&self) -> BoardSnapshot {
        Board::snapshot(&self.with.board, self.with.ports.clock.now())
    }

    pub(crate) async fn ask(&self, stream: &StreamId, command: Count) -> Result<Answer<Issue>, Rejected> {
        self.ring.execute(stream.clone(), Request::new(command, metadata())).await
    }

    pub(crate) async fn ask_with_key(
        &self,
        stream: &StreamId,
        command: Count,
        key: &str,
        fingerprint: &str,
    ) -> Result<Answer<Issue>, Rejected> {
        let key = KeyedAnswer { scope: "test".to_owned(), key: key.to_owned(), fingerprint: fingerprint.to_owned() };
        self.ring.execute(stream.clone(), Request { key: Some(key), ..Request::new(command, metadata()) }).await
    }

    /// A command that nobody waits for here.
    pub(crate) fn ask_aside(
        &self,
        stream: &StreamId,
        command: Count,
    ) -> tokio::task::JoinHandle<Result<Answer<Issue>, Rejected>> {
        let (ring, stream) = (Arc::clone(&self.ring), stream.clone());
        tokio::task::spawn_local(async move { ring.execute(stream, Request::new(command, metadata())).await })
    }

    pub(crate) async fn log(&self) -> Vec<Recorded> {
        self.store.inner().read_log(0, 100_000, &LogFilter::default()).await.unwrap()
    }

    pub(crate) fn restarts(&self) -> crate::board::RestartCounts {
        let counts = self.board().actors.into_iter().map(|actor| actor.restarts);
        counts.fold(crate::board::RestartCounts::default(), |sum, next| crate::board::RestartCounts {
            panic: sum.panic + next.panic,
            error: sum.error + next.error,
            frozen: sum.frozen + next.frozen,
        })
    }
}

/// Ports to a store, with the built-in rig.
pub(crate) fn ports(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Ports {
    Ports {
        store,
        clock,
        entropy: Arc::new(SystemEntropy::new()),
        policy: Arc::new(Policy::built_in(GitHubMode::None)),
        destinations: Ports::inside(),
        listeners: Vec::new(),
    }
}

/// Plays on a stage of its own, inside the `LocalSet` that actors need.
pub(crate) async fn play(settings: Settings, story: impl AsyncFnOnce(Stage)) {
    quiet_panics();
    LocalSet::new().run_until(async { story(Stage::new(settings).await).await }).await;
}

/// Lets everybody go on until all wait: under paused time nothing but a timer can wake them then.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// The panics that tests inject are expected: their text would hide that of a failed test.
pub(crate) fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let injected = ["the store broke", "no rule for that", "as scripted"];
            let text = panic.payload_as_str().unwrap_or_default();
            if !injected.iter().any(|known| text.starts_with(known)) {
                loud(panic);
            }
        }));
    });
}

pub(crate) fn issue(number: u64) -> StreamId {
    StreamId::Issue(IssueRef::parse(&format!("Acme/Web#{number}")).unwrap())
}

pub(crate) fn metadata() -> Metadata {
    Metadata::by(Actor::Operator("local".to_owned())).because_of("a test")
}
