//! The daemon's inside over the store in memory, under paused time: hours of passes in milliseconds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use conductor_actors::{
    Arbiters, Cadence, Coordinator, Counters, LaneSettings, LeaderPass, LeaderProof, Ports, Rejected, Request,
    Settings, StateListener,
};
use conductor_adapters::memory::{MemoryBroker, MemoryStore};
use conductor_adapters::store_time::StoreTime;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::agent::{Agent, AgentCommand, AgentDecider};
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, IssueApproved, Metadata, Priority};
use conductor_core::identity::{AgentId, Claimant, IssueRef, Sha, StreamId};
use conductor_core::issue::{Claim, ClaimVia, Hand, HolderReport, Issue, IssueCommand, IssueDecider, Reported};
use conductor_core::port::{Clock, Store};
use conductor_core::reaction::Destination;
use conductor_core::roster::{GitHubMode, Policy};
use conductor_core::time::Timestamp;
use conductor_http::leases::{LeaseKeeper, LeaseTerms, LiveLeases};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::dispatch::Dispatch;
use super::ear::{Ear, Listen};
use super::entries::EntryDeliverer;
use super::leases::Leases;
use super::push::Push;
use super::teller::StreamTeller;
use super::work_index::WorkIndex;

/// The wall clock: Tokio's time, and what it was set forwards or back by.
pub(super) struct Walls {
    began: Instant,
    jumped_ms: AtomicI64,
}

impl Clock for Walls {
    fn now(&self) -> Timestamp {
        let now = Timestamp::from_millis(1_800_000_000_000).plus(self.began.elapsed());
        Timestamp::from_millis(now.as_millis() + self.jumped_ms.load(Ordering::SeqCst))
    }
}

/// Everything between HTTP and the store.
pub(super) struct Inside {
    pub(super) coordinator: Coordinator,
    pub(super) index: Arc<WorkIndex>,
    pub(super) keeper: LeaseKeeper,
    pub(super) ear: Arc<Ear>,
    /// Where agents are told of work by entries.
    pub(super) broker: Option<Arc<MemoryBroker>>,
    walls: Arc<Walls>,
}

/// Keeps the proof that it was given.
#[derive(Clone, Default)]
struct Elected(Arc<Mutex<Option<LeaderProof>>>);

impl LeaderPass for Elected {
    const NAME: &'static str = "elected";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        *self.0.lock().unwrap() = Some(proof.clone());
        Ok(Counters::default())
    }
}

/// Tells a story inside the `LocalSet` that actors need.
pub(super) async fn inside(policy: Policy, story: impl AsyncFnOnce(Inside)) {
    LocalSet::new().run_until(async { story(Inside::start(policy, None).await).await }).await;
}

/// The same beside a broker, with the lane that brings entries to it.
pub(super) async fn inside_streamed(policy: Policy, story: impl AsyncFnOnce(Inside)) {
    let streamed = async {
        let broker = MemoryBroker::new();
        let rig = Inside::start(policy, Some(Arc::clone(&broker))).await;
        let deliverer = EntryDeliverer::new(rig.coordinator.clone(), broker, rig.keeper.clone());
        let lane = Cadence::every(std::time::Duration::from_secs(1));
        rig.coordinator.start_lane(deliverer, LaneSettings::default(), lane).await;
        rig.coordinator.start_lane(StreamTeller::new(rig.coordinator.clone()), LaneSettings::default(), lane).await;
        story(rig).await;
    };
    LocalSet::new().run_until(streamed).await;
}

impl Inside {
    async fn start(policy: Policy, broker: Option<Arc<MemoryBroker>>) -> Self {
        let walls = Arc::new(Walls { began: Instant::now(), jumped_ms: AtomicI64::new(0) });
        let store: Arc<dyn Store> = MemoryStore::new();
        let time = Arc::new(StoreTime::over(Arc::clone(&walls) as _));
        let ear = Arc::new(Ear::new(Arc::clone(&store), Arc::clone(&time)));
        let index = Arc::new(WorkIndex::new(&policy));
        let terms = LeaseTerms { length: policy.timers.lease, streamed: broker.is_some() };
        let keeper = LeaseKeeper::start(Arc::clone(&store), Arc::clone(&index) as Arc<dyn LiveLeases>, terms);
        let ports = Ports {
            store,
            clock: time,
            entropy: Arc::new(SystemEntropy::new()),
            policy: Arc::new(policy),
            destinations: Ports::inside().into_iter().chain(broker.as_ref().map(|_| Destination::Valkey)).collect(),
            listeners: vec![Arc::clone(&index) as Arc<dyn StateListener>],
        };
        let coordinator = Coordinator::start(ports, Settings::default(), Arbiters::here(2)).await;
        Self { coordinator, index, keeper, ear, broker, walls }
    }

    /// With the passes that end leases.
    pub(super) async fn watched(self) -> Self {
        let every = Cadence::every;
        self.coordinator.start_pass(Listen(Arc::clone(&self.ear)), every(super::start::LISTEN_PERIOD)).await;
        let period = Leases::period(&self.coordinator.policy().timers);
        self.coordinator.start_leader_pass(self.leases(), every(period)).await;
        self
    }

    pub(super) fn leases(&self) -> Leases {
        let (index, keeper) = (Arc::clone(&self.index), self.keeper.clone());
        Leases::new(self.coordinator.clone(), index, keeper, Arc::clone(&self.ear))
    }

    /// With the lane by which streams tell each other.
    pub(super) async fn telling(self) -> Self {
        let lane = Cadence::every(std::time::Duration::from_secs(60));
        self.coordinator.start_lane(StreamTeller::new(self.coordinator.clone()), LaneSettings::default(), lane).await;
        self
    }

    /// With the pass that hands work out.
    pub(super) async fn pushing(self) -> Self {
        let dispatch = Dispatch::new(self.coordinator.clone(), Arc::clone(&self.index), self.keeper.clone());
        let push = Push::new(self.coordinator.clone(), Arc::clone(&self.index), Arc::new(dispatch));
        self.coordinator.start_leader_pass(push, Cadence::every(super::start::PUSH_PERIOD)).await;
        let coordinator = self.coordinator.clone();
        self.index.on_work(move || coordinator.nudge(Push::NAME));
        self
    }

    /// This process is the leader.
    pub(super) async fn elected(&self) -> LeaderProof {
        let elected = Elected::default();
        self.coordinator.start_leader_pass(elected.clone(), Cadence::every(std::time::Duration::from_secs(1))).await;
        loop {
            if let Some(proof) = elected.0.lock().unwrap().clone() {
                return proof;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Somebody sets the clock of this machine.
    pub(super) fn set_the_clock(&self, by_minutes: i64) {
        self.walls.jumped_ms.fetch_add(by_minutes * 60_000, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.coordinator.clock().now()
    }

    pub(super) async fn ask(&self, number: u64, command: IssueCommand) -> Result<Arc<Issue>, Rejected> {
        let request = Request::new(command, Metadata::by(Actor::Daemon("test".to_owned())));
        let stream = StreamId::Issue(issue(number));
        self.coordinator.execute::<IssueDecider>(stream, request).await.map(|answer| answer.state)
    }

    pub(super) async fn tell_agent(&self, agent: &str, command: AgentCommand) -> Arc<Agent> {
        let stream = StreamId::Agent(AgentId::parse(agent).unwrap());
        let request = Request::new(command, Metadata::by(Actor::Daemon("test".to_owned())));
        self.coordinator.execute::<AgentDecider>(stream, request).await.unwrap().state
    }

    pub(super) async fn approve(&self, number: u64) {
        self.approve_as(number, Priority::Normal, None).await;
    }

    pub(super) async fn approve_as(&self, number: u64, priority: Priority, stack: Option<&str>) {
        let approved = IssueApproved {
            title: format!("Issue {number}"),
            url: None,
            body: None,
            priority,
            depends_on: Vec::new(),
            stack: stack.map(str::to_owned),
            escalate: Vec::new(),
            tools: Vec::new(),
            test_command: None,
            build_command: None,
            milestone: None,
            labels: Vec::new(),
            source: "test".to_owned(),
            new_life: false,
            updated_at: None,
        };
        self.ask(number, IssueCommand::Approve { approval: Box::new(approved), hand: Hand::Person }).await.unwrap();
    }

    pub(super) async fn claim(&self, number: u64, agent: &str) {
        let claim = Claim { claimant: Claimant::parse(agent).unwrap(), via: ClaimVia::Pull };
        self.ask(number, IssueCommand::Claim(claim)).await.unwrap();
    }

    pub(super) async fn report(&self, number: u64, agent: &str, what: Reported) -> Result<Arc<Issue>, Rejected> {
        let report = HolderReport { by: Claimant::parse(agent).unwrap(), token: None, what };
        self.ask(number, IssueCommand::Report(report)).await
    }

    /// An issue that an agent works on.
    pub(super) async fn in_progress(&self, number: u64, agent: &str) {
        self.approve(number).await;
        self.claim(number, agent).await;
        self.report(number, agent, Reported::Started { branch: None }).await.unwrap();
    }

    /// An issue that waits for the verdict on its holder's pull request.
    pub(super) async fn in_review(&self, number: u64, agent: &str, pull: u64) {
        self.in_progress(number, agent).await;
        let what = Reported::PullRequest {
            repo: issue(number).repo,
            number: pull,
            url: None,
            branch: None,
            head_sha: Sha::parse("c0ffee"),
        };
        self.report(number, agent, what).await.unwrap();
    }

    /// The types of a pull request's events.
    pub(super) async fn said_of_pull(&self, number: u64) -> Vec<&'static str> {
        let stream = StreamId::PullRequest(issue(number));
        let events = self.coordinator.store().read_stream(&stream, 0, 1_000).await.unwrap();
        events.iter().map(|event| event.event.type_name()).collect()
    }

    pub(super) fn beat(&self, agent: &str) {
        self.keeper.heard(&Claimant::parse(agent).unwrap(), None, self.now());
    }

    pub(super) async fn issue(&self, number: u64) -> Issue {
        let found = self.coordinator.store().load(&StreamId::Issue(issue(number))).await.unwrap();
        match found {
            Some((_, StreamState::Issue(issue))) => *issue,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn state(&self, number: u64) -> &'static str {
        self.issue(number).await.state().unwrap().as_str()
    }

    /// Who holds what, as `agent issue`.
    pub(super) async fn held(&self, numbers: std::ops::RangeInclusive<u64>) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        for number in numbers {
            let lease = self.issue(number).await.lease;
            held.extend(lease.map(|lease| format!("{} {number}", lease.claimant)));
        }
        held
    }
}

pub(super) fn issue(number: u64) -> IssueRef {
    IssueRef::parse(&format!("acme/web#{number}")).unwrap()
}

pub(super) fn policy() -> Policy {
    Policy::built_in(GitHubMode::None)
}
