use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_core::port::Clock;
use conductor_core::time::Timestamp;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::{Cadence, Counters, Pass, Passes};
use crate::arbiters::Place;
use crate::backoff::BackoffSettings;
use crate::board::{ActorKind, ActorReport, Board, Condition, PassReport, RestartCounts};
use crate::guard::locked;
use crate::settings::Settings;
use crate::testing::{PausedClock, quiet_panics, settle};

const SECOND: Duration = Duration::from_secs(1);

/// Notes when it ran and does as it is told.
#[derive(Default)]
struct Probe {
    ran: Mutex<Vec<Duration>>,
    begun: Mutex<Option<Instant>>,
    /// How long a tick takes, in milliseconds.
    takes: AtomicU64,
    /// Ticks that fail, panic, or find more than they should do at once.
    errors: AtomicU32,
    panics: AtomicU32,
    more: AtomicU32,
}

impl Probe {
    fn new() -> Arc<Self> {
        Arc::new(Self { begun: Mutex::new(Some(Instant::now())), ..Self::default() })
    }

    /// When ticks began, in whole milliseconds since the start.
    fn ran(&self) -> Vec<u128> {
        locked(&self.ran).iter().map(Duration::as_millis).collect()
    }
}

struct Probing(Arc<Probe>);

impl Pass for Probing {
    const NAME: &'static str = "probe";

    async fn run(&self) -> Result<Counters, String> {
        let one_less = |count: &AtomicU32| {
            count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        };
        let begun = locked(&self.0.begun).unwrap();
        locked(&self.0.ran).push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(self.0.takes.load(Ordering::SeqCst))).await;
        assert!(!one_less(&self.0.panics), "as scripted, in a pass");
        if one_less(&self.0.errors) {
            return Err("the store is away".to_owned());
        }
        let counters = Counters::default().with("found", 2);
        Ok(if one_less(&self.0.more) { counters.and_more() } else { counters })
    }
}

struct Desk {
    passes: Passes,
    board: Board,
    clock: PausedClock,
}

impl Desk {
    fn report(&self) -> (ActorReport, PassReport) {
        let report = self.board.snapshot(self.clock.now()).actors.remove(0);
        let ActorKind::Pass(pass) = report.kind.clone() else { panic!("{report:?}") };
        (report, pass)
    }
}

fn cadence() -> Cadence {
    Cadence {
        period: 10 * SECOND,
        deadline: 60 * SECOND,
        backoff: BackoffSettings { first: 8 * SECOND, cap: 40 * SECOND, calm: 300 * SECOND },
    }
}

async fn probe(story: impl AsyncFnOnce(Arc<Probe>, Desk)) {
    quiet_panics();
    let run = async {
        let (probe, desk) =
            (Probe::new(), Desk { passes: Passes::default(), board: Board::default(), clock: PausedClock::new() });
        let pass = Probing(Arc::clone(&probe));
        desk.passes.start(pass, cadence(), &Place::Here, &Settings::default(), &desk.board).await;
        settle().await;
        story(probe, desk).await;
    };
    LocalSet::new().run_until(run).await;
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(PausedClock::BEGIN + seconds * 1000)
}

#[tokio::test(start_paused = true)]
async fn a_pass_runs_at_once_and_then_every_period_after_its_end() {
    probe(async |probe, desk| {
        probe.takes.store(3000, Ordering::SeqCst);
        tokio::time::sleep(30 * SECOND).await;
        assert_eq!(probe.ran(), [0, 10_000, 23_000], "ten seconds from the end of one to the next");
        let (report, pass) = desk.report();
        assert_eq!((report.condition, report.handled), (Condition::Running, 3));
        assert_eq!((pass.last_pass, pass.next_pass), (Some(at(26)), Some(at(36))));
        assert_eq!((pass.counters.get("found"), pass.totals["found"]), (2, 6));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_freeze_there_is_one_tick_and_no_burst() {
    probe(async |probe, _| {
        // The thread stands still for an hour: nobody is polled, and then all timers are due.
        tokio::time::advance(3600 * SECOND).await;
        settle().await;
        assert_eq!(probe.ran(), [0, 3_600_000]);
        tokio::time::sleep(15 * SECOND).await;
        assert_eq!(probe.ran(), [0, 3_600_000, 3_610_000]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_nudge_wakes_it_and_many_amount_to_one() {
    probe(async |probe, desk| {
        tokio::time::advance(4 * SECOND).await;
        for _ in 0..1000 {
            desk.passes.nudge("probe");
        }
        desk.passes.nudge("somebody else");
        settle().await;
        assert_eq!(probe.ran(), [0, 4000]);
        tokio::time::sleep(12 * SECOND).await;
        assert_eq!(probe.ran(), [0, 4000, 14_000], "the period begins anew");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nudges_during_a_tick_amount_to_one_tick_after_it() {
    probe(async |probe, desk| {
        probe.takes.store(2000, Ordering::SeqCst);
        desk.passes.nudge("probe");
        settle().await;
        for _ in 0..5 {
            desk.passes.nudge("probe");
            tokio::time::advance(Duration::from_millis(100)).await;
            settle().await;
        }
        probe.takes.store(0, Ordering::SeqCst);
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!(probe.ran(), [0, 0, 2000]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_with_more_to_do_goes_on_at_once() {
    probe(async |probe, desk| {
        probe.more.store(3, Ordering::SeqCst);
        desk.passes.nudge("probe");
        tokio::time::sleep(SECOND).await;
        let ran = probe.ran();
        assert_eq!(ran.len(), 5, "{ran:?}");
        assert!(ran.iter().all(|at| *at < 100), "{ran:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_rest_longer_each_time_and_nudges_do_not_shorten_that() {
    probe(async |probe, desk| {
        probe.errors.store(4, Ordering::SeqCst);
        for _ in 0..220 {
            desk.passes.nudge("probe");
            tokio::time::sleep(SECOND / 2).await;
        }
        // Rests of 8 s (the period is 10 s), 16 s, 32 s, and 40 s instead of 64 s.
        let mut ran = probe.ran();
        ran.truncate(6);
        assert_eq!(ran, [0, 0, 8000, 24_000, 56_000, 96_000]);
        let (report, _) = desk.report();
        assert_eq!(report.restarts, RestartCounts { error: 4, ..RestartCounts::default() });
        assert_eq!(report.last_error.unwrap().text, "the store is away");
        assert_eq!(report.condition, Condition::Running, "it is well again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_hang_cost_a_tick_and_not_the_pass() {
    probe(async |probe, desk| {
        probe.panics.store(1, Ordering::SeqCst);
        desk.passes.nudge("probe");
        settle().await;
        let (report, pass) = desk.report();
        assert_eq!(report.restarts.panic, 1);
        assert_eq!((report.condition, pass.next_pass), (Condition::Resting { until: at(8) }, Some(at(8))));
        assert_eq!(report.last_error.unwrap().text, "probe panicked: as scripted, in a pass");
        probe.takes.store(100_000, Ordering::SeqCst);
        tokio::time::sleep(69 * SECOND).await;
        let (report, _) = desk.report();
        assert_eq!((report.restarts.frozen, report.in_flight), (1, 0), "cut off at its deadline");
        probe.takes.store(0, Ordering::SeqCst);
        tokio::time::sleep(20 * SECOND).await;
        let (report, _) = desk.report();
        assert!(report.condition.is_healthy(), "{report:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_is_refused_because_the_process_ends_has_not_failed() {
    probe(async |probe, desk| {
        probe.takes.store(3000, Ordering::SeqCst);
        desk.passes.nudge("probe");
        settle().await;
        probe.errors.store(2, Ordering::SeqCst);
        desk.passes.expect_the_end();
        desk.passes.stop().await;
        tokio::time::sleep(100 * SECOND).await;
        let (report, pass) = desk.report();
        assert_eq!((report.last_error, report.restarts.error), (None, 0));
        assert_eq!((probe.ran(), pass.next_pass), (vec![0, 0], None), "and it is not tried again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_the_tick_under_way() {
    probe(async |probe, desk| {
        probe.takes.store(5000, Ordering::SeqCst);
        desk.passes.nudge("probe");
        settle().await;
        assert_eq!(desk.passes.not_stopped(), ["probe"]);
        let begun = Instant::now();
        desk.passes.stop().await;
        assert_eq!(begun.elapsed().as_millis(), 5000);
        assert_eq!(desk.passes.not_stopped(), Vec::<&str>::new());
        let ran = probe.ran().len();
        desk.passes.nudge("probe");
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!(probe.ran().len(), ran);
        assert_eq!(desk.report().0.condition, Condition::Stopped);
        desk.passes.stop().await;
    })
    .await;
}
