use std::collections::BTreeMap;

use crate::event::PullRequestState;
use crate::identity::{AgentId, PrRef};
use crate::pull_request::{PullRequest, TryEnd};
use crate::quota::Drought;
use crate::time::Timestamp;

/// A pull request that wants a verdict or has been asked about, as far as it knows by itself: what is kept in mind of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaiting {
    /// Which one.
    pub pull: PrRef,
    /// Since when its head could be reviewed.
    pub since: Timestamp,
    /// Who is asked now, and until when.
    pub asked: Option<(AgentId, Timestamp)>,
    /// How dispatches about its head ended, as far as providers go, oldest first: by want of quota, or not.
    ended: Vec<(AgentId, Timestamp, bool)>,
}

impl Awaiting {
    /// What is kept in mind of it; `None` for one that is open to no verdict now.
    #[must_use]
    pub fn of(pull: &PullRequest) -> Option<Self> {
        let open = pull.known && pull.shown_state() == PullRequestState::Open;
        if !open || (pull.dispatch.is_none() && !pull.is_in_review()) {
            return None;
        }
        let tries = pull.current_head().map_or(&[] as &[_], |head| &head.tries);
        let ended = tries.iter().filter_map(|tried| {
            let dry = match tried.end? {
                TryEnd::Quota => true,
                TryEnd::Answered | TryEnd::Failed => false,
                // Of silence nobody knows what it comes from.
                TryEnd::TimedOut | TryEnd::Unheard | TryEnd::Undelivered | TryEnd::Obsolete => return None,
            };
            Some((tried.reviewer.clone(), tried.ended_at?, dry))
        });
        Some(Self {
            pull: pull.reference.clone(),
            since: pull.reviewable_since.or(pull.updated_at)?,
            asked: pull.dispatch.as_ref().map(|dispatch| (dispatch.reviewer.clone(), dispatch.deadline)),
            ended: ended.collect(),
        })
    }
}

/// Each reviewer's failures in a row for want of quota, over all that waits.
#[must_use]
pub fn droughts<'a>(awaiting: impl IntoIterator<Item = &'a Awaiting>) -> BTreeMap<AgentId, Drought> {
    let mut ended: Vec<&(AgentId, Timestamp, bool)> = awaiting.into_iter().flat_map(|one| &one.ended).collect();
    ended.sort_by_key(|(_, at, _)| *at);
    let mut droughts: BTreeMap<AgentId, Drought> = BTreeMap::new();
    for (reviewer, at, dry) in ended {
        if *dry {
            let failures = droughts.get(reviewer).map_or(0, |drought| drought.failures) + 1;
            droughts.insert(reviewer.clone(), Drought { failures, last: *at });
        } else {
            droughts.remove(reviewer);
        }
    }
    droughts
}
