//! What a pull request's events mean for the streams of reviewers.

use crate::event::PullRequestEvent;
use crate::reaction::{About, Effect, Offer, Withdraw};

use super::{Dispatch, PullRequest};

/// A reviewer is told of a dispatch by an entry; a dispatch that ended takes its entry back.
pub(super) fn reactions(pull: &PullRequest, event: &PullRequestEvent) -> impl Iterator<Item = Effect> + use<> {
    let about = || About::pull_request(&pull.reference);
    let recalled = pull.recalled.clone().map(|entry| Effect::Withdraw(Withdraw { about: about(), entry }));
    let dispatched = pull.dispatch.as_ref().filter(|_| matches!(event, PullRequestEvent::ReviewAssigned(_)));
    let offered = dispatched.map(Dispatch::entry);
    recalled.into_iter().chain(offered.map(|entry| Effect::Offer(Offer { about: about(), entry })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{EntryKind, Moot, of_pull_request};
    use crate::identity::EventId;
    use crate::pull_request::tests::{head, in_review};
    use crate::time::minutes;
    use crate::world::{World, issue_ref};

    fn dispatched() -> World {
        let mut world = in_review();
        world.now = world.now.plus(minutes(3));
        world.see_to_review(57);
        world
    }

    #[test]
    fn a_reviewer_is_told_and_a_dispatch_that_ended_is_taken_back() {
        let mut world = dispatched();
        let entry = world.pull(57).dispatch.unwrap().entry();
        let about = || About::pull_request(&issue_ref(57));
        let offer = Effect::Offer(Offer { about: about(), entry: entry.clone() });
        assert_eq!(world.outside, std::slice::from_ref(&offer));
        world.check(57, "aaaa", 1, "failure");
        assert_eq!(world.pull(57).dispatch, None);
        assert_eq!(world.outside, [offer, Effect::Withdraw(Withdraw { about: about(), entry })]);
    }

    #[test]
    fn a_review_is_about_the_head_that_it_was_asked_for() {
        let mut world = dispatched();
        let (pull, issue) = (world.pull(57), world.issue(42));
        let of = pull.dispatch.as_ref().unwrap().entry();
        let entry = of_pull_request(&pull, Some((&issue, Some("It is.".into()))), &of, EventId(9)).unwrap();
        assert_eq!((entry.job.kind(), entry.body.as_str()), (EntryKind::Review, "It is."));
        for field in [("issueNumber", "57"), ("prNumber", "57"), ("headSha", "aaaa")] {
            assert!(entry.fields().contains(&(field.0, field.1.to_owned())), "{field:?}");
        }
        assert!(of_pull_request(&pull, None, &of, EventId(9)).is_ok(), "an issue is not needed");
        world.see_pull(57, head("bbbb", 20));
        assert_eq!(of_pull_request(&world.pull(57), None, &of, EventId(9)), Err(Moot::DispatchEnded));
    }
}
