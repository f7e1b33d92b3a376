//! The leader's term: one at a time, by the store's clock.

use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{Candidacy, Store};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::Subject;
use super::story::PATIENCE;

/// Longer than any case takes.
const LONG: Duration = Duration::from_secs(600);
/// Soon over; nothing is expected to happen within it.
const SHORT: Duration = Duration::from_millis(30);

async fn take(store: &Arc<dyn Store>, holder: &str, length: Duration) -> Candidacy {
    store.take_term(holder, length).await.unwrap()
}

/// The number of a term that was begun.
async fn elected(store: &Arc<dyn Store>, holder: &str, length: Duration) -> u64 {
    match take(store, holder, length).await {
        Candidacy::Elected { term } => term,
        Candidacy::Standby { leader, left } => panic!("{leader} leads for another {left:?}"),
    }
}

/// Asks until it is elected.
pub(super) async fn elected_in_time(store: &Arc<dyn Store>, holder: &str) -> u64 {
    let asking = async {
        loop {
            match take(store, holder, LONG).await {
                Candidacy::Elected { term } => return term,
                Candidacy::Standby { .. } => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, asking).await.expect("a term ends")
}

/// Whoever stands by learns who leads, and for how long at most.
pub async fn one_of_two_holders_is_elected_until_it_gives_the_term_back(subject: Subject) {
    let store = &subject.store;
    let first = elected(store, "one", LONG).await;
    let Candidacy::Standby { leader, left } = take(store, "other", SHORT).await else { panic!("two leaders") };
    assert_eq!(leader, "one");
    assert!(left <= LONG && left > LONG / 2, "{left:?}");
    store.end_term("one", first).await.unwrap();
    assert!(elected(store, "other", LONG).await > first);
    assert!(!store.renew_term("one", first, LONG).await.unwrap(), "it was given back");
}

/// A holder that was frozen and comes back: it is told that its term is over, and stands by.
pub async fn a_term_that_ran_out_goes_to_the_next_and_never_comes_back(subject: Subject) {
    let store = &subject.store;
    let frozen = elected(store, "one", SHORT).await;
    let next = elected_in_time(store, "other").await;
    assert!(next > frozen);
    assert!(!store.renew_term("one", frozen, LONG).await.unwrap());
    store.end_term("one", frozen).await.unwrap();
    assert!(matches!(take(store, "one", LONG).await, Candidacy::Standby { .. }), "the other leads on");
    assert!(store.renew_term("other", next, LONG).await.unwrap());
}

/// By the length that the renewal gives.
pub async fn a_renewed_term_outlasts_its_first_length(subject: Subject) {
    let store = &subject.store;
    let term = elected(store, "one", LONG / 4).await;
    assert!(store.renew_term("one", term, LONG).await.unwrap());
    let Candidacy::Standby { left, .. } = take(store, "other", LONG).await else { panic!("two leaders") };
    assert!(left > LONG / 2, "{left:?}");
    // The length counts from each renewal, so it may also be cut.
    assert!(store.renew_term("one", term, SHORT).await.unwrap());
    elected_in_time(store, "other").await;
}

/// It doesn't know whether the answer to its last call was yes.
pub async fn whoever_asks_again_gets_a_new_term(subject: Subject) {
    let store = &subject.store;
    let first = elected(store, "one", LONG).await;
    let second = elected(store, "one", LONG).await;
    assert!(second > first);
    assert!(!store.renew_term("one", first, LONG).await.unwrap(), "that was another term");
    assert!(store.renew_term("one", second, LONG).await.unwrap());
}

/// And nobody's mistake ends it.
pub async fn only_its_holder_renews_or_ends_a_term(subject: Subject) {
    let store = &subject.store;
    let term = elected(store, "one", LONG).await;
    assert!(!store.renew_term("other", term, LONG).await.unwrap());
    assert!(!store.renew_term("one", term + 1, LONG).await.unwrap());
    store.end_term("other", term).await.unwrap();
    store.end_term("one", term + 1).await.unwrap();
    assert!(store.renew_term("one", term, LONG).await.unwrap());
}

/// Sixteen at once, over and over.
pub async fn racing_candidates_elect_one(subject: Subject) {
    for round in 0..10 {
        let names: Vec<String> = (0..16).map(|candidate| format!("{round}/{candidate}")).collect();
        let asked = join_all(names.iter().map(|name| subject.store.take_term(name, LONG))).await;
        let elected: Vec<(&String, u64)> = names
            .iter()
            .zip(asked)
            .filter_map(|(name, answer)| match answer.unwrap() {
                Candidacy::Elected { term } => Some((name, term)),
                Candidacy::Standby { .. } => None,
            })
            .collect();
        let [(leader, term)] = elected[..] else { panic!("{elected:?}") };
        subject.store.end_term(leader, term).await.unwrap();
    }
}
