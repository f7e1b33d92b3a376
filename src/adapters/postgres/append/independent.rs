use std::collections::HashSet;

use conductor_core::port::Guard;

use crate::codec::PreparedAppend;

/// Appends that may share one batch: a batch is judged against the log as it stood before, so none of them may be of
/// interest to another. The ones left out come with the next batch, first.
///
/// Only what an earlier append could *add* counts. One that ends a lease may let a guard in the same batch fail which would
/// hold after it; both came at once, so that answer is as right as the other.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    streams: HashSet<String>,
    keys: HashSet<(String, String)>,
    /// Agents that may get a lease.
    holders: HashSet<String>,
    /// Claimants that may get one which they have not started.
    unstarted: HashSet<String>,
}

impl Footprint {
    /// Takes the append in, unless something in here could change what is decided about it.
    pub(super) fn admit(&mut self, append: &PreparedAppend) -> bool {
        let key = append.idempotency.as_ref().map(|answer| (answer.scope.clone(), answer.key.clone()));
        let disturbed = self.streams.contains(&append.key)
            || key.as_ref().is_some_and(|key| self.keys.contains(key))
            || append.guards.iter().any(|guard| self.disturbs(guard));
        if disturbed {
            return false;
        }
        self.streams.insert(append.key.clone());
        self.keys.extend(key);
        if let Some(claimant) = &append.columns.holder {
            self.holders.insert(claimant.agent.to_string());
            if append.columns.unstarted {
                self.unstarted.insert(claimant.to_string());
            }
        }
        true
    }

    fn disturbs(&self, guard: &Guard) -> bool {
        match guard {
            Guard::StreamAt { stream, .. } => self.streams.contains(&stream.key()),
            Guard::LeasesBelow { agent, .. } => self.holders.contains(agent.as_str()),
            Guard::NothingUnstarted { claimant } => self.unstarted.contains(&claimant.to_string()),
            // Signs of life are no appends.
            Guard::LeaseSilentSince { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use conductor_core::identity::{Claimant, IssueRef, StreamId};
    use conductor_core::port::KeyedAnswer;

    use super::*;
    use crate::postgres::tests::story::append_to;

    fn prepared(issue: &str) -> PreparedAppend {
        PreparedAppend::new(append_to(issue, 0)).unwrap()
    }

    /// An append that gives the issue to a claimant, guarded as a claim is.
    fn claim(issue: &str, claimant: &str) -> PreparedAppend {
        let claimant = Claimant::parse(claimant).unwrap();
        let mut append = prepared(issue);
        append.columns.holder = Some(claimant.clone());
        append.columns.unstarted = true;
        append.guards =
            vec![Guard::LeasesBelow { agent: claimant.agent.clone(), limit: 1 }, Guard::NothingUnstarted { claimant }];
        append
    }

    fn admitted(appends: &[PreparedAppend]) -> Vec<bool> {
        let mut footprint = Footprint::default();
        appends.iter().map(|append| footprint.admit(append)).collect()
    }

    #[test]
    fn appends_to_different_streams_share_a_batch_and_to_one_stream_do_not() {
        let appends = ["acme/web#1", "acme/web#2", "ACME/web#1", "acme/web#3"].map(prepared);
        assert_eq!(admitted(&appends), [true, true, false, true]);
    }

    #[test]
    fn one_key_comes_once_in_a_batch_and_again_in_another_scope() {
        let keyed = |issue, scope: &str| {
            let key = KeyedAnswer { scope: scope.to_owned(), key: "k".to_owned(), fingerprint: "f".to_owned() };
            PreparedAppend { idempotency: Some(key), ..prepared(issue) }
        };
        let appends = [keyed("acme/web#1", "a"), keyed("acme/web#2", "a"), keyed("acme/web#3", "b")];
        assert_eq!(admitted(&appends), [true, false, true]);
    }

    #[test]
    fn a_neighbour_that_changes_in_the_batch_is_looked_at_in_the_next() {
        let neighbour = StreamId::Issue(IssueRef::parse("Acme/Web#1").unwrap());
        let guarded = PreparedAppend {
            guards: vec![Guard::StreamAt { stream: neighbour, version: 0 }],
            ..prepared("acme/web#2")
        };
        assert_eq!(admitted(&[prepared("acme/web#1"), guarded.clone()]), [true, false]);
        assert_eq!(admitted(&[guarded, prepared("acme/web#1")]), [true, true], "it was looked at before");
    }

    #[test]
    fn an_agent_gets_at_most_one_lease_per_batch() {
        let appends = [
            claim("acme/web#1", "dev-e-node/a"),
            claim("acme/web#2", "dev-e-node/b"),
            claim("acme/web#3", "dev-e-python"),
        ];
        assert_eq!(admitted(&appends), [true, false, true]);
    }

    #[test]
    fn a_claimant_without_limit_still_gets_one_unstarted_lease_per_batch() {
        let unlimited = |issue| {
            let mut append = claim(issue, "dev-e-node/a");
            append.guards.retain(|guard| matches!(guard, Guard::NothingUnstarted { .. }));
            append
        };
        assert_eq!(admitted(&[unlimited("acme/web#1"), unlimited("acme/web#2")]), [true, false]);
    }
}
