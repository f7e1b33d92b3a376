use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use conductor_core::decider::{Outcome, PORT_DEADLINE, Refusal};
use conductor_core::identity::Claimant;
use conductor_core::port::{Clock, Guard, StoreFailure};
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::board::RestartCounts;
use crate::guard::locked;
use crate::request::Rejected;
use crate::settings::Settings;
use crate::testing::{
    Call, Count, Fault, PausedClock, Stage, count_of, issue, marks_of, metadata, play, quiet_panics, settle,
};

fn add(mark: &str) -> Count {
    Count::Add(mark.to_owned())
}

#[tokio::test(start_paused = true)]
async fn commands_of_one_stream_lose_no_update() {
    play(Settings { requests_per_stream: 500, ..Settings::default() }, async |stage| {
        let asked: Vec<_> = (0..500).map(|number| stage.ask_aside(&issue(1), add(&number.to_string()))).collect();
        let mut counts = Vec::new();
        for answer in asked {
            counts.push(count_of(&answer.await.unwrap().unwrap().state));
        }
        assert_eq!(counts, (1..=500).collect::<Vec<u32>>(), "each decided on what the one before it left");
        let versions: Vec<u64> = stage.log().await.iter().map(|recorded| recorded.version).collect();
        assert_eq!(versions, (1..=500).collect::<Vec<u64>>());
        assert_eq!(stage.restarts(), RestartCounts::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn streams_do_not_wait_for_each_other() {
    play(Settings::default(), async |stage| {
        stage.store.fail(Call::Append, [Fault::HangBefore]);
        let stuck = stage.ask_aside(&issue(1), add("stuck"));
        settle().await;
        let begun = Instant::now();
        for number in 2..20 {
            stage.ask(&issue(number), add("free")).await.unwrap();
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(!stuck.is_finished());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panicking_decider_costs_one_command_and_not_the_actor() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        let lost = stage.ask(&issue(1), Count::Panic(Arc::new(AtomicU32::new(1)))).await.unwrap_err();
        assert_eq!(lost, Rejected::Unknown("decide panicked: no rule for that; nothing was written".to_owned()));
        let answer = stage.ask(&issue(1), add("b")).await.unwrap();
        assert_eq!(count_of(&answer.state), 2);
        assert_eq!(stage.restarts(), RestartCounts { panic: 1, ..RestartCounts::default() });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_any_doubt_the_log_is_asked_what_happened() {
    let faults = [
        (Fault::PanicBefore, 1, RestartCounts { panic: 1, ..RestartCounts::default() }),
        (Fault::PanicAfter, 2, RestartCounts { panic: 1, ..RestartCounts::default() }),
        (Fault::DownBefore, 1, RestartCounts { error: 1, ..RestartCounts::default() }),
        (Fault::DownAfter, 2, RestartCounts { error: 1, ..RestartCounts::default() }),
        (Fault::HangBefore, 1, RestartCounts { frozen: 1, ..RestartCounts::default() }),
        (Fault::HangAfter, 2, RestartCounts { frozen: 1, ..RestartCounts::default() }),
    ];
    for (fault, written, restarts) in faults {
        play(Settings::default(), async |stage| {
            stage.ask(&issue(1), add("a")).await.unwrap();
            stage.store.fail(Call::Append, [fault]);
            let begun = Instant::now();
            let rejected = stage.ask(&issue(1), add("b")).await.unwrap_err();
            match fault {
                Fault::DownBefore | Fault::DownAfter => {
                    let down = StoreFailure::Unavailable("as scripted".to_owned());
                    assert_eq!(rejected, Rejected::Store(down));
                }
                Fault::HangBefore | Fault::HangAfter => {
                    assert_eq!(begun.elapsed(), PORT_DEADLINE, "told as soon as the port is given up");
                    assert!(matches!(rejected, Rejected::Unknown(_)), "{rejected:?}");
                }
                Fault::PanicBefore | Fault::PanicAfter | Fault::Slow | Fault::Conflict => {
                    assert!(matches!(rejected, Rejected::Unknown(_)), "{rejected:?}");
                }
            }
            assert_eq!(stage.log().await.len(), written, "{fault:?}");
            let answer = stage.ask(&issue(1), add("c")).await.unwrap();
            assert_eq!(count_of(&answer.state) as usize, written + 1, "{fault:?}");
            assert_eq!(stage.restarts(), restarts, "{fault:?}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_fails_is_tried_again_by_the_first_command() {
    play(Settings::default(), async |stage| {
        stage.store.fail(Call::Load, [Fault::DownBefore]);
        assert_eq!(count_of(&stage.ask(&issue(1), add("a")).await.unwrap().state), 1);
        stage.store.fail(Call::Load, [Fault::PanicBefore, Fault::DownBefore]);
        let rejected = stage.ask(&issue(2), add("a")).await.unwrap_err();
        assert!(matches!(rejected, Rejected::Store(StoreFailure::Unavailable(_))), "{rejected:?}");
        assert_eq!(count_of(&stage.ask(&issue(2), add("b")).await.unwrap().state), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_append_knows_what_another_process_wrote() {
    quiet_panics();
    LocalSet::new()
        .run_until(async {
            let here = Stage::new(Settings::default()).await;
            let clock: Arc<dyn Clock> = Arc::new(PausedClock::new());
            let there = Stage::over(Settings::default(), Arc::clone(here.store.inner()), clock).await;
            here.ask(&issue(1), add("here")).await.unwrap();
            there.ask(&issue(1), add("there")).await.unwrap();
            let unchanged = here.ask(&issue(1), Count::UpTo(1)).await.unwrap();
            assert_eq!((unchanged.outcome, count_of(&unchanged.state)), (Outcome::Unchanged { since: 1 }, 2));
            assert_eq!(locked(&here.heard.0).last(), Some(&(issue(1), 2)), "whoever listens here hears of it too");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn two_coordinators_on_one_store_lose_no_update() {
    quiet_panics();
    LocalSet::new()
        .run_until(async {
            let settings = Settings { requests_per_stream: 200, attempts: 1000, ..Settings::default() };
            let here = Stage::new(settings.clone()).await;
            let clock: Arc<dyn Clock> = Arc::new(PausedClock::new());
            let there = Stage::over(settings, Arc::clone(here.store.inner()), clock).await;
            let mut asked = Vec::new();
            for number in 0..200 {
                let stage = if number % 2 == 0 { &here } else { &there };
                asked.push(stage.ask_aside(&issue(1), add(&number.to_string())));
            }
            for answer in asked {
                answer.await.unwrap().unwrap();
            }
            let log = here.log().await;
            let mut marks = marks_of(&log);
            marks.sort_unstable_by_key(|mark| mark.parse::<u32>().unwrap());
            assert_eq!(marks, (0..200).map(|number: u32| number.to_string()).collect::<Vec<_>>());
            let last = there.ask(&issue(1), add("last")).await.unwrap();
            assert_eq!(count_of(&last.state), 201, "every count stands on the one before it");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn endless_conflicts_end_with_busy() {
    play(Settings::default(), async |stage| {
        stage.store.fail(Call::Append, [Fault::Conflict; 8]);
        let rejected = stage.ask(&issue(1), add("a")).await.unwrap_err();
        assert_eq!(rejected, Rejected::Busy { retry_after: Duration::from_secs(1) });
        stage.store.fail(Call::Append, [Fault::Conflict; 7]);
        assert_eq!(count_of(&stage.ask(&issue(1), add("a")).await.unwrap().state), 1, "the eighth attempt counts");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_bound_to_the_neighbours_that_it_saw() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        stage.ask(&issue(2), add("a")).await.unwrap();
        let sum = stage.ask(&issue(2), Count::AddCountOf(issue(1))).await.unwrap();
        assert_eq!(count_of(&sum.state), 2);
        // The neighbour moves between the decision and the append: decided again, on what it is now.
        let mut moved = false;
        let store = Arc::clone(stage.store.inner());
        let append = bystander(&stage, 1).await;
        stage.store.script(move |call| {
            if call == Call::Append && !moved {
                moved = true;
                // The store in memory writes when it is called, before the first await.
                let written = futures_util::FutureExt::now_or_never(store.append(append.clone()));
                assert!(matches!(written, Some(Ok(_))), "{written:?}");
            }
            None
        });
        let sum = stage.ask(&issue(2), Count::AddCountOf(issue(1))).await.unwrap();
        assert_eq!(count_of(&sum.state), 2 + 2, "the neighbour counts 2 by then");
        assert_eq!(stage.restarts(), RestartCounts::default(), "a lost race is nothing unusual");
    })
    .await;
}

/// What another process would append to that counter.
async fn bystander(stage: &Stage, number: u64) -> conductor_core::port::Append {
    use super::memory::Known;
    use super::plan::{Neighbours, Plan, plan};
    use crate::request::Request;
    use crate::testing::Counter;
    use conductor_core::decider::Decider;

    let (version, state) = stage.store.inner().load(&issue(number)).await.unwrap().unwrap();
    let known = Known { version, state: Arc::new(Counter::unwrap_state(state).unwrap()) };
    let request = Request::new(add("bystander"), metadata());
    match plan::<Counter>(&issue(number), &known, Neighbours::default(), &request, &stage.with.ports) {
        Plan::Write(draft) => draft.append,
        Plan::Tell(outcome) => panic!("{outcome:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_by_key_has_one_effect_and_the_first_answer() {
    play(Settings::default(), async |stage| {
        let first = stage.ask_with_key(&issue(1), add("a"), "k", "same").await.unwrap();
        let again = stage.ask_with_key(&issue(1), add("a"), "k", "same").await.unwrap();
        assert_eq!((&again.receipt, again.outcome), (&first.receipt, Outcome::Accepted));
        // The state has moved on, so the repeat would be refused by now, or say that nothing changed.
        let refused = stage.ask_with_key(&issue(1), Count::Refuse, "k", "same").await.unwrap();
        let unchanged = stage.ask_with_key(&issue(1), Count::UpTo(1), "k", "same").await.unwrap();
        let on_record = stage.ask_with_key(&issue(1), Count::Panic(Arc::default()), "k", "same").await.unwrap();
        assert_eq!([&refused.receipt, &unchanged.receipt, &on_record.receipt], [&first.receipt; 3]);
        for command in [add("b"), Count::Refuse] {
            assert_eq!(stage.ask_with_key(&issue(1), command, "k", "other").await.unwrap_err(), Rejected::KeyReused);
        }
        assert_eq!(stage.log().await.len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_whose_first_answer_was_lost_gets_that_answer() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        stage.store.fail(Call::Append, [Fault::HangAfter]);
        stage.ask_with_key(&issue(1), add("b"), "k", "same").await.unwrap_err();
        let answer = stage.ask_with_key(&issue(1), add("b"), "k", "same").await.unwrap();
        assert_eq!(answer.receipt.unwrap().first_version, 2);
        assert_eq!(count_of(&answer.state), 2);
        assert_eq!(marks_of(&stage.log().await), ["a", "b"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_on_record_is_recorded_and_refused_also_when_repeated() {
    play(Settings::default(), async |stage| {
        for _ in 0..2 {
            let command = Count::RefuseOnRecord("stale".to_owned());
            let rejected = stage.ask_with_key(&issue(1), command, "k", "same").await.unwrap_err();
            assert!(matches!(rejected, Rejected::Refused(_)), "{rejected:?}");
        }
        // Whatever would be decided by now, or said of it.
        for command in [add("a"), Count::Refuse, Count::UpTo(1), Count::RefuseOnRecord("later".to_owned())] {
            let rejected = stage.ask_with_key(&issue(1), command, "k", "same").await.unwrap_err();
            let Rejected::Refused(Refusal::LostRace { why }) = rejected else { panic!("{rejected:?}") };
            assert_eq!(why, "not in the mood: stale");
        }
        assert_eq!(marks_of(&stage.log().await), ["stale"]);
        let rejected = stage.ask(&issue(1), Count::Refuse).await.unwrap_err();
        assert!(matches!(rejected, Rejected::Refused(_)), "{rejected:?}");
        assert_eq!(stage.log().await.len(), 1, "a plain refusal leaves no trace");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_so_already_is_answered_with_the_event_that_said_it() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(9), add("elsewhere")).await.unwrap();
        for mark in ["a", "b", "c"] {
            stage.ask(&issue(1), add(mark)).await.unwrap();
        }
        let answer = stage.ask(&issue(1), Count::UpTo(2)).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Unchanged { since: 2 });
        let receipt = answer.receipt.unwrap();
        assert_eq!((receipt.first_version, receipt.first_position), (2, 3));
        let answer = stage.ask(&issue(2), Count::UpTo(0)).await.unwrap();
        assert_eq!((answer.outcome, answer.receipt), (Outcome::Unchanged { since: 0 }, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_does_not_hold_is_told_and_costs_no_state() {
    play(Settings::default(), async |stage| {
        let guard = Guard::LeasesBelow { agent: Claimant::parse("dev-e-node").unwrap().agent, limit: 0 };
        let rejected = stage.ask(&issue(1), Count::AddUnder("a".to_owned(), guard.clone())).await.unwrap_err();
        assert_eq!(rejected, Rejected::Guarded { guard, held: None });
        assert_eq!(count_of(&stage.ask(&issue(1), add("b")).await.unwrap().state), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_state_is_published_before_the_reply_and_after_a_lost_one() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), add("a")).await.unwrap();
        assert_eq!(*locked(&stage.heard.0), [(issue(1), 1)]);
        stage.store.fail(Call::Append, [Fault::DownAfter]);
        stage.ask(&issue(1), add("b")).await.unwrap_err();
        stage.ask(&issue(1), add("c")).await.unwrap();
        let versions: Vec<u64> = locked(&stage.heard.0).iter().map(|(_, version)| *version).collect();
        assert_eq!(versions, [1, 2, 3], "the second was found in the log");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_carries_who_asked_which_rule_decided_and_its_text() {
    play(Settings::default(), async |stage| {
        stage.ask(&issue(1), Count::Describe("in many words".to_owned())).await.unwrap();
        let recorded = stage.log().await.remove(0);
        assert_eq!(recorded.metadata.actor, metadata().actor);
        assert_eq!(recorded.metadata.cause.as_deref(), Some("a test"));
        assert_eq!(recorded.metadata.rule.unwrap().name, "counting");
        assert_eq!(recorded.time, stage.with.ports.clock.now());
        let row = stage.store.inner().row(&issue(1)).await.unwrap().unwrap();
        assert_eq!((row.version, row.body.as_deref()), (1, Some("in many words")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_caller_has_given_up_is_not_begun() {
    play(Settings::default(), async |stage| {
        stage.store.fail(Call::Append, [Fault::HangBefore, Fault::HangBefore]);
        let asked = ["a", "b", "late"].map(|mark| stage.ask_aside(&issue(1), add(mark)));
        for answer in asked {
            assert!(matches!(answer.await.unwrap(), Err(Rejected::Unknown(_))));
        }
        // The second one hangs until 20 s; the third one's caller was told at 15 s that nobody knows.
        assert_eq!(count_of(&stage.ask(&issue(1), add("next")).await.unwrap().state), 1);
        assert_eq!(marks_of(&stage.log().await), ["next"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_asked_under_its_own_kind_only() {
    play(Settings::default(), async |stage| {
        let rejected = stage.ask(&conductor_core::identity::StreamId::Rig, add("a")).await.unwrap_err();
        assert!(matches!(rejected, Rejected::Refused(_)), "{rejected:?}");
        stage.ask(&issue(1), add("a")).await.unwrap();
    })
    .await;
}

/// The storm: every fault at once, on many streams, with callers that hang up. Each caller who waits gets an answer, and with
/// its idempotency key each of 16,000 commands is in the log exactly once.
#[tokio::test(start_paused = true)]
async fn in_a_storm_of_faults_nothing_is_lost_and_nothing_doubled() {
    const STREAMS: u64 = 40;
    const COMMANDS: u64 = 400;
    play(Settings::default(), async |stage| {
        let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
        stage.store.script(move |call| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            match (call, dice % 100) {
                (_, 0) => Some(Fault::PanicBefore),
                (_, 1) => Some(Fault::PanicAfter),
                (_, 2) => Some(Fault::DownBefore),
                (_, 3) => Some(Fault::DownAfter),
                (_, 4) if dice % 1000 < 100 => Some(Fault::HangAfter),
                (Call::Append, 5..=8) => Some(Fault::Conflict),
                (_, _) => None,
            }
        });
        let stage = Arc::new(stage);
        let callers: Vec<_> = (0..STREAMS)
            .map(|stream| {
                let stage = Arc::clone(&stage);
                tokio::task::spawn_local(async move {
                    let mut repeats = 0_u64;
                    for number in 0..COMMANDS {
                        let mark = format!("{stream}-{number}");
                        let fuse = Arc::new(AtomicU32::new(u32::from(number % 50 == 7)));
                        loop {
                            let command = match number % 50 {
                                7 => Count::Panic(Arc::clone(&fuse)),
                                _ => add(&mark),
                            };
                            let target = issue(stream + 1);
                            let asked = stage.ask_with_key(&target, command, &mark, &mark);
                            // Every ninth caller hangs up after the request has left, and asks again later.
                            let answer = if number % 9 == 4 && repeats.is_multiple_of(2) {
                                repeats += 1;
                                drop(tokio::time::timeout(Duration::ZERO, asked).await);
                                continue;
                            } else {
                                asked.await
                            };
                            match answer {
                                Ok(_) => break,
                                Err(Rejected::Unknown(_) | Rejected::Store(_) | Rejected::Busy { .. }) => repeats += 1,
                                Err(other) => panic!("{mark}: {other:?}"),
                            }
                        }
                    }
                    repeats
                })
            })
            .collect();
        let mut repeats = 0;
        for caller in callers {
            repeats += caller.await.unwrap();
        }
        assert!(repeats > 1000, "the storm blew: {repeats}");
        let restarts = stage.restarts();
        assert!(restarts.panic > 100 && restarts.error > 100 && restarts.frozen > 1, "{restarts:?}");
        for stream in 1..=STREAMS {
            let log = stage.store.inner().read_stream(&issue(stream), 0, 10_000).await.unwrap();
            let expected = (0..COMMANDS).map(|number| match number % 50 {
                7 => "survived".to_owned(),
                _ => format!("{}-{number}", stream - 1),
            });
            assert_eq!(marks_of(&log), expected.collect::<Vec<_>>(), "in order, each once");
            let (version, _) = stage.store.inner().load(&issue(stream)).await.unwrap().unwrap();
            assert_eq!(version, COMMANDS);
        }
        assert_eq!(stage.with.gate.under_way(), 0, "every place came back");
    })
    .await;
}
