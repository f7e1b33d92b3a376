//! What an issue's events mean for the streams of agents.

use crate::event::{IssueEvent, OwnIssueEvent};
use crate::reaction::{About, Effect, ForgetSession, Offer, Withdraw};

use super::{Issue, Lease};

/// A holder that didn't ask is told by an entry; a lease that ended takes its entry back; what is done is forgotten.
pub(super) fn reactions(issue: &Issue, event: &IssueEvent) -> impl Iterator<Item = Effect> + use<> {
    let about = || About::issue(&issue.reference);
    let recalled = issue.recalled.clone().map(|entry| Effect::Withdraw(Withdraw { about: about(), entry }));
    let follows = match event {
        IssueEvent::Own(OwnIssueEvent::Assigned(_)) => {
            let entry = issue.lease.as_ref().and_then(Lease::entry);
            entry.map(|entry| Effect::Offer(Offer { about: about(), entry }))
        }
        IssueEvent::Own(OwnIssueEvent::Done(_)) => {
            let pulls = issue.pulls.keys().cloned().collect();
            Some(Effect::ForgetSession(ForgetSession { issue: issue.reference.clone(), pulls }))
        }
        IssueEvent::Own(_) | IssueEvent::Pr(_) => None,
    };
    recalled.into_iter().chain(follows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{EntryKind, EntryOf, Moot, of_issue};
    use crate::identity::EventId;
    use crate::issue::tests::{BRANCH, NODE, PYTHON, in_review, merged, pushed, webhook};
    use crate::issue::{IssueCommand, IssueOverride};
    use crate::world::{World, claimant, issue_ref};

    fn of(agent: &str, version: u64) -> EntryOf {
        EntryOf { agent: claimant(agent).agent, version }
    }

    fn offer(agent: &str, version: u64) -> Effect {
        Effect::Offer(Offer { about: About::issue(&issue_ref(42)), entry: of(agent, version) })
    }

    fn withdraw(agent: &str, version: u64) -> Effect {
        Effect::Withdraw(Withdraw { about: About::issue(&issue_ref(42)), entry: of(agent, version) })
    }

    fn handed_out() -> World {
        let mut world = webhook();
        world.label(42);
        world.push(42, NODE);
        world
    }

    #[test]
    fn who_asked_is_told_in_the_answer_and_who_did_not_by_an_entry() {
        let mut world = webhook();
        world.label(42);
        world.claim(42, NODE);
        world.ask(42, &IssueCommand::ExpireLease { epoch: 1, reason: "expired".into() });
        assert_eq!(world.outside, [], "neither an entry, nor one to take back");
        world.push(42, PYTHON);
        assert_eq!(world.outside, [offer(PYTHON, world.issue(42).version)]);
    }

    /// Each path by which a lease ends, since any of them could be forgotten.
    #[test]
    fn every_end_of_a_lease_takes_its_entry_back_once() {
        type End = fn(&mut World);
        let ends: [(&str, End); 7] = [
            ("expiry", |world| drop(world.ask(42, &IssueCommand::ExpireLease { epoch: 1, reason: "expired".into() }))),
            ("release", |world| drop(world.overrule(42, IssueOverride::Release))),
            ("a new life", |world| drop(world.overrule(42, IssueOverride::Requeue))),
            ("a strike", |world| drop(world.stuck(42, NODE))),
            ("its pull request", |world| drop(world.see_pull(57, crate::world::opened(42, BRANCH, "aaaa", 10)))),
            ("giving up", |world| {
                drop(world.ask(42, &IssueCommand::Cancel { reason: "odd".into(), hand: crate::issue::Hand::Person }))
            }),
            ("a person", |world| drop(world.ask(42, &IssueCommand::Escalate { reason: "odd".into() }))),
        ];
        for (name, end) in ends {
            let mut world = handed_out();
            let offered = world.outside[0].clone();
            end(&mut world);
            assert_eq!(world.issue(42).lease, None, "{name}");
            assert_eq!(world.outside, [offered, withdraw(NODE, 2)], "{name}");
            world.overrule(42, IssueOverride::Pause);
            assert_eq!(world.outside.len(), 2, "{name}: an event later nothing is taken back again");
        }
    }

    #[test]
    fn another_lease_takes_the_first_ones_entry_back_before_it_adds_its_own() {
        let mut world = handed_out();
        world.overrule(42, IssueOverride::Assign { claimant: claimant(PYTHON), force: false });
        let second = world.issue(42).lease.unwrap().assigned_version;
        assert_eq!(world.outside, [offer(NODE, 2), withdraw(NODE, 2), offer(PYTHON, second)]);
    }

    #[test]
    fn what_agents_remember_goes_when_the_issue_is_done() {
        let mut world = in_review();
        world.see_pull(57, merged(20));
        let forget = ForgetSession { issue: issue_ref(42), pulls: vec![issue_ref(57)] };
        assert_eq!(world.outside, [Effect::ForgetSession(forget)]);
    }

    #[test]
    fn an_entry_says_what_the_row_says_when_it_is_delivered() {
        let mut world = handed_out();
        let (issue, event) = (world.issue(42), EventId(9));
        let entry = of_issue(&issue, Some("It is.".into()), &of(NODE, 2), event).unwrap();
        assert_eq!((entry.job.kind(), entry.body.as_str(), entry.attempt), (EntryKind::Work, "It is.", 1));
        assert_eq!((entry.title, entry.event_id), (issue.title.clone(), event));
        assert_eq!(of_issue(&issue, None, &of(NODE, 1), event), Err(Moot::LeaseEnded), "of another lease");
        world.start(42, NODE);
        assert_eq!(of_issue(&world.issue(42), None, &of(NODE, 2), event), Err(Moot::Started));
        world.stuck(42, NODE);
        assert_eq!(of_issue(&world.issue(42), None, &of(NODE, 2), event), Err(Moot::LeaseEnded));
    }

    #[test]
    fn rework_names_its_pull_request_and_what_was_wrong() {
        let mut world = in_review();
        world.check(57, "aaaa", 1, "failure");
        world.push(42, NODE);
        let issue = world.issue(42);
        let entry = of_issue(&issue, None, &issue.lease.as_ref().unwrap().entry().unwrap(), EventId(9)).unwrap();
        assert_eq!(entry.job.kind(), EntryKind::Rework);
        let fields = entry.fields();
        for (name, value) in [("prNumber", "57"), ("headSha", "aaaa"), ("issueNumber", "42"), ("branchHint", BRANCH)] {
            assert!(fields.contains(&(name, value.to_owned())), "{name} in {fields:?}");
        }
        world.see_pull(57, pushed("bbbb", 20));
        assert!(matches!(world.outside.last(), Some(Effect::Withdraw(_))), "the new head ends the rework");
    }
}
