//! Signs of life of leases.

use conductor_core::event::Priority;
use conductor_core::identity::IssueRef;
use conductor_core::port::{AppendError, Guard, LeaseSigns, Pruned};
use conductor_core::time::Timestamp;

use super::Subject;
use super::story::{Pen, at, days, prioritised};

fn issue(text: &str) -> IssueRef {
    IssueRef::parse(text).unwrap()
}

fn signs(of: &str, epoch: u32, [renewed, delivered, worked]: [Option<i64>; 3]) -> LeaseSigns {
    let [renewed_at, delivered_at, worked_at] = [renewed, delivered, worked].map(|second| second.map(at));
    LeaseSigns { renewed_at, delivered_at, worked_at, ..LeaseSigns::none(issue(of), epoch) }
}

/// Also within one call, in any casing, and when they come out of order; a delivery counts once.
pub async fn signs_of_a_lease_come_back_and_the_later_ones_stay(subject: Subject) {
    let store = &subject.store;
    store.note_signs(&[]).await.unwrap();
    assert_eq!(store.signs_of(&issue("acme/web#7")).await.unwrap(), None);
    let noted = [
        signs("Acme/Web#7", 1, [Some(10), None, None]),
        signs("acme/web#8", 2, [None, Some(5), None]),
        signs("acme/web#7", 1, [Some(8), Some(3), None]),
    ];
    store.note_signs(&noted).await.unwrap();
    store.note_signs(&[signs("acme/web#7", 1, [Some(9), Some(6), Some(4)])]).await.unwrap();
    let wanted = signs("acme/web#7", 1, [Some(10), Some(3), Some(4)]);
    assert_eq!(store.signs_of(&issue("ACME/web#7")).await.unwrap(), Some(wanted.clone()));
    let mut all = store.lease_signs().await.unwrap();
    all.sort_by_key(|signs| signs.issue.number);
    assert_eq!(all, [wanted, noted[1].clone()]);
}

/// Whatever the older one's signs were, and however late they are noted.
pub async fn a_newer_lease_has_signs_of_its_own(subject: Subject) {
    let store = &subject.store;
    store.note_signs(&[signs("acme/web#7", 1, [Some(10), Some(10), Some(10)])]).await.unwrap();
    let newer = signs("acme/web#7", 2, [None, Some(4), None]);
    store.note_signs(std::slice::from_ref(&newer)).await.unwrap();
    store.note_signs(&[signs("acme/web#7", 1, [Some(20), None, None])]).await.unwrap();
    assert_eq!(store.signs_of(&issue("acme/web#7")).await.unwrap(), Some(newer));
}

/// One sign more than was judged refuses the append; those of another lease don't.
pub async fn silence_is_guarded_at_the_append(subject: Subject) {
    let store = &subject.store;
    let mut pen = Pen::approved_issue(store, "acme/web#7").await;
    store.note_signs(&[signs("acme/web#7", 2, [Some(10), None, Some(12)])]).await.unwrap();
    let silent = |epoch, since: Timestamp| Guard::LeaseSilentSince { issue: issue("Acme/web#7"), epoch, since };
    let a_moment_before = Timestamp::from_millis(at(12).as_millis() - 1);
    for (epoch, since, holds) in
        [(2, at(11), false), (2, a_moment_before, false), (2, at(12), true), (3, at(0), true), (1, at(0), true)]
    {
        let priority = if pen.version % 2 == 0 { Priority::High } else { Priority::Critical };
        let mut append = pen.draft(vec![prioritised(priority)]);
        append.guards = vec![silent(epoch, since)];
        if holds {
            pen.send(append).await.unwrap();
        } else {
            let refused = store.append(append).await;
            assert_eq!(refused, Err(AppendError::Guarded { guard: silent(epoch, since), held: None }));
        }
    }
    let mut other = Pen::approved_issue(store, "acme/web#8").await;
    let mut append = other.draft(vec![prioritised(Priority::High)]);
    append.guards = vec![Guard::LeaseSilentSince { issue: issue("acme/web#8"), epoch: 1, since: at(0) }];
    other.send(append).await.unwrap();
}

/// Whichever sign the last one was.
pub async fn signs_are_pruned_a_week_after_the_last_one(subject: Subject) {
    let store = &subject.store;
    let old = |of, epoch| signs(of, epoch, [Some(0), None, None]);
    let working = LeaseSigns { worked_at: Some(days(2)), ..old("acme/web#8", 1) };
    store.note_signs(&[old("acme/web#7", 1), working.clone()]).await.unwrap();
    assert_eq!(store.prune(days(6)).await.unwrap(), Pruned::default());
    assert_eq!(store.prune(days(8)).await.unwrap(), Pruned { signs: 1, ..Pruned::default() });
    assert_eq!(store.lease_signs().await.unwrap(), [working]);
}

/// One without says so every time.
pub async fn a_store_with_a_clock_of_its_own_tells_one_that_goes_on(subject: Subject) {
    let (first, second) = (subject.store.store_now().await.unwrap(), subject.store.store_now().await.unwrap());
    assert_eq!(first.is_some(), second.is_some());
    assert!(first <= second, "{first:?} {second:?}");
    subject.store.close().await;
    assert!(subject.store.store_now().await.is_err(), "a clock that can't be read is no clock");
}
