use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_core::event::{IssueEvent, OwnIssueEvent};
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{Delivery, PendingDelivery, PendingEffect, PortFuture, Received};
use conductor_core::reaction::{Destination, Effect, Told};

use super::{Closed, Deliver, InboxLane, Interpreter, LaneSettings, OutboxLane, Setback, lane};
use crate::arbiters::{Arbiters, Place};
use crate::backoff::BackoffSettings;
use crate::board::{ActorKind, Condition, PassReport};
use crate::coordinator::Coordinator;
use crate::guard::locked;
use crate::periodic::{Cadence, Pass};
use crate::ports::Ports;
use crate::request::Request;
use crate::ring::{Circumstances, Ring};
use crate::settings::Settings;
use crate::testing::{Call, Count, Counter, Fault, Stage, issue, metadata, play};

const SECOND: Duration = Duration::from_secs(1);

/// Hears what is told or delivered, in order, and fails as scripted per key.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<(String, String)>>,
    setbacks: Mutex<BTreeMap<String, VecDeque<Setback>>>,
    /// What no longer holds.
    obsolete: Mutex<BTreeSet<String>>,
    /// Whom it was told about that it is given up.
    given_up: Mutex<Vec<String>>,
    /// Why that can't be heard.
    hears_no_end: Mutex<VecDeque<Setback>>,
    /// Whether nothing can be heard at all.
    away: AtomicBool,
    /// How often somebody tried meanwhile.
    tried: AtomicU32,
}

impl Ear {
    fn fail(&self, key: &str, setbacks: impl IntoIterator<Item = Setback>) {
        locked(&self.setbacks).insert(key.to_owned(), setbacks.into_iter().collect());
    }

    fn hear(&self, key: String, what: String) -> Result<(), Setback> {
        if self.away.load(Ordering::SeqCst) {
            self.tried.fetch_add(1, Ordering::SeqCst);
            return Err(Setback::Away("nobody there".to_owned()));
        }
        if let Some(setback) = locked(&self.setbacks).get_mut(&key).and_then(VecDeque::pop_front) {
            return Err(setback);
        }
        locked(&self.heard).push((key, what));
        Ok(())
    }

    /// What was heard under a key.
    fn of(&self, key: &str) -> Vec<String> {
        locked(&self.heard).iter().filter(|(heard, _)| heard == key).map(|(_, what)| what.clone()).collect()
    }
}

/// What a pull request is told.
fn told(effect: &PendingEffect) -> (StreamId, String) {
    let Effect::Tell(tell) = &effect.effect else { panic!("{effect:?}") };
    let Told::Issue { pull_request, event, .. } = tell.read().unwrap() else { panic!("{tell:?}") };
    let IssueEvent::Own(OwnIssueEvent::Edited(edited)) = *event else { panic!("{event:?}") };
    (pull_request, edited.labels.unwrap().join(" "))
}

/// Delivers to an ear, which tells by key what no longer holds.
struct Telling(Arc<Ear>);

impl Deliver for Telling {
    const DESTINATION: Destination = Destination::Internal;

    async fn obsolete(&self, effect: &PendingEffect) -> Result<Option<String>, Setback> {
        let (pull_request, what) = told(effect);
        Ok(locked(&self.0.obsolete).contains(&what).then(|| format!("{pull_request} is merged")))
    }

    async fn given_up(&self, effect: &PendingEffect) -> Result<(), Setback> {
        let (pull_request, what) = told(effect);
        locked(&self.0.given_up).push(format!("{pull_request} {what}"));
        locked(&self.0.hears_no_end).pop_front().map_or(Ok(()), Err)
    }

    async fn deliver(&self, effect: &PendingEffect) -> Result<Closed, Setback> {
        let (pull_request, what) = told(effect);
        self.0.hear(pull_request.to_string(), what).map(|()| Closed::Delivered)
    }
}

impl Interpreter for Ear {
    fn work<'a>(&'a self, delivery: &'a PendingDelivery) -> PortFuture<'a, Result<String, Setback>> {
        Box::pin(async move {
            let Delivery { id, ordering_key, .. } = &delivery.delivery;
            self.hear(ordering_key.clone(), id.clone()).map(|()| "1 command".to_owned())
        })
    }
}

fn settings() -> LaneSettings {
    LaneSettings {
        tries: 3,
        retry: BackoffSettings { first: 4 * SECOND, cap: 60 * SECOND, calm: Duration::ZERO },
        ..LaneSettings::default()
    }
}

fn pull(number: u64) -> StreamId {
    StreamId::PullRequest(IssueRef::parse(&format!("acme/web#{number}")).unwrap())
}

fn no() -> Setback {
    Setback::Failed("no".to_owned())
}

/// Four events for pull request 57 and two for 58, told in turns.
async fn tell_six(stage: &Stage) {
    for (mark, target) in [("a", 57), ("b", 57), ("x", 58), ("c", 57), ("y", 58), ("d", 57)] {
        stage.ask(&issue(1), Count::Tell(mark.to_owned(), pull(target))).await.unwrap();
    }
}

async fn start<P: Pass>(stage: &Stage, pass: P) {
    let cadence = Cadence { period: SECOND, ..Cadence::every(SECOND) };
    stage.with.passes.start(pass, cadence, &Place::Here, &stage.with.settings, &stage.with.board).await;
}

fn report(stage: &Stage) -> PassReport {
    let board = stage.board();
    let mut reports = board.actors.into_iter().filter_map(|actor| match actor.kind {
        ActorKind::Pass(report) => Some(report),
        ActorKind::Shard { .. } | ActorKind::Stream => None,
    });
    reports.next_back().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_told_arrives_once_and_in_order_per_target() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tell_six(&stage).await;
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!((ear.of("acme/web#57"), ear.of("acme/web#58")), (list("a b c d"), list("x y")));
        assert_eq!(report(&stage).totals["delivered"], 6);
        assert_eq!(stage.with.ports.store.outbox_depth().await.unwrap(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_append_with_effects_nudges_the_lane() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        let lane = OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings());
        let cadence = Cadence::every(3600 * SECOND);
        stage.with.passes.start(lane, cadence, &Place::Here, &Settings::default(), &stage.with.board).await;
        crate::testing::settle().await;
        tell_six(&stage).await;
        crate::testing::settle().await;
        assert_eq!(ear.of("acme/web#57"), list("a b c d"), "without waiting for the hour to pass");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_later_and_holds_back_its_key_only() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.fail("acme/web#57", [no(), no()]);
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(SECOND).await;
        assert_eq!((ear.of("acme/web#57"), ear.of("acme/web#58")), (list(""), list("x y")));
        // The first rest is 2 to 4 s, the second one 4 to 8 s, and a tick comes each second.
        tokio::time::sleep(3 * SECOND / 2).await;
        assert_eq!(report(&stage).totals["failed"], 1, "not before its time");
        tokio::time::sleep(12 * SECOND).await;
        assert_eq!(ear.of("acme/web#57"), list("a b c d"), "order holds through retries");
        assert_eq!((report(&stage).totals["failed"], report(&stage).totals.get("dead")), (2, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_its_last_try_an_effect_is_a_dead_letter_and_its_key_is_free() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.fail("acme/web#57", [no(), no(), no()]);
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(30 * SECOND).await;
        assert_eq!(ear.of("acme/web#57"), list("b c d"));
        let totals = report(&stage).totals;
        assert_eq!((totals["failed"], totals["dead"], totals["delivered"]), (2, 1, 5), "seen on the board");
        let depth = stage.with.ports.store.outbox_depth().await.unwrap()[0];
        assert_eq!((depth.pending, depth.dead), (0, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_counts_on_an_effect_hears_that_it_is_given_up_before_it_is() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.fail("acme/web#58", (0..4).map(|_| no()));
        locked(&ear.hears_no_end).push_back(Setback::NotNow("full".to_owned()));
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(20 * SECOND).await;
        assert_eq!(*locked(&ear.given_up), ["acme/web#58 x"], "after three tries");
        let depth = async || stage.with.ports.store.outbox_depth().await.unwrap();
        assert_eq!((depth().await[0].pending, depth().await[0].dead), (2, 0), "nobody heard it, so it is tried again");
        tokio::time::sleep(61 * SECOND).await;
        assert_eq!(*locked(&ear.given_up), ["acme/web#58 x", "acme/web#58 x"]);
        assert_eq!((depth().await[0].pending, depth().await[0].dead), (0, 1));
        assert_eq!(ear.of("acme/web#58"), list("y"), "its key is free");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_begun_costs_no_try() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.fail("acme/web#57", (0..20).map(|_| Setback::NotNow("full".to_owned())));
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(25 * SECOND).await;
        assert_eq!(ear.of("acme/web#57"), list("a b c d"));
        let totals = report(&stage).totals;
        assert_eq!((totals["postponed"], totals.get("failed"), totals["delivered"]), (20, None, 6));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_never_drops_and_makes_no_dead_letters() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.away.store(true, Ordering::SeqCst);
        tell_six(&stage).await;
        let begun = stage.with.ports.clock.now();
        let lane_of = OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings());
        start(&stage, lane_of).await;
        tokio::time::sleep(3600 * SECOND).await;
        let tried = ear.tried.load(Ordering::SeqCst);
        assert!((100..300).contains(&tried), "it rests between tries, and tries one item of six: {tried}");
        let depth = stage.with.ports.store.outbox_depth().await.unwrap()[0];
        assert_eq!((depth.pending, depth.dead, depth.oldest), (6, 0, Some(begun)), "depth and age show it");
        let board = stage.board();
        let report = board.actor(lane(Destination::Internal)).unwrap();
        assert!(matches!(report.condition, Condition::Resting { .. }), "{report:?}");
        assert_eq!(report.last_error.as_ref().unwrap().text, "reach the other side: nobody there");
        ear.away.store(false, Ordering::SeqCst);
        tokio::time::sleep(31 * SECOND).await;
        assert_eq!((ear.of("acme/web#57"), ear.of("acme/web#58")), (list("a b c d"), list("x y")));
        assert!(stage.board().healthy());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_no_longer_holds_is_closed_without_being_delivered() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        *locked(&ear.obsolete) = ["b", "x"].map(str::to_owned).into();
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(SECOND).await;
        assert_eq!((ear.of("acme/web#57"), ear.of("acme/web#58")), (list("a c d"), list("y")));
        let totals = report(&stage).totals;
        assert_eq!((totals["delivered"], totals["obsolete"]), (4, 2));
        assert_eq!(stage.with.ports.store.outbox_depth().await.unwrap(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_for_a_destination_that_is_not_configured_leaves_no_row() {
    play(Settings::default(), async |stage| {
        let nowhere = Ports { destinations: BTreeSet::new(), ..stage.with.ports.clone() };
        let with = Circumstances::new(nowhere, Settings::default());
        let ring = Ring::<Counter>::start(Arbiters::here(1).shards(), &with.gate, &with).await;
        let tell = Request::new(Count::Tell("a".to_owned(), pull(57)), metadata());
        ring.execute(issue(1), tell).await.unwrap();
        assert_eq!(stage.with.ports.store.outbox_depth().await.unwrap(), []);
        assert_eq!(stage.log().await.len(), 1, "what happened is on record all the same");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_of_the_leader_delivers_nothing_once_its_term_is_over() {
    /// Is asked whether it holds, and takes longer for it than the term lasts.
    struct Pondering(Arc<Ear>);
    impl Deliver for Pondering {
        const DESTINATION: Destination = Destination::Internal;

        async fn obsolete(&self, _: &PendingEffect) -> Result<Option<String>, Setback> {
            self.0.tried.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(10 * SECOND).await;
            Ok(None)
        }

        async fn deliver(&self, effect: &PendingEffect) -> Result<Closed, Setback> {
            self.0.hear(String::new(), told(effect).1).map(|()| Closed::Delivered)
        }
    }
    play(Settings::default(), async |stage| {
        tell_six(&stage).await;
        let ear = Arc::new(Ear::default());
        let coordinator = Coordinator::start(stage.with.ports.clone(), Settings::default(), Arbiters::here(1)).await;
        let lane = OutboxLane::new(stage.with.ports.clone(), Pondering(Arc::clone(&ear)), settings());
        coordinator.start_leader_pass(lane, Cadence::every(SECOND)).await;
        tokio::time::sleep(SECOND).await;
        assert_eq!(ear.tried.load(Ordering::SeqCst), 2, "one of each key");
        stage.store.script(|call| (call == Call::Term).then_some(Fault::DownBefore));
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!(ear.of(""), list(""), "its term was over by then");
        stage.store.script(|_| None);
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!(ear.of("").len(), 6);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_repeats_deliveries_and_loses_none() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        tell_six(&stage).await;
        stage.store.fail(Call::Delivered, [Fault::DownBefore, Fault::PanicAfter]);
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings())).await;
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(ear.of("acme/web#58"), list("x y x y"), "told again, and noted the second time");
        let board = stage.board();
        let report = board.actor(lane(Destination::Internal)).unwrap();
        assert_eq!((report.restarts.error, report.restarts.panic), (2, 0), "a guarded call is an error of the pass");
        assert!(board.healthy());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panicking_or_hanging_receiver_is_a_failed_try() {
    struct Deaf;
    impl Deliver for Deaf {
        const DESTINATION: Destination = Destination::Internal;

        async fn obsolete(&self, _: &PendingEffect) -> Result<Option<String>, Setback> {
            Ok(None)
        }

        async fn deliver(&self, effect: &PendingEffect) -> Result<Closed, Setback> {
            assert_ne!(told(effect).0, pull(57), "as scripted");
            std::future::pending().await
        }
    }
    play(Settings::default(), async |stage| {
        tell_six(&stage).await;
        start(&stage, OutboxLane::new(stage.with.ports.clone(), Deaf, settings())).await;
        tokio::time::sleep(21 * SECOND).await;
        assert_eq!(report(&stage).totals["failed"], 2, "one of each key");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_worked_off_in_order_per_key_with_retries_and_a_dead_letter() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        ear.fail("acme/web#1", [no(), no(), no()]);
        for (id, key) in [("a", "acme/web#1"), ("b", "acme/web#1"), ("x", "acme/web#2"), ("y", "acme/web#2")] {
            let delivery = Delivery {
                id: id.to_owned(),
                event: "issues".to_owned(),
                ordering_key: key.to_owned(),
                body: "{}".to_owned(),
                received_at: stage.with.ports.clock.now(),
                ignored: None,
            };
            assert_eq!(stage.with.ports.store.receive(delivery).await, Ok(Received::Accepted));
        }
        start(&stage, InboxLane::new(stage.with.ports.clone(), Arc::clone(&ear), settings())).await;
        tokio::time::sleep(SECOND).await;
        assert_eq!((ear.of("acme/web#1"), ear.of("acme/web#2")), (list(""), list("x y")));
        tokio::time::sleep(30 * SECOND).await;
        assert_eq!(ear.of("acme/web#1"), list("b"));
        let depth = stage.with.ports.store.inbox_depth().await.unwrap();
        assert_eq!((depth.waiting, depth.dead), (0, 1));
        assert_eq!(report(&stage).totals["worked"], 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_backlog_is_worked_off_in_bounded_batches() {
    play(Settings::default(), async |stage| {
        let ear = Arc::new(Ear::default());
        for number in 0..50 {
            stage.ask(&issue(1), Count::Tell(number.to_string(), pull(57))).await.unwrap();
        }
        let settings = LaneSettings { batch: 4, ..settings() };
        let lane = OutboxLane::new(stage.with.ports.clone(), Telling(Arc::clone(&ear)), settings);
        let counters = Pass::run(&lane).await.unwrap();
        assert_eq!((counters.get("delivered"), counters.has_more()), (50, false), "one tick, batch by batch");
        assert_eq!(ear.of("acme/web#57"), (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_spends_no_more_than_its_budget() {
    struct Slow;
    impl Deliver for Slow {
        const DESTINATION: Destination = Destination::Internal;

        async fn obsolete(&self, _: &PendingEffect) -> Result<Option<String>, Setback> {
            Ok(None)
        }

        async fn deliver(&self, _: &PendingEffect) -> Result<Closed, Setback> {
            tokio::time::sleep(4 * SECOND).await;
            Ok(Closed::Delivered)
        }
    }
    play(Settings::default(), async |stage| {
        for number in 0..8 {
            stage.ask(&issue(1), Count::Tell(number.to_string(), pull(57))).await.unwrap();
        }
        let lane = OutboxLane::new(stage.with.ports.clone(), Slow, settings());
        let counters = Pass::run(&lane).await.unwrap();
        assert_eq!((counters.get("delivered"), counters.has_more()), (3, true), "nothing begins after ten seconds");
    })
    .await;
}

fn list(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}
