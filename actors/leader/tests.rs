use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_adapters::memory::MemoryStore;
use conductor_core::port::{Clock, Store};
use conductor_core::time::Timestamp;
use tokio::task::LocalSet;
use tokio::time::{Instant, advance, sleep};

use super::{LeaderPass, LeaderProof, LeaderSettings};
use crate::arbiters::Arbiters;
use crate::board::{ActorReport, Condition};
use crate::coordinator::Coordinator;
use crate::guard::locked;
use crate::periodic::{Cadence, Counters};
use crate::request::{Rejected, Request};
use crate::settings::Settings;
use crate::testing::{Call, Fault, FaultyStore, PausedClock, metadata, quiet_panics, settle};

const SECOND: Duration = Duration::from_secs(1);
const TERM: Duration = Duration::from_secs(60);
/// How long after it asked a leader trusts itself.
const TRUST: Duration = Duration::from_secs(50);

/// The paused clock, which can be set.
struct SetClock {
    paused: PausedClock,
    ahead: AtomicI64,
}

impl SetClock {
    fn set_by(&self, seconds: i64) {
        self.ahead.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.paused.now().as_millis() + self.ahead.load(Ordering::SeqCst))
    }
}

/// What a process's pass did, and what it is to do.
#[derive(Default)]
struct Diary {
    ran: AtomicU32,
    /// Acts, as seconds since the start.
    acted: Mutex<Vec<u64>>,
    /// How long a tick waits before it acts, in seconds.
    waits: AtomicU32,
    proofs: Mutex<Vec<LeaderProof>>,
}

/// Waits, and then acts.
struct Acting(Arc<Diary>, Instant);

impl LeaderPass for Acting {
    const NAME: &'static str = "acting";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let Self(diary, begun) = self;
        diary.ran.fetch_add(1, Ordering::SeqCst);
        locked(&diary.proofs).push(proof.clone());
        sleep(SECOND * diary.waits.load(Ordering::SeqCst)).await;
        locked(&diary.acted).push(begun.elapsed().as_secs());
        Ok(Counters::default().with("acted", 1))
    }
}

/// One process of several on one store.
struct Process {
    coordinator: Coordinator,
    store: Arc<FaultyStore>,
    clock: Arc<SetClock>,
    diary: Arc<Diary>,
}

impl Process {
    async fn start(name: &str, shared: &Arc<dyn Store>) -> Self {
        let store = FaultyStore::new(Arc::clone(shared));
        let clock = Arc::new(SetClock { paused: PausedClock::new(), ahead: AtomicI64::new(0) });
        let ports = crate::testing::ports(Arc::clone(&store) as _, Arc::clone(&clock) as _);
        let leader = LeaderSettings { term: TERM, margin: TERM - TRUST, renewal: 15 * SECOND };
        let settings = Settings { name: name.to_owned(), leader, ..Settings::default() };
        let coordinator = Coordinator::start(ports, settings, Arbiters::here(1)).await;
        let diary = Arc::<Diary>::default();
        let pass = Acting(Arc::clone(&diary), Instant::now());
        coordinator.start_leader_pass(pass, Cadence { deadline: 600 * SECOND, ..Cadence::every(10 * SECOND) }).await;
        settle().await;
        Self { coordinator, store, clock, diary }
    }

    fn report(&self, name: &str) -> ActorReport {
        self.coordinator.board().actor(name).unwrap().clone()
    }

    fn condition(&self) -> Condition {
        self.report("acting").condition
    }

    fn ran(&self) -> u32 {
        self.diary.ran.load(Ordering::SeqCst)
    }

    fn acted(&self) -> Vec<u64> {
        locked(&self.diary.acted).clone()
    }

    fn last_proof(&self) -> LeaderProof {
        locked(&self.diary.proofs).last().unwrap().clone()
    }

    /// From now on its calls of the store end like this.
    fn cut_off(&self, fault: Fault) {
        self.store.script(move |call| (call == Call::Term).then_some(fault));
    }

    fn connect(&self) {
        self.store.script(|_| None);
    }
}

async fn play(story: impl AsyncFnOnce(Arc<dyn Store>)) {
    quiet_panics();
    LocalSet::new().run_until(async { story(MemoryStore::new()).await }).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_one_runs_the_passes_and_the_other_stands_by() {
    play(async |store| {
        let (one, other) = (Process::start("one", &store).await, Process::start("other", &store).await);
        sleep(600 * SECOND).await;
        assert!(one.ran() >= 60, "{}", one.ran());
        assert_eq!((one.condition(), one.report("leader").condition), (Condition::Running, Condition::Running));
        assert_eq!(other.ran(), 0);
        assert_eq!((other.condition(), other.report("leader").condition), (Condition::Standby, Condition::Standby));
        assert!(other.coordinator.board().healthy());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_election_wakes_the_passes() {
    play(async |store| {
        let one = Process::start("one", &store).await;
        assert_eq!(one.ran(), 1, "without waiting for a period to pass");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_cut_off_from_the_store_stops_before_another_begins() {
    for fault in [Fault::DownBefore, Fault::HangBefore] {
        play(async |store| {
            let (one, other) = (Process::start("one", &store).await, Process::start("other", &store).await);
            sleep(100 * SECOND).await;
            let proof = one.last_proof();
            one.cut_off(fault);
            let begun = Instant::now();
            while other.ran() == 0 {
                assert!(begun.elapsed() <= TERM, "the other takes over within the term");
                if begun.elapsed() >= TRUST {
                    assert_eq!((proof.still_holds(), one.condition()), (false, Condition::Standby), "{fault:?}");
                }
                sleep(SECOND / 4).await;
            }
            let ran = one.ran();
            one.connect();
            sleep(100 * SECOND).await;
            assert_eq!((one.ran(), one.condition()), (ran, Condition::Standby), "{fault:?}: the other leads");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_gets_no_answers_does_not_act_though_nobody_else_can_be_elected() {
    play(async |store| {
        let (one, other) = (Process::start("one", &store).await, Process::start("other", &store).await);
        one.cut_off(Fault::DownAfter);
        sleep(TRUST).await;
        let ran = one.ran();
        sleep(5 * TERM).await;
        assert_eq!((one.ran(), other.ran()), (ran, 0));
        one.connect();
        sleep(20 * SECOND).await;
        assert!(one.ran() > ran);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_leader_does_nothing_with_its_old_proof() {
    play(async |store| {
        let one = Process::start("one", &store).await;
        one.diary.waits.store(30, Ordering::SeqCst);
        sleep(15 * SECOND).await;
        assert_eq!((one.acted(), one.ran()), (vec![0], 2), "a tick is under way");
        // Frozen for an hour: no timer fires, nobody is polled. Meanwhile another is elected, before it can ask again.
        one.cut_off(Fault::Slow);
        advance(3600 * SECOND).await;
        store.take_term("somebody else", TERM).await.unwrap();
        let proof = one.last_proof();
        assert!(!proof.still_holds(), "by its own clock, before it asks anybody");
        settle().await;
        assert_eq!(one.acted(), [0], "cut off at its await");
        assert_eq!(one.condition(), Condition::Standby);
        sleep(70 * SECOND).await;
        assert!(one.ran() > 2, "nobody renewed the other's term, so a new one was begun");
        assert!(!proof.still_holds(), "a proof is of one term");
        assert!(one.last_proof().still_holds());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_does_not_lengthen_trust() {
    play(async |store| {
        let one = Process::start("one", &store).await;
        sleep(SECOND).await;
        let first = one.last_proof();
        // The renewal at 15 s is answered at 16 s, and then no other one is.
        let mut answers = 0;
        one.store.script(move |call| {
            let renewal = call == Call::Term;
            answers += u32::from(renewal);
            renewal.then_some(if answers == 1 { Fault::Slow } else { Fault::DownBefore })
        });
        sleep(14 * SECOND + TRUST - SECOND / 2).await;
        assert!(first.still_holds());
        sleep(SECOND).await;
        assert!(!first.still_holds(), "measured from 15 s, when it was asked");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_makes_no_second_leader() {
    play(async |store| {
        let (one, other) = (Process::start("one", &store).await, Process::start("other", &store).await);
        sleep(SECOND).await;
        one.clock.set_by(-3600);
        other.clock.set_by(3600);
        sleep(100 * SECOND).await;
        assert!(one.last_proof().still_holds());
        assert_eq!(other.ran(), 0);
        // Forwards it may be that the machine slept: distrusted until the store says otherwise.
        one.clock.set_by(7200);
        assert!(!one.last_proof().still_holds());
        sleep(20 * SECOND).await;
        assert!(one.last_proof().still_holds());
        assert_eq!(other.ran(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_hands_over_at_once() {
    play(async |store| {
        let (one, other) = (Process::start("one", &store).await, Process::start("other", &store).await);
        sleep(SECOND).await;
        let proof = one.last_proof();
        assert!(one.coordinator.drain(60 * SECOND).await.is_complete());
        assert!(!proof.still_holds());
        sleep(15 * SECOND).await;
        assert!(other.ran() > 0, "at its next candidacy, long before the term's end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_timer_needs_a_proof_that_holds() {
    use conductor_core::issue::{IssueCommand, IssueDecider};
    play(async |store| {
        let one = Process::start("one", &store).await;
        let proof = one.last_proof();
        let ask = async || {
            let command = IssueCommand::Unassign { agent: None, reason: "silent".to_owned() };
            let request = Request::new(command, metadata());
            one.coordinator.execute_as_leader::<IssueDecider>(&proof, crate::testing::issue(1), request).await
        };
        assert!(matches!(ask().await, Err(Rejected::Refused(_))), "decided");
        one.cut_off(Fault::DownBefore);
        sleep(TRUST).await;
        assert_eq!(ask().await.unwrap_err(), Rejected::NotLeader);
    })
    .await;
}
