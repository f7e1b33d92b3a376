use std::sync::Arc;
use std::time::Duration;

use actix::{Handler, Message};

use super::{Life, Shard};
use crate::board::{ActorKind, Condition, RestartCounts};
use crate::drain::drained_within;
use crate::request::Rejected;
use crate::settings::Settings;
use crate::stream::StreamActor;
use crate::testing::{Call, Count, Counter, Fault, Stage, count_of, issue, play, settle};

fn add(mark: &str) -> Count {
    Count::Add(mark.to_owned())
}

fn live(stage: &Stage) -> u64 {
    let shards = stage.board().actors.into_iter().map(|actor| match actor.kind {
        ActorKind::Shard { live } => live,
        ActorKind::Stream | ActorKind::Pass(_) => 0,
    });
    shards.sum()
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_leaves_memory_and_comes_back_with_its_state() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        tokio::time::advance(Duration::from_secs(59)).await;
        stage.ask(&issue(2), add("a")).await.unwrap();
        settle().await;
        assert_eq!(live(&stage), 2);
        tokio::time::sleep(Duration::from_secs(17)).await;
        assert_eq!(live(&stage), 1, "only the one that was idle");
        let answer = stage.ask(&issue(1), add("b")).await.unwrap();
        assert_eq!((count_of(&answer.state), live(&stage)), (2, 2));
        assert_eq!(stage.restarts(), RestartCounts::default(), "leaving is no restart");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_comes_while_its_actor_leaves_is_not_lost() {
    let settings = Settings { idle: Duration::from_millis(40), ..Settings::default() };
    play(settings, async |stage| {
        // Sweeps are 10 ms apart: at every phase of them a command meets the actor awake, leaving, or gone.
        for round in 1..=400_u64 {
            let answer = stage.ask(&issue(1), add("a")).await.unwrap();
            assert_eq!(u64::from(count_of(&answer.state)), round);
            tokio::time::sleep(Duration::from_millis(30 + round % 30)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_does_not_leave() {
    let settings = Settings { idle: Duration::from_secs(1), ..Settings::default() };
    play(settings, async |stage| {
        stage.store.fail(Call::Append, [Fault::HangBefore]);
        let hanging = stage.ask_aside(&issue(1), add("a"));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(live(&stage), 1);
        assert!(matches!(hanging.await.unwrap(), Err(Rejected::Unknown(_))));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(live(&stage), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_number_of_live_actors_is_bounded_and_the_longest_idle_leaves_first() {
    let settings = Settings { live_streams: 10, ..Settings::default() };
    play(settings, async |stage| {
        for number in 1..=200 {
            stage.ask(&issue(number), add("a")).await.unwrap();
            assert!(live(&stage) <= 20, "ten per shard");
        }
        assert_eq!(live(&stage), 20);
        for number in 1..=200 {
            assert_eq!(count_of(&stage.ask(&issue(number), add("b")).await.unwrap().state), 2);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_full_of_busy_actors_says_so() {
    let settings = Settings { live_streams: 1, ..Settings::default() };
    play(settings, async |stage| {
        stage.store.script(|call| (call == Call::Append).then_some(Fault::HangBefore));
        let hanging: Vec<_> = (1..=20).map(|number| stage.ask_aside(&issue(number), add("a"))).collect();
        settle().await;
        let answered = hanging.iter().filter(|asked| asked.is_finished()).count();
        assert_eq!(answered, 18, "two shards with room for one each");
        for asked in hanging {
            let rejected = asked.await.unwrap().unwrap_err();
            assert!(matches!(rejected, Rejected::Busy { .. } | Rejected::Unknown(_)), "{rejected:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_bound_of_a_stream_is_exact() {
    let settings = Settings { requests_per_stream: 8, ..Settings::default() };
    play(settings, async |stage| {
        stage.store.fail(Call::Append, [Fault::HangBefore]);
        let asked: Vec<_> = (0..20).map(|_| stage.ask_aside(&issue(1), add("a"))).collect();
        settle().await;
        let busy = asked.iter().filter(|asked| asked.is_finished()).count();
        assert_eq!(busy, 12, "eight are in, however many callers there are");
        stage.ask(&issue(2), add("other streams have their own room")).await.unwrap();
        let mut accepted = 0;
        for answer in asked {
            match answer.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(Rejected::Busy { .. } | Rejected::Unknown(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(accepted, 7, "all that were in but the one that hung");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_bound_in_all_is_exact() {
    let settings = Settings { requests: 30, ..Settings::default() };
    play(settings, async |stage| {
        stage.store.script(|call| (call == Call::Append).then_some(Fault::HangBefore));
        let asked: Vec<_> = (0..100).map(|number| stage.ask_aside(&issue(number + 1), add("a"))).collect();
        settle().await;
        assert_eq!(asked.iter().filter(|asked| asked.is_finished()).count(), 70);
        assert_eq!(stage.with.gate.under_way(), 30);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(stage.with.gate.under_way(), 0);
    })
    .await;
}

/// Panics where no inner guard is: the actor and its mailbox are gone.
#[derive(Message)]
#[rtype(result = "()")]
struct CrashActor(Arc<str>);

/// The same for the shard itself.
#[derive(Message)]
#[rtype(result = "()")]
struct CrashShard;

impl Handler<CrashActor> for Shard<Counter> {
    type Result = ();

    fn handle(&mut self, message: CrashActor, _: &mut Self::Context) {
        match self.children.get(&message.0).map(|child| &child.life) {
            Some(Life::Awake { address, .. }) => assert!(address.try_send(message).is_ok()),
            Some(Life::Unborn | Life::Resting { .. }) | None => panic!("nobody to crash"),
        }
    }
}

impl Handler<CrashActor> for StreamActor<Counter> {
    type Result = ();

    fn handle(&mut self, _: CrashActor, _: &mut Self::Context) {
        panic!("as scripted, in the actor")
    }
}

impl Handler<CrashShard> for Shard<Counter> {
    type Result = ();

    fn handle(&mut self, _: CrashShard, _: &mut Self::Context) {
        panic!("as scripted, in the shard")
    }
}

fn crash(stage: &Stage, number: u64) {
    assert!(stage.ring.slot(&issue(number)).send(CrashActor(issue(number).key().into())));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_panics_comes_back_from_the_log_after_a_rest() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        stage.store.fail(Call::Append, [Fault::HangBefore]);
        let mut waiting = vec![stage.ask_aside(&issue(1), add("hangs"))];
        settle().await;
        crash(&stage, 1);
        waiting.extend((0..5).map(|_| stage.ask_aside(&issue(1), add("behind the crash"))));
        for answer in waiting {
            let rejected = answer.await.unwrap().unwrap_err();
            assert!(matches!(rejected, Rejected::Unknown(_)), "the callers of a lost actor are told: {rejected:?}");
        }
        let board = stage.board();
        let resting = board.actor("issue/acme/web#1").unwrap();
        assert!(matches!(resting.condition, Condition::Resting { .. }), "{resting:?}");
        let rejected = stage.ask(&issue(1), add("c")).await.unwrap_err();
        assert_eq!(rejected, Rejected::Busy { retry_after: Duration::from_millis(100) });
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(count_of(&stage.ask(&issue(1), add("d")).await.unwrap().state), 2);
        assert_eq!(stage.restarts(), RestartCounts { panic: 1, frozen: 1, error: 0 });
        assert!(stage.board().healthy());
        assert_eq!(stage.with.gate.under_way(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_further_crash_means_a_longer_rest_until_a_calm_period() {
    play(Settings::default(), async |stage| {
        for rest in [100, 200, 400] {
            stage.ask(&issue(1), add("a")).await.unwrap();
            crash(&stage, 1);
            settle().await;
            let rejected = stage.ask(&issue(1), add("b")).await.unwrap_err();
            assert_eq!(rejected, Rejected::Busy { retry_after: Duration::from_millis(rest) });
            tokio::time::advance(Duration::from_millis(rest)).await;
        }
        tokio::time::sleep(Duration::from_secs(180)).await;
        stage.ask(&issue(1), add("a")).await.unwrap();
        crash(&stage, 1);
        settle().await;
        let rejected = stage.ask(&issue(1), add("b")).await.unwrap_err();
        assert_eq!(rejected, Rejected::Busy { retry_after: Duration::from_millis(100) });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_one_actor_leaves_its_neighbours_alone() {
    play(Settings::default(), async |stage| {
        for number in 1..=20 {
            stage.ask(&issue(number), add("a")).await.unwrap();
        }
        crash(&stage, 7);
        settle().await;
        for number in (1..=20).filter(|number| *number != 7) {
            assert_eq!(count_of(&stage.ask(&issue(number), add("b")).await.unwrap().state), 2);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_panics_is_started_again() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        assert!(stage.ring.slot(&issue(1)).send(CrashShard));
        let rejected = stage.ask(&issue(1), add("lost")).await.unwrap_err();
        assert!(matches!(rejected, Rejected::Unknown(_)), "{rejected:?}");
        let rejected = stage.ask(&issue(1), add("nobody there")).await.unwrap_err();
        assert!(matches!(rejected, Rejected::Busy { .. }), "{rejected:?}");
        tokio::time::sleep(Duration::from_millis(101)).await;
        assert_eq!(count_of(&stage.ask(&issue(1), add("b")).await.unwrap().state), 2);
        assert_eq!(stage.restarts().panic, 1);
        assert_eq!(stage.with.gate.under_way(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_actor_turns_unhealthy_and_is_restarted_from_the_log() {
    let settings = Settings { frozen_after: Duration::from_secs(4), ..Settings::default() };
    play(settings, async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        stage.store.fail(Call::Append, [Fault::HangAfter]);
        let (frozen, queued) = (stage.ask_aside(&issue(1), add("b")), stage.ask_aside(&issue(1), add("c")));
        settle().await;
        tokio::time::advance(Duration::from_millis(4001)).await;
        let board = stage.board();
        let report = board.actor("issue/acme/web#1").unwrap();
        assert_eq!((report.condition, report.kind == ActorKind::Stream), (Condition::Frozen, true));
        assert!(!board.healthy());
        for lost in [frozen, queued] {
            let rejected = lost.await.unwrap().unwrap_err();
            assert!(matches!(rejected, Rejected::Unknown(_)), "{rejected:?}");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(count_of(&stage.ask(&issue(1), add("d")).await.unwrap().state), 3, "the append had happened");
        assert_eq!(stage.restarts(), RestartCounts { frozen: 1, ..RestartCounts::default() });
        assert!(stage.board().healthy());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_all_that_is_queued() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        stage.store.fail(Call::Append, [Fault::Slow]);
        let queued: Vec<_> = (0..50).map(|_| stage.ask_aside(&issue(1), add("b"))).collect();
        settle().await;
        assert_eq!((stage.with.gate.under_way(), stage.log().await.len()), (50, 1), "none is worked off yet");
        stage.with.gate.close();
        stage.ring.drain().await;
        for answer in queued {
            answer.await.unwrap().unwrap();
        }
        assert_eq!(stage.log().await.len(), 51, "50 of 50");
        assert_eq!(stage.ask(&issue(1), add("late")).await.unwrap_err(), Rejected::Draining);
        assert!(stage.board().actors.iter().all(|actor| actor.condition == Condition::Stopped));
        stage.ring.drain().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_runs_out_of_time_says_what_was_left() {
    play(Settings::default(), async |stage| {
        stage.store.fail(Call::Append, [Fault::HangBefore]);
        let hanging = stage.ask_aside(&issue(1), add("a"));
        settle().await;
        stage.with.gate.close();
        let deadline = Duration::from_secs(3);
        let report = drained_within(deadline, stage.ring.drain(), &stage.with).await;
        assert_eq!((report.took, report.unanswered), (deadline, 1));
        assert_eq!(report.streams, ["issue/acme/web#1"]);
        assert!(!report.is_complete());
        assert_eq!(
            report.to_string(),
            "gave up draining after 3000 ms: 1 requests unanswered; streams under way: issue/acme/web#1"
        );
        assert!(matches!(hanging.await.unwrap(), Err(Rejected::Unknown(_))));
        let report = drained_within(deadline, stage.ring.drain(), &stage.with).await;
        assert!(report.is_complete(), "{report}");
    })
    .await;
}
