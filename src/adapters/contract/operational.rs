//! Heartbeats, early checks, and the upkeep of what grows old.

use conductor_core::event::{CheckRecorded, Priority};
use conductor_core::port::{EarlyCheck, Pruned, Received};

use super::Subject;
use super::inbox::delivery;
use super::story::{Pen, approved, at, claimant, days, keyed, prioritised, repo, sha};

fn early(repository: &str, head: u8, name: &str) -> EarlyCheck {
    let check = CheckRecorded {
        name: name.to_owned(),
        head_sha: sha(head),
        run_id: 9_007_199_254_740_993,
        attempt: 1,
        conclusion: Some("success".to_owned()),
        at: Some(at(0)),
    };
    EarlyCheck { repo: repo(repository), check }
}

/// Also within one call, and when they come out of order.
pub async fn the_later_heartbeat_stays(subject: Subject) {
    let (one, two) = (claimant("dev-e-node/one"), claimant("dev-e-node"));
    subject.store.heard(&[(one.clone(), at(10)), (two.clone(), at(5)), (one.clone(), at(8))]).await.unwrap();
    subject.store.heard(&[(one.clone(), at(3)), (two.clone(), at(20))]).await.unwrap();
    let last = subject.store.last_heartbeats().await.unwrap();
    let found: Vec<_> = last.into_iter().map(|last| (last.claimant, last.at)).collect();
    assert_eq!(found, [(two, at(20)), (one, at(10))]);
}

/// The bare agent first.
pub async fn heartbeats_come_by_agent_and_instance(subject: Subject) {
    subject.store.heard(&[]).await.unwrap();
    let names = ["dev-b", "dev-a/z", "dev-a-b", "dev-a", "dev-a/b"];
    subject.store.heard(&names.map(|name| (claimant(name), at(1)))).await.unwrap();
    let last = subject.store.last_heartbeats().await.unwrap();
    let found: Vec<String> = last.into_iter().map(|last| last.claimant.to_string()).collect();
    assert_eq!(found, ["dev-a", "dev-a/b", "dev-a/z", "dev-a-b", "dev-b"]);
}

/// In order of keeping, repositories in any casing, and as often as asked.
pub async fn early_checks_are_found_by_repository_and_head(subject: Subject) {
    let checks = [early("Acme/Web", 1, "lint"), early("acme/web", 1, "build")];
    for check in checks.iter().chain(&[early("acme/web", 2, "lint"), early("acme/api", 1, "lint")]) {
        subject.store.keep_check(check, at(0)).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(subject.store.checks_of(&repo("ACME/WEB"), &sha(1)).await.unwrap(), checks);
    }
    assert_eq!(subject.store.checks_of(&repo("acme/web"), &sha(3)).await.unwrap(), []);
}

/// One of everything that grows old: a kept answer of each kind, an effect that was delivered, an early check, a delivery.
async fn fill(subject: &Subject) -> Pen {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.telling(approved(), &["acme/web#80"]);
    append.key = Some(keyed("scope", "appended", "digest"));
    let effect = append.effects[0].id;
    pen.send(append).await.unwrap();
    subject.store.delivered(&[effect]).await.unwrap();
    subject.store.remember(&keyed("scope", "literal", "digest"), 409, "{}", at(0)).await.unwrap();
    subject.store.keep_check(&early("acme/web", 1, "lint"), at(0)).await.unwrap();
    subject.store.receive(delivery("d-1", "acme/web#7", 0)).await.unwrap();
    subject.store.worked("d-1", "1 command").await.unwrap();
    pen
}

/// Not on the sixth day.
pub async fn nothing_is_pruned_before_its_time(subject: Subject) {
    fill(&subject).await;
    assert_eq!(subject.store.prune(days(6)).await.unwrap(), Pruned::default());
    assert!(subject.store.answered("scope", "appended").await.unwrap().is_some());
    assert_eq!(subject.store.checks_of(&repo("acme/web"), &sha(1)).await.unwrap().len(), 1);
}

/// The log stays, whatever else goes.
pub async fn answers_effects_and_checks_are_pruned_after_seven_days(subject: Subject) {
    let pen = fill(&subject).await;
    let pruned = Pruned { bodies: 1, answers: 2, effects: 1, checks: 1, ..Pruned::default() };
    assert_eq!(subject.store.prune(days(8)).await.unwrap(), pruned);
    assert_eq!(subject.store.prune(days(8)).await.unwrap(), Pruned::default());
    assert_eq!(subject.store.answered("scope", "appended").await.unwrap(), None);
    assert_eq!(subject.store.answered("scope", "literal").await.unwrap(), None);
    assert_eq!(subject.store.checks_of(&repo("acme/web"), &sha(1)).await.unwrap(), []);
    assert_eq!(subject.store.read_stream(&pen.stream, 0, 10).await.unwrap().len(), 1);
    assert_eq!(subject.store.load(&pen.stream).await.unwrap(), Some((1, pen.state)));
}

/// A repeat is recognised for ninety days.
pub async fn deliveries_lose_their_bodies_first_and_their_ids_last(subject: Subject) {
    fill(&subject).await;
    assert_eq!(subject.store.prune(days(8)).await.unwrap().bodies, 1);
    let again = delivery("d-1", "acme/web#7", 0);
    assert_eq!(subject.store.receive(again.clone()).await.unwrap(), Received::Duplicate);
    assert_eq!(subject.store.prune(days(91)).await.unwrap(), Pruned { deliveries: 1, ..Pruned::default() });
    assert_eq!(subject.store.receive(again).await.unwrap(), Received::Accepted);
}

/// However old it is.
pub async fn what_still_waits_is_never_pruned(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let append = pen.telling(prioritised(Priority::High), &["acme/web#80"]);
    pen.send(append).await.unwrap();
    let waiting = delivery("d-1", "acme/web#7", 0);
    subject.store.receive(waiting.clone()).await.unwrap();
    assert_eq!(subject.store.prune(days(400)).await.unwrap(), Pruned::default());
    assert_eq!(subject.store.outbox_depth().await.unwrap()[0].pending, 1);
    assert_eq!(subject.store.waiting(days(400), 10).await.unwrap()[0].delivery, waiting);
}
