use std::sync::Mutex;
use std::time::Duration;

use conductor_actors::{Rejected, Setback, StateListener};
use conductor_core::decider::{Outcome, Refusal, StreamState};
use conductor_core::event::{MilestoneComplete, RigEvent};
use conductor_core::github::Instruction;
use conductor_core::identity::{PrRef, StreamId};
use conductor_core::issue::{IssueCommand, Phase};
use conductor_core::port::{EarlyCheck, StoreFailure};
use conductor_core::pull_request::{PrObservation, PullRequestCommand};
use conductor_core::rig::{Rig, RigCommand};
use conductor_core::time::Timestamp;
use tokio_test::block_on;

use super::testing::*;

fn dismiss(review_id: u64) -> Instruction {
    Instruction::PullRequest(reference("acme/web#9"), PullRequestCommand::Dismiss { review_id })
}

fn observe(linked: &[&str]) -> PullRequestCommand {
    PullRequestCommand::Observe(Box::new(PrObservation {
        title: "t".to_owned(),
        url: None,
        branch: None,
        author: None,
        author_association: None,
        head_sha: Some(sha()),
        draft: false,
        labels: None,
        linked_issues: Some(linked.iter().map(|text| reference(text)).collect()),
        open: true,
        merged: false,
        merge_sha: None,
        mergeable: None,
        files: None,
        additions: None,
        deletions: None,
        updated_at: Timestamp::default(),
        pushed_by: None,
        sender: None,
    }))
}

fn told(pull_request: &str) -> (String, Command) {
    (pull_request.to_owned(), Command::PullRequest(PullRequestCommand::RecordCheck(check())))
}

fn of_check(named: &[&str]) -> Vec<Instruction> {
    let pull_requests: Vec<PrRef> = named.iter().map(|text| reference(text)).collect();
    vec![Instruction::Check { repo: repo("acme/web"), pull_requests, check: check() }]
}

fn heads(answers: &[&[&str]]) -> Mutex<std::collections::VecDeque<Vec<PrRef>>> {
    Mutex::new(answers.iter().map(|texts| texts.iter().map(|text| reference(text)).collect()).collect())
}

fn answers(answers: Vec<Result<Outcome, Rejected>>) -> Mutex<std::collections::VecDeque<Result<Outcome, Rejected>>> {
    Mutex::new(answers.into())
}

#[test]
fn instructions_are_carried_out_in_order_with_who_why_and_a_key_of_their_own() {
    let world = World::default();
    let issue = Instruction::Issue(reference("acme/web#7"), IssueCommand::Reopen);
    let outcome = block_on(world.carry_out(vec![dismiss(1), issue])).unwrap();
    assert_eq!(outcome, "acme/web#9: accepted; acme/web#7: accepted");
    let asks = world.asks.lock().unwrap();
    let seen: Vec<_> = asks.iter().map(|ask| (ask.stream.as_str(), ask.key.as_ref().unwrap().key.as_str())).collect();
    assert_eq!(seen, [("acme/web#9", "d1:0:pull:acme/web#9"), ("acme/web#7", "d1:1:acme/web#7")]);
    for ask in asks.iter() {
        assert_eq!((ask.metadata.actor.to_string(), ask.metadata.cause.as_deref()), ("github:octo".into(), Some("d1")));
        assert_eq!(ask.metadata.idempotency_key, ask.key.as_ref().map(|key| key.key.clone()));
    }
}

#[test]
fn a_delivery_that_comes_again_carries_the_same_keys() {
    let world = World::default();
    for _ in 0..2 {
        block_on(world.carry_out(vec![dismiss(1), dismiss(2)])).unwrap();
    }
    let asks = world.asks.lock().unwrap();
    assert_eq!(asks[..2], asks[2..]);
    assert_ne!(asks[0].key, asks[1].key);
}

#[test]
fn a_refusal_is_an_outcome_and_the_rest_goes_on() {
    let refusal = Refusal::LostRace { why: "it is merged".to_owned() };
    let unchanged = Ok(Outcome::Unchanged { since: 3 });
    let world = World { answers: answers(vec![Err(Rejected::Refused(refusal)), unchanged]), ..World::default() };
    let outcome = block_on(world.carry_out(vec![dismiss(1), dismiss(2)])).unwrap();
    assert_eq!(outcome, "acme/web#9: refused: it is merged; acme/web#9: unchanged");
}

#[test]
fn what_could_not_be_decided_stops_the_delivery_for_another_try() {
    for (rejected, expected) in [
        (Rejected::Busy { retry_after: Duration::from_secs(1) }, None),
        (Rejected::Draining, None),
        (Rejected::NotLeader, None),
        (Rejected::Unknown("late".to_owned()), Some("late")),
        (Rejected::Store(StoreFailure::Unavailable("gone".to_owned())), Some("gone")),
    ] {
        let world = World { answers: answers(vec![Err(rejected)]), ..World::default() };
        let setback = block_on(world.carry_out(vec![dismiss(1), dismiss(2)])).unwrap_err();
        assert_eq!(world.asked().len(), 1, "nothing after it is tried");
        match (&setback, expected) {
            (Setback::NotNow(_), None) => {}
            (Setback::Failed(why), Some(expected)) => assert!(why.contains(expected), "{why}"),
            (Setback::NotNow(_) | Setback::Away(_) | Setback::Failed(_), _) => panic!("{setback:?}"),
        }
    }
}

#[test]
fn a_check_goes_to_every_known_pull_request_that_is_named_or_has_the_commit() {
    let known_pulls = vec![reference("acme/web#9"), reference("acme/web#8")];
    let world = World { heads: heads(&[&["acme/web#9"]]), known_pulls, ..World::default() };
    block_on(world.carry_out(of_check(&["acme/web#9", "acme/web#8", "acme/web#5"]))).unwrap();
    assert_eq!(world.asked(), [told("acme/web#9"), told("acme/web#8")], "5 is unknown: no stream begins with a check");
    assert!(world.early.lock().unwrap().is_empty());
}

#[test]
fn a_check_whose_commit_no_pull_request_has_is_kept() {
    let world = World::default();
    let outcome = block_on(world.carry_out(of_check(&["acme/web#9"]))).unwrap();
    assert_eq!(outcome, "build of a1b2c3d4 kept for its pull request");
    assert_eq!(*world.early.lock().unwrap(), [EarlyCheck { repo: repo("acme/web"), check: check() }]);
    assert!(world.asked().is_empty());
}

#[test]
fn a_pull_request_that_comes_while_its_check_is_being_kept_is_told() {
    let world = World { heads: heads(&[&[], &["acme/web#9"]]), ..World::default() };
    block_on(world.carry_out(of_check(&[]))).unwrap();
    assert_eq!(world.asked(), [told("acme/web#9")]);
}

#[test]
fn an_observation_is_followed_by_the_checks_that_came_before_it() {
    let early = |name: &str| EarlyCheck { repo: repo(name), check: check() };
    let world =
        World { head: Some(sha()), early: Mutex::new(vec![early("acme/web"), early("acme/api")]), ..World::default() };
    let instruction = Instruction::PullRequest(reference("acme/web#9"), observe(&[]));
    let outcome = block_on(world.carry_out(vec![instruction])).unwrap();
    assert_eq!(outcome, "acme/web#9: accepted, 1 earlier checks told");
    let observed = ("acme/web#9".to_owned(), Command::PullRequest(observe(&[])));
    assert_eq!(world.asked(), [observed, told("acme/web#9")]);
}

#[test]
fn only_an_observation_is_followed_by_checks() {
    let early = Mutex::new(vec![EarlyCheck { repo: repo("acme/web"), check: check() }]);
    let world = World { head: Some(sha()), early, ..World::default() };
    block_on(world.carry_out(vec![dismiss(1)])).unwrap();
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn a_renamed_repository_keeps_its_streams() {
    let world = World::default();
    let mut rig = Rig::unknown();
    rig.aliases.insert(repo("acme/site"), repo("acme/web"));
    world.names.changed(&StreamId::Rig, 1, &StreamState::Rig(Box::new(rig)));
    let rename = RigCommand::Rename { from: repo("acme/web"), to: repo("acme/site") };
    let instructions = vec![
        Instruction::Issue(reference("acme/site#7"), IssueCommand::Reopen),
        Instruction::PullRequest(reference("acme/site#9"), observe(&["acme/site#7", "acme/api#1"])),
        Instruction::Rig(rename.clone()),
    ];
    block_on(world.carry_out(instructions)).unwrap();
    assert_eq!(
        world.asked(),
        [
            ("acme/web#7".to_owned(), Command::Issue(IssueCommand::Reopen)),
            ("acme/web#9".to_owned(), Command::PullRequest(observe(&["acme/web#7", "acme/api#1"]))),
            ("rig".to_owned(), Command::Rig(rename)),
        ]
    );
}

#[test]
fn a_closed_milestone_is_complete_once_nothing_of_it_is_left() {
    let closed = || vec![Instruction::MilestoneClosed { repo: repo("acme/web"), milestone: "v1".to_owned() }];
    let other = conductor_core::issue::Issue { milestone: Some("v2".to_owned()), ..issue(9, Phase::Open) };
    let finished = vec![issue(1, Phase::Done), issue(2, Phase::Done), issue(3, Phase::Cancelled), other];

    let mut unfinished = finished.clone();
    unfinished.push(issue(10, Phase::Escalated));
    let world = World { issues: unfinished, ..World::default() };
    assert_eq!(block_on(world.carry_out(closed())).unwrap(), "milestone v1 of acme/web: 2 issues done, 1 left");
    assert!(world.asked().is_empty());

    let world = World { issues: finished, ..World::default() };
    block_on(world.carry_out(closed())).unwrap();
    let complete = MilestoneComplete { milestone: "v1".to_owned(), repo: Some(repo("acme/web")), issue_count: 2 };
    let record = RigCommand::Record(Box::new(RigEvent::MilestoneComplete(complete)));
    assert_eq!(world.asked(), [("rig".to_owned(), Command::Rig(record))]);
}

#[test]
fn a_milestone_of_many_pages_is_read_to_its_end() {
    let mut issues: Vec<_> = (1..=1000).map(|number| issue(number, Phase::Done)).collect();
    issues.push(issue(1001, Phase::Open));
    let world = World { issues, ..World::default() };
    let closed = Instruction::MilestoneClosed { repo: repo("acme/web"), milestone: "v1".to_owned() };
    let outcome = block_on(world.carry_out(vec![closed])).unwrap();
    assert_eq!(outcome, "milestone v1 of acme/web: 1000 issues done, 1 left");
}

#[test]
fn a_milestone_of_which_nothing_is_done_is_not_complete() {
    let world = World { issues: vec![issue(3, Phase::Cancelled)], ..World::default() };
    let closed = Instruction::MilestoneClosed { repo: repo("acme/web"), milestone: "v1".to_owned() };
    block_on(world.carry_out(vec![closed])).unwrap();
    assert!(world.asked().is_empty());
}
