//! The daemon's life: store, actors, passes, HTTP – and the same way back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig};
use conductor_actors::{
    Arbiters, Cadence, Coordinator, InboxLane, LaneSettings, LeaderPass, Ports, Settings as ActorSettings,
    StateListener,
};
use conductor_adapters::host_name;
use conductor_adapters::store_time::StoreTime;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_adapters::valkey::UrlError;
use conductor_core::port::{Broker, Clock, Entropy, Inbox, Store, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_http::caller::{Admission, AdmissionSettings, first_token};
use conductor_http::edge::{Edge, HandOut, Stage};
use conductor_http::health::BrokerDependency;
use conductor_http::leases::{LeaseKeeper, LeaseTerms, LiveLeases};
use conductor_http::lines::LinePublisher;
use conductor_http::live::LiveFeed;
use conductor_http::numbers::Numbers;
use conductor_http::repo_names::RepoNames;
use conductor_http::server::{self, ServerSettings};
use conductor_http::webhook::{self, GitHubInbox, Reception, WebhookDoor, WebhookSecret};
use tokio::runtime::Runtime;

use crate::config::{Settings, Tuning, most_readers};

use super::broker;
use super::cycles::Cycles;
use super::descriptors;
use super::dispatch::Dispatch;
use super::ear::{Ear, Listen};
use super::follow::FollowLog;
use super::leases::Leases;
use super::merge_gate::MergeGate;
use super::push::Push;
use super::reaper::StreamReaper;
use super::reviews::{ReviewDesk, ReviewDispatch, ReviewIndex, Wake};
use super::silence::Silence;
use super::teller::StreamTeller;
use super::token_uses::TokenUses;
use super::upkeep::Upkeep;
use super::way_in;
use super::work_index::WorkIndex;

/// How long requests and commands under way may take at the end. With the server's own 10 s this stays below Kubernetes'
/// usual grace of 30 s.
const DRAIN: Duration = Duration::from_secs(15);
/// Lanes are nudged by what they work for; the period is for retries, and for nudges that nobody gave.
const LANE_PERIOD: Duration = Duration::from_secs(1);
/// Other replicas' appends reach this one's index within this time.
const FOLLOW_PERIOD: Duration = Duration::from_millis(500);
/// Six times within the gap that a break in listening is.
pub(super) const LISTEN_PERIOD: Duration = Duration::from_secs(5);
/// Work that becomes available wakes the pass by itself; the period is for what only time brings (an author's half hour, a
/// quota's reset).
pub(super) const PUSH_PERIOD: Duration = Duration::from_secs(15);
/// Nobody hurries who waits for itself.
const CYCLES_PERIOD: Duration = Duration::from_secs(5);
/// What a merge waits for is on record this soon after it changed.
const GATE_PERIOD: Duration = Duration::from_secs(1);
/// Nothing of the operational tables is kept for less than a day.
const UPKEEP_PERIOD: Duration = Duration::from_secs(3600);
/// For who reads the store beside the daemon, or another replica: one that is asked writes what it knows first.
const TOKEN_USES_PERIOD: Duration = Duration::from_secs(5);

/// Why the daemon didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The index could not be filled.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// It would listen beyond loopback, and nobody could say who he is.
    #[error(
        "listen on {address}: identity is token and there is no token yet, so nobody could get in. \
         Make the first one on the store itself: {}",
        first_token::COMMAND
    )]
    NoToken {
        /// Where.
        address: SocketAddr,
    },
    /// There is a broker configured that can't be one.
    #[error("reach the broker: VALKEY_URL {0}")]
    Broker(#[from] UrlError),
    /// Nothing listens.
    #[error(
        "listen on {address} (is it another daemon's? CONDUCTOR_BIND names another place, port 0 takes a free one)"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A daemon that serves.
pub struct Daemon {
    /// Where it listens: `http://127.0.0.1:8080`.
    pub url: String,
    /// How to make the first token, where nobody gets in for want of one.
    pub first_token: Option<String>,
    edge: Arc<Edge>,
    store: Arc<dyn Store>,
    broker: Option<Arc<dyn Broker>>,
    http: ServerHandle,
    /// Kept for as long as reviews are dispatched.
    _wake_reviews: Arc<Wake>,
}

impl Daemon {
    /// Starts serving from an open store. Has to be called inside an actix system on `runtime` (see
    /// [`conductor_actors::run_system`]).
    ///
    /// # Errors
    /// When the store can't be read or the address not be bound.
    pub async fn start(settings: &Settings, store: Arc<dyn Store>, runtime: &Arc<Runtime>) -> Result<Self, StartError> {
        let time = Arc::new(StoreTime::over(Arc::new(SystemClock)));
        let ear = Arc::new(Ear::new(Arc::clone(&store), Arc::clone(&time)));
        ear.listen().await?;
        let clock: Arc<dyn Clock> = time;
        let is_open = way_in::is_open(settings, &*store, &*clock).await?;
        if !is_open && !settings.bind.ip().is_loopback() {
            return Err(StartError::NoToken { address: settings.bind });
        }
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let policy = Arc::new(settings.policy.clone());
        let index = Arc::new(WorkIndex::new(&policy));
        // The position first: what is appended while the index fills is read twice rather than missed.
        let position = store.head().await?;
        index.fill(&*store).await?;
        let reviews = Arc::new(ReviewIndex::default());
        reviews.fill(&*store).await?;
        let numbers = Arc::<Numbers>::default();
        let names = Arc::<RepoNames>::default();
        names.fill(&*store).await?;
        let listeners = vec![
            Arc::clone(&index) as Arc<dyn StateListener>,
            Arc::clone(&reviews) as _,
            Arc::clone(&numbers) as _,
            Arc::clone(&names) as _,
        ];
        let admission = AdmissionSettings {
            mode: settings.identity,
            trusted_networks: settings.trusted_networks.clone(),
            rates: settings.rates,
        };
        let admission = Admission::new(admission, Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy));
        let broker = broker::open(settings)?;
        let ports = Ports {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy,
            policy,
            destinations: broker::destinations(broker.as_ref()),
            listeners,
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let arbiters = Arbiters::start(runtime, cores);
        // Without streams nothing is on its way to an agent: it asks.
        let streamed = ports.destinations.contains(&Destination::Valkey);
        let terms = LeaseTerms { length: settings.policy.timers.lease, streamed };
        let leases = LeaseKeeper::start(Arc::clone(&store), Arc::clone(&index) as Arc<dyn LiveLeases>, terms);
        let coordinator = Coordinator::start(ports.clone(), actor_settings(settings.tuning), arbiters).await;

        let lane = Cadence::every(LANE_PERIOD);
        let teller = StreamTeller::new(coordinator.clone());
        coordinator.start_lane(teller, LaneSettings::default(), lane).await;
        if let Some(broker) = &broker {
            broker::serve(broker, &coordinator, &leases, lane).await;
        }
        let inbox = Arc::new(GitHubInbox::new(coordinator.clone(), Arc::clone(&names)));
        coordinator.start_pass(InboxLane::new(ports, inbox, LaneSettings::default()), lane).await;
        let follow = FollowLog::new(
            coordinator.clone(),
            Arc::clone(&index),
            Arc::clone(&reviews),
            Arc::clone(&numbers),
            Arc::clone(&names),
            position,
        );
        coordinator.start_pass(follow, Cadence::every(FOLLOW_PERIOD)).await;
        let cycles = Cycles::new(coordinator.clone(), Arc::clone(&index));
        coordinator.start_leader_pass(cycles, Cadence::every(CYCLES_PERIOD)).await;
        let desk = Arc::new(ReviewDesk::new(coordinator.clone(), Arc::clone(&reviews), Arc::clone(&ear), streamed));
        let nudging = coordinator.clone();
        let wake_reviews: Arc<Wake> = Arc::new(move || nudging.nudge(ReviewDispatch::PART));
        reviews.when_one_begins(&wake_reviews);
        coordinator
            .start_leader_pass(ReviewDispatch::new(Arc::clone(&desk)), Cadence::every(ReviewDispatch::PERIOD))
            .await;
        let upkeep = Upkeep::new(Arc::clone(&store), Arc::clone(&clock), settings.retention);
        coordinator.start_leader_pass(upkeep, Cadence::every(UPKEEP_PERIOD)).await;
        coordinator.start_pass(Listen(Arc::clone(&ear)), Cadence::every(LISTEN_PERIOD)).await;
        let judged = Leases::new(coordinator.clone(), Arc::clone(&index), leases.clone(), Arc::clone(&ear));
        coordinator.start_leader_pass(judged, Cadence::every(Leases::period(&settings.policy.timers))).await;
        if let Some(broker) = &broker {
            let (index, ear) = (Arc::clone(&index), Arc::clone(&ear));
            let reaper = StreamReaper::new(coordinator.clone(), Arc::clone(broker), index, leases.clone(), ear);
            let every = Cadence::every(StreamReaper::period(&settings.policy.timers));
            coordinator.start_leader_pass(reaper, every).await;
        }
        let silence = Silence::new(coordinator.clone(), ear);
        coordinator.start_leader_pass(silence, Cadence::every(Silence::period(&settings.policy.timers))).await;
        coordinator.start_leader_pass(MergeGate::new(coordinator.clone()), Cadence::every(GATE_PERIOD)).await;
        coordinator.start_pass(TokenUses::new(Arc::clone(&admission.keyring)), Cadence::every(TOKEN_USES_PERIOD)).await;
        if let Some(warning) = admission.warning() {
            tracing::warn!("{warning}");
        }
        let first_token = (!is_open).then(|| first_token::how(store.is_shared()));
        if let Some(how) = &first_token {
            tracing::warn!("identity is token and no token is valid, so nobody gets in: {how}");
        }

        let dispatch = Arc::new(Dispatch::new(coordinator.clone(), Arc::clone(&index), leases.clone()));
        if terms.streamed {
            let push = Push::new(coordinator.clone(), Arc::clone(&index), Arc::clone(&dispatch));
            coordinator.start_leader_pass(push, Cadence::every(PUSH_PERIOD)).await;
            let woken = coordinator.clone();
            index.on_work(move || woken.nudge(Push::NAME));
        }
        // The system may allow fewer connections than are wanted; then there are fewer readers too.
        let connections = descriptors::room_for(settings.connections);
        let live = LiveFeed::start(Arc::clone(&store), most_readers(settings.live_readers, connections));
        let mut edge = Edge::new(
            coordinator.clone(),
            HandOut { claims: Arc::clone(&dispatch) as _, reviews: desk, queue: dispatch },
            numbers,
            admission,
            live,
            leases,
        );
        edge.names = names;
        edge.channels = broker.as_ref().map(|broker| LinePublisher::start(Arc::clone(broker)));
        edge.dependencies.extend(broker.clone().map(|broker| Arc::new(BrokerDependency::new(broker)) as _));
        let edge = Arc::new(edge);
        let door = Data::new(WebhookDoor {
            secret: settings.webhook_secret.as_ref().and_then(|secret| WebhookSecret::new(secret.expose())),
            inbox: Arc::clone(&store) as Arc<dyn Inbox>,
            reception: Reception::default(),
            clock,
            nudge: Box::new(move || coordinator.nudge(InboxLane::<()>::NAME)),
        });
        let bind = ServerSettings { connections, ..ServerSettings::at(settings.bind) };
        let with_webhook = move |config: &mut ServiceConfig| {
            config.app_data(Data::clone(&door)).configure(webhook::configure);
        };
        let listening = server::listen(Arc::clone(&edge), &bind, with_webhook)
            .map_err(|source| StartError::Listen { address: settings.bind, source })?;
        let address = listening.addresses.first().copied().unwrap_or(settings.bind);
        actix_rt::spawn(listening.serving);
        edge.readiness.enter(Stage::Ready);
        Ok(Self {
            url: format!("http://{address}"),
            first_token,
            edge,
            store,
            broker,
            http: listening.handle,
            _wake_reviews: wake_reviews,
        })
    }

    /// Ends in order: not ready, live readers, requests under way, commands and passes, last heartbeats, the store. What a deadline cuts
    /// off is said in the log, and whether all ended well in the answer.
    pub async fn stop(self) -> bool {
        self.edge.readiness.enter(Stage::Draining);
        // Before HTTP, which would wait for these answers: they have no end of their own.
        self.edge.live.close();
        self.edge.lines.close();
        self.http.stop(true).await;
        let report = self.edge.coordinator.drain(DRAIN).await;
        self.edge.heartbeats.close().await;
        self.edge.leases.close().await;
        if let Err(error) = self.edge.admission.keyring.write_uses().await {
            tracing::warn!(%error, "failed to note which tokens were used: failed to {error}");
        }
        if let Some(broker) = &self.broker {
            broker.close().await;
        }
        self.store.close().await;
        self.edge.coordinator.stop();
        report.is_complete()
    }
}

fn actor_settings(tuning: Tuning) -> ActorSettings {
    let defaults = ActorSettings::default();
    ActorSettings {
        requests: tuning.requests.map_or(defaults.requests, |requests| requests as usize),
        requests_per_stream: tuning
            .requests_per_stream
            .map_or(defaults.requests_per_stream, |requests| requests as usize),
        idle: tuning.idle.unwrap_or(defaults.idle),
        name: format!("{} pid {}", host_name::host_name(), std::process::id()),
        ..defaults
    }
}
