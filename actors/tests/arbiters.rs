//! The coordinator as the daemon runs it: real deciders, threads of their own for actors, one shared runtime.

#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test is for")]

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_actors::{
    ActorKind, Answer, Arbiters, Cadence, Condition, Coordinator, Counters, Pass, Ports, Rejected, Request, Settings,
    StateListener, run_system,
};
use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::agent::{Agent, AgentCommand, AgentDecider};
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, AgentEvent, GuardBlocked, Metadata, MilestoneComplete, RigEvent};
use conductor_core::identity::{AgentId, StreamId};
use conductor_core::port::{EventStore, LogFilter};
use conductor_core::rig::{RigCommand, RigDecider};
use conductor_core::roster::{GitHubMode, Policy};

fn agent(name: &str) -> StreamId {
    StreamId::Agent(AgentId::parse(name).unwrap())
}

fn metadata() -> Metadata {
    Metadata::by(Actor::Operator("local".to_owned()))
}

async fn report(coordinator: &Coordinator, name: &str, command: &str) -> Result<Answer<Agent>, Rejected> {
    let blocked = GuardBlocked { command: command.to_owned(), issue: None };
    let command = AgentCommand::Report(Box::new(AgentEvent::from(blocked)));
    coordinator.execute::<AgentDecider>(agent(name), Request::new(command, metadata())).await
}

/// Runs a story on a coordinator with two shards, each on a thread of its own.
fn on_arbiters(
    settings: Settings,
    listeners: Vec<Arc<dyn StateListener>>,
    story: impl AsyncFnOnce(Coordinator, Arc<MemoryStore>),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    run_system(&runtime, async {
        let store = MemoryStore::new();
        let ports = Ports {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::new()),
            policy: Arc::new(Policy::built_in(GitHubMode::None)),
            destinations: Ports::inside(),
            listeners,
        };
        let coordinator = Coordinator::start(ports, settings, Arbiters::start(&runtime, 2)).await;
        story(coordinator.clone(), store).await;
        coordinator.stop();
    });
}

#[test]
fn requests_from_many_threads_are_answered_each_by_its_own_stream() {
    on_arbiters(Settings::default(), Vec::new(), async |coordinator, store| {
        let callers: Vec<_> = (0..16)
            .map(|caller| {
                let coordinator = coordinator.clone();
                // `tokio::spawn`: callers live on the workers of the shared runtime, as HTTP requests do.
                tokio::spawn(async move {
                    for number in 0..100 {
                        let name = format!("dev-e-{}", (caller + number) % 10);
                        let answer = report(&coordinator, &name, &format!("{caller}/{number}")).await.unwrap();
                        assert_eq!((answer.stream, answer.receipt.is_some()), (agent(&name), true));
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let mut versions = 0;
        for number in 0..10 {
            let log = store.read_stream(&agent(&format!("dev-e-{number}")), 0, 1000).await.unwrap();
            assert!(log.iter().map(|recorded| recorded.version).eq(1..=log.len() as u64));
            versions += log.len();
        }
        assert_eq!(versions, 1600);
        let complete = MilestoneComplete { milestone: "1.0".to_owned(), repo: None, issue_count: 3 };
        let request = Request::new(RigCommand::Record(Box::new(RigEvent::from(complete))), metadata());
        coordinator.execute::<RigDecider>(StreamId::Rig, request).await.unwrap();
        assert!(coordinator.board().healthy());
        let handled: u64 = coordinator.board().actors.iter().map(|actor| actor.handled).sum();
        assert_eq!(handled, 1601);
    });
}

/// Reports something each time it runs, as a reconciler would.
struct Reconciler(Coordinator);

impl Pass for Reconciler {
    const NAME: &'static str = "reconciler";

    async fn run(&self) -> Result<Counters, String> {
        match report(&self.0, "dev-e-0", "reconciled").await {
            Ok(_) => Ok(Counters::default().with("reconciled", 1).and_more()),
            Err(Rejected::Draining) => Ok(Counters::default()),
            Err(other) => Err(other.to_string()),
        }
    }
}

#[test]
fn a_drain_refuses_what_is_new_and_finishes_what_was_admitted() {
    on_arbiters(Settings::default(), Vec::new(), async |coordinator, store| {
        let pass = Reconciler(coordinator.clone());
        coordinator.start_pass(pass, Cadence::every(Duration::from_secs(3600))).await;
        coordinator.nudge(Reconciler::NAME);
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..64 {
            let coordinator = coordinator.clone();
            callers.spawn(async move {
                let mut answered = 0_usize;
                loop {
                    match report(&coordinator, &format!("dev-e-{}", caller % 5), "rm -rf").await {
                        Ok(_) => answered += 1,
                        Err(Rejected::Draining) => return answered,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        store.wait_past(500).await.unwrap();
        while store.head().await.unwrap() < 500 {
            tokio::task::yield_now().await;
        }
        let drained = coordinator.drain(Duration::from_secs(60)).await;
        assert!(drained.is_complete(), "{drained}");
        let answered: usize = callers.join_all().await.into_iter().sum();
        let log = store.read_log(0, 1_000_000, &LogFilter::default()).await.unwrap();
        let board = coordinator.board();
        let pass = board.actor(Reconciler::NAME).unwrap();
        assert_eq!((pass.condition, pass.last_error.as_ref()), (Condition::Stopped, None));
        let ActorKind::Pass(passed) = &pass.kind else { panic!("{pass:?}") };
        let answered = answered + usize::try_from(passed.totals["reconciled"]).unwrap();
        assert_eq!(log.len(), answered, "all that is in the log was answered, and nothing else");
    });
}

/// Holds the thread of whoever tells it something, until it is let go.
struct Blocker {
    reached: SyncSender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl StateListener for Blocker {
    fn changed(&self, _: &StreamId, _: u64, _: &StreamState) {
        self.reached.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
    }
}

#[test]
fn the_board_answers_while_an_actor_blocks_its_thread() {
    let (reached, is_reached) = sync_channel(1);
    let (go_on, may_go_on) = sync_channel(1);
    let blocker = Arc::new(Blocker { reached, go_on: Mutex::new(may_go_on) });
    let settings = Settings { frozen_after: Duration::from_millis(20), ..Settings::default() };
    on_arbiters(settings, vec![blocker], async |coordinator, _| {
        let caller = coordinator.clone();
        let asked = tokio::spawn(async move { report(&caller, "dev-e-node", "rm -rf").await });
        tokio::task::spawn_blocking(move || is_reached.recv().unwrap()).await.unwrap();
        let frozen = loop {
            let board = coordinator.board();
            if let Some(stream) = board.actor("agent/agent:dev-e-node") {
                break stream.condition;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(frozen, Condition::Frozen);
        assert!(!coordinator.board().healthy());
        go_on.send(()).unwrap();
        asked.await.unwrap().unwrap();
    });
}
