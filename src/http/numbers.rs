//! What numbers are, kept in mind: every report names one, and what it is hardly ever changes.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use conductor_actors::StateListener;
use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, PrRef, StreamId, StreamKind};
use conductor_core::port::{Store, StoreFailure};

use crate::subject;

/// Numbers of one generation; two are kept. More than are worked on at a time, at about 100 bytes each.
const GENERATION: usize = 50_000;

/// Numbers that are known to be an issue or a pull request.
///
/// A number that the log knows as an issue may yet turn out to be a pull request (somebody reported about it by the wrong name
/// before GitHub told of it), never the other way round. So an issue is what a *read of the store* has called so, and a pull
/// request is whatever was ever heard to be one: from this process's appends at once, from other replicas' as soon as their log
/// is followed. Numbers of which nothing is known are looked up each time.
#[derive(Debug, Default)]
pub struct Numbers(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<IssueRef, StreamKind>,
    old: HashMap<IssueRef, StreamKind>,
}

impl Numbers {
    /// What [`subject::kind_of`] says, from memory where it is known.
    ///
    /// # Errors
    /// When the store has to be asked and can't answer.
    pub async fn kind_of(&self, store: &dyn Store, reference: &IssueRef) -> Result<Option<StreamKind>, StoreFailure> {
        if let Some(known) = self.known().get(reference) {
            return Ok(Some(known));
        }
        let found = subject::kind_of(store, reference).await?;
        Ok(found.map(|kind| self.known().learn(reference, kind)))
    }

    /// That number is a pull request.
    pub fn is_pull_request(&self, reference: &PrRef) {
        self.known().learn(reference, StreamKind::PullRequest);
    }

    /// Each entry is whole after each single write.
    fn known(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn get(&mut self, reference: &IssueRef) -> Option<StreamKind> {
        if let Some(kind) = self.young.get(reference) {
            return Some(*kind);
        }
        let kind = *self.old.get(reference)?;
        self.insert(reference, kind);
        Some(kind)
    }

    /// Takes it in, unless it was heard meanwhile to be a pull request; gives what it is.
    fn learn(&mut self, reference: &IssueRef, kind: StreamKind) -> StreamKind {
        match self.get(reference) {
            Some(StreamKind::PullRequest) => StreamKind::PullRequest,
            Some(StreamKind::Issue | StreamKind::Agent | StreamKind::Rig) | None => {
                self.insert(reference, kind);
                kind
            }
        }
    }

    fn insert(&mut self, reference: &IssueRef, kind: StreamKind) {
        if self.young.len() >= GENERATION {
            self.old = take(&mut self.young);
        }
        self.young.insert(reference.clone(), kind);
    }
}

impl StateListener for Numbers {
    fn changed(&self, stream: &StreamId, _: u64, _: &StreamState) {
        match stream {
            StreamId::PullRequest(reference) => self.is_pull_request(reference),
            // It may be the number of a pull request nevertheless: see above.
            StreamId::Issue(_) | StreamId::Agent(_) | StreamId::Rig => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Daemon;
    use serde_json::json;

    fn reference(number: u64) -> IssueRef {
        IssueRef::parse(&format!("acme/web#{number}")).unwrap()
    }

    #[actix_web::test]
    async fn what_is_known_is_not_asked_again_and_what_is_not_is() {
        let daemon = Daemon::start().await;
        let numbers = Numbers::default();
        let kind_of = async |number| numbers.kind_of(&**daemon.store(), &reference(number)).await;
        assert_eq!(kind_of(4).await, Ok(None));
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" });
        daemon.report(&approval).await;
        assert_eq!(kind_of(4).await, Ok(Some(StreamKind::Issue)));
        daemon.store().close().await;
        assert_eq!(kind_of(4).await, Ok(Some(StreamKind::Issue)));
        assert!(kind_of(5).await.is_err());
    }

    #[actix_web::test]
    async fn an_issue_that_turns_out_to_be_a_pull_request_is_one_from_then_on() {
        let daemon = Daemon::start().await;
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 57, "title": "x" });
        daemon.report(&approval).await;
        let started = json!({ "type": "ESCALATED", "repo": "acme/web", "issueNumber": 57, "reason": "odd" });
        assert_eq!(daemon.report(&started).await["streamId"], "acme/web#57");
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        let numbers = &daemon.edge.numbers;
        assert_eq!(
            numbers.kind_of(&**daemon.store(), &reference(57)).await,
            Ok(Some(StreamKind::PullRequest)),
            "the read models say so, and so does who was told"
        );
    }

    #[test]
    fn a_look_that_was_overtaken_never_makes_an_issue_of_a_pull_request() {
        let numbers = Numbers::default();
        numbers.is_pull_request(&reference(57));
        assert_eq!(numbers.known().learn(&reference(57), StreamKind::Issue), StreamKind::PullRequest);
    }

    #[test]
    fn memory_is_bounded_and_what_is_asked_for_stays() {
        let numbers = Numbers::default();
        numbers.is_pull_request(&reference(1));
        for number in 2..4 * GENERATION as u64 {
            numbers.known().learn(&reference(number), StreamKind::Issue);
            assert_eq!(numbers.known().get(&reference(1)), Some(StreamKind::PullRequest));
        }
        let known = numbers.known();
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
        assert_eq!(known.old.get(&reference(2)).or(known.young.get(&reference(2))), None, "long not asked for");
    }
}
