//! What a person may overrule of an issue: every kind in every state, and what no override gets around.

use super::tests::{BRANCH, NODE, PYTHON, REVIEWER, closed_as, in_progress, in_review, webhook};
use crate::decider::{Outcome, Refusal};
use crate::event::{AssignmentKind, IssueState, Priority};
use crate::issue::{IssueCommand, IssueOverride, Reported};
use crate::pull_request::VerdictKind;
use crate::roster::{GitHubMode, Role, UnknownAgents};
use crate::world::{World, claimant, issue_ref, opened, rule_of};

const DOTNET: &str = "dev-e-dotnet";

fn assign(agent: &str) -> IssueOverride {
    IssueOverride::Assign { claimant: claimant(agent), force: false }
}

fn forced(agent: &str) -> IssueOverride {
    IssueOverride::Assign { claimant: claimant(agent), force: true }
}

/// What becomes of an override: the state after it, or why there is none.
fn after(state: IssueState, what: IssueOverride) -> String {
    let mut world = World::in_state(state);
    let before = world.events(42).len();
    match world.overrule(42, what) {
        Outcome::Accepted => {
            assert_eq!(
                world.events(42)[before],
                "OPERATOR_OVERRIDE",
                "the override stands before what follows from it"
            );
            world.state(42).to_owned()
        }
        Outcome::Refused(Refusal::Inapplicable { state: told, why }) => {
            assert_eq!((told.as_str(), world.events(42).len()), (state.as_str(), before));
            assert!(why.contains(state.as_str()), "{why}");
            "inapplicable".to_owned()
        }
        other @ (Outcome::Unchanged { .. } | Outcome::Refused(_)) => {
            assert_eq!(world.events(42).len(), before);
            rule_of(&other).to_owned()
        }
    }
}

#[test]
fn every_kind_in_every_state() {
    use IssueOverride::{Cancel, CloseZombie, Pause, Release, Requeue, Resume};
    let (same, no) = ("unchanged", "inapplicable");
    let kinds = || [Release, Requeue, assign(PYTHON), Cancel, CloseZombie, Pause, Resume];
    for state in IssueState::ALL {
        let expected = match state {
            IssueState::Queued => [same, same, "assigned", "cancelled", "cancelled", "queued", same],
            IssueState::Assigned => ["queued", "queued", "assigned", "cancelled", "cancelled", "assigned", same],
            IssueState::InProgress => ["queued", "queued", "assigned", "cancelled", "cancelled", "in_progress", same],
            IssueState::InReview => [no, "in_review", "changes_requested", "cancelled", "cancelled", "in_review", same],
            IssueState::ChangesRequested => {
                [same, "changes_requested", "changes_requested", "cancelled", "cancelled", "changes_requested", same]
            }
            IssueState::ReadyToMerge => {
                [no, "ready_to_merge", "changes_requested", "cancelled", "cancelled", "ready_to_merge", same]
            }
            IssueState::Deploying => [no, "queued", "assigned", "cancelled", no, "deploying", same],
            IssueState::Escalated => {
                [no, "in_review", "changes_requested", "cancelled", "cancelled", "escalated", same]
            }
            IssueState::Done => [no, "queued", "assigned", no, no, no, same],
            IssueState::Cancelled => [no, "in_review", "changes_requested", same, same, no, same],
        };
        let found = kinds().map(|kind| after(*state, kind));
        assert_eq!(found, expected, "release, requeue, assign, cancel, close-zombie, pause, resume in {state}");
    }
}

#[test]
fn an_issue_that_nobody_approved_is_unknown_to_every_kind() {
    use IssueOverride::{Cancel, CloseZombie, Pause, Release, Requeue, Resume};
    for kind in [Release, Requeue, assign(NODE), forced(NODE), Cancel, CloseZombie, Pause, Resume] {
        let mut world = webhook();
        assert_eq!(rule_of(&world.overrule(42, kind)), "unknown");
        assert_eq!(world.events(42), [] as [&str; 0]);
    }
}

#[test]
fn a_released_issue_is_claimed_again_without_a_strike() {
    let mut world = in_progress();
    world.overrule(42, IssueOverride::Release);
    assert_eq!(world.events(42)[3..], ["OPERATOR_OVERRIDE", "ISSUE_UNASSIGNED"]);
    let issue = world.issue(42);
    assert_eq!((issue.strikes, issue.excluded.len(), issue.leases_without_progress), (0, 0, 0));
    assert_eq!(rule_of(&world.start(42, NODE)), "stale_lease", "the old holder is out");
    assert_eq!(rule_of(&world.claim(42, NODE)), "accepted");
}

#[test]
fn a_new_life_forgets_strikes_and_exclusions_and_not_who_produced_what() {
    let mut world = in_progress();
    world.stuck(42, NODE);
    world.claim(42, PYTHON);
    world.stuck(42, PYTHON);
    assert_eq!(world.state(42), "escalated");
    assert_eq!(rule_of(&world.overrule(42, IssueOverride::Requeue)), "accepted");
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.strikes, issue.excluded.len()), ("queued", 0, 0));
    assert_eq!(issue.holders.len(), 2, "they never approve it");
    assert_eq!(rule_of(&world.overrule(42, IssueOverride::Requeue)), "unchanged");
    world.claim(42, NODE);
    assert_eq!(world.issue(42).lease.unwrap().branch_hint, "agent/issue-42-3", "and no branch is named twice");
}

#[test]
fn a_new_life_takes_a_withdrawal_back() {
    let mut world = in_progress();
    let unlabelled = crate::issue::IssueAction::Unlabeled("agent-ready".into());
    let seen = super::tests::seen(unlabelled, 10);
    world.ask(42, &IssueCommand::Observe(crate::issue::IssueObservation { labels: Vec::new(), ..seen }));
    assert!(world.issue(42).withdrawn);
    world.overrule(42, IssueOverride::Requeue);
    assert_eq!(world.state(42), "queued");
}

#[test]
fn what_is_closed_at_github_is_not_brought_back_from_here() {
    for reason in ["completed", "not_planned"] {
        let mut world = in_progress();
        world.ask(42, &IssueCommand::Observe(closed_as(reason, 20)));
        for kind in [IssueOverride::Requeue, assign(PYTHON), forced(PYTHON)] {
            let refused = world.overrule(42, kind);
            let Outcome::Refused(Refusal::Inapplicable { why, .. }) = refused else { panic!("{reason}: {refused:?}") };
            assert!(why.contains("reopen it there"), "{why}");
        }
    }
}

#[test]
fn an_assignment_takes_the_lease_from_whoever_holds_it() {
    let mut world = in_progress();
    let token = world.issue(42).lease.unwrap().token;
    assert_eq!(rule_of(&world.overrule(42, assign(PYTHON))), "accepted");
    let expected = ["OPERATOR_OVERRIDE", "ISSUE_UNASSIGNED", "ISSUE_REOPENED", "ISSUE_ASSIGNED"];
    assert_eq!(world.events(42)[3..], expected);
    let lease = world.issue(42).lease.unwrap();
    assert_eq!((lease.claimant, lease.epoch, lease.kind), (claimant(PYTHON), 2, AssignmentKind::Work));
    assert_ne!(lease.token, token);
    assert_eq!(rule_of(&world.stuck(42, NODE)), "stale_lease");
    assert_eq!(rule_of(&world.overrule(42, assign(PYTHON))), "unchanged", "it holds it already");
}

/// What becomes of an assignment to `agent`, without and with force, after `prepare` and the label.
fn assigned_to(agent: &str, prepare: impl Fn(&mut World)) -> [&'static str; 2] {
    [false, true].map(|force| {
        let mut world = webhook();
        prepare(&mut world);
        world.label(42);
        let outcome = world.overrule(42, IssueOverride::Assign { claimant: claimant(agent), force });
        let events = world.events(42);
        assert_eq!(events.contains(&"ISSUE_ASSIGNED"), outcome == Outcome::Accepted);
        assert_eq!(events.contains(&"OPERATOR_OVERRIDE"), outcome == Outcome::Accepted, "a refusal leaves no trace");
        rule_of(&outcome)
    })
}

#[test]
fn an_assignment_goes_through_the_rules_of_fit_and_force_skips_fit_alone() {
    let stack = |world: &mut World| world.policy.repo_defaults.stack = Some("ios".into());
    assert_eq!(assigned_to(NODE, stack), ["no_fit", "accepted"]);
    assert_eq!(assigned_to(NODE, |world| world.pause_agent(NODE)), ["paused", "accepted"]);
    assert_eq!(assigned_to(NODE, |world| drop(world.pause(None, true))), ["paused", "accepted"]);
    assert_eq!(assigned_to(NODE, |world| drop(world.pause(Some("acme/web"), true))), ["paused", "accepted"]);
    assert_eq!(assigned_to(NODE, |world| drop(world.pause(Some("acme/api"), true))), ["accepted", "accepted"]);
    let waiting = |world: &mut World| {
        world.label(42);
        world.ask(42, &IssueCommand::Depend { on: vec![issue_ref(9)] });
    };
    assert_eq!(assigned_to(NODE, waiting), ["dependency_open", "dependency_open"]);
    let busy = |world: &mut World| {
        world.label(1);
        world.claim(1, NODE);
    };
    assert_eq!(assigned_to(NODE, busy), ["lost_race", "lost_race"], "capacity holds whatever the force");
    assert_eq!(assigned_to("review-e", |_| {}), ["no_fit", "no_fit"], "a reviewer holds no work");
    let closed = |world: &mut World| world.policy.unknown_agents = UnknownAgents::Refuse;
    assert_eq!(assigned_to("stranger", closed), ["forbidden", "forbidden"]);
}

#[test]
fn another_instance_of_the_holder_is_not_kept_out_by_the_lease_that_it_takes_over() {
    let mut world = webhook();
    world.label(42);
    world.claim(42, "dev-e-node/ab12c");
    assert_eq!(rule_of(&world.overrule(42, assign("dev-e-node/xy34z"))), "accepted");
    world.label(1);
    assert_eq!(rule_of(&world.overrule(1, assign("dev-e-node/ab12c"))), "lost_race", "its capacity is one");
    let critical = Priority::Critical;
    world.ask(1, &IssueCommand::Prioritise { priority: critical });
    assert_eq!(rule_of(&world.overrule(1, assign("dev-e-node/ab12c"))), "accepted", "critical work goes one above");
}

#[test]
fn with_a_current_pull_request_an_assignment_is_rework_until_the_next_head_whatever_the_facts() {
    let mut world = in_review();
    world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 1);
    assert_eq!(world.state(42), "ready_to_merge");
    world.overrule(42, assign(PYTHON));
    let lease = world.issue(42).lease.unwrap();
    assert_eq!((lease.kind, lease.branch_hint.as_str()), (AssignmentKind::Rework, BRANCH));
    world.check(57, "aaaa", 1, "success");
    assert_eq!((world.state(42), world.issue(42).lease.is_some()), ("changes_requested", true));
    world.see_pull(57, super::tests::pushed("bbbb", 30));
    assert_eq!((world.state(42), world.issue(42).lease), ("in_review", None));
}

#[test]
fn rework_that_an_operator_gave_away_and_nobody_holds_is_asked_for_until_somebody_requeues() {
    let mut world = in_review();
    world.overrule(42, assign(PYTHON));
    world.overrule(42, IssueOverride::Release);
    assert_eq!(world.state(42), "changes_requested");
    assert!(world.issue(42).wants_a_holder());
    world.overrule(42, IssueOverride::Requeue);
    assert_eq!(world.state(42), "in_review", "where its facts are");
}

/// The holder of a person's pull request is whom an operator gave it: they are offered it again.
#[test]
fn a_persons_pull_request_that_was_given_to_an_agent_has_somebody_to_wait_for() {
    let mut world = webhook();
    world.label(42);
    world.see_pull(57, super::tests::by_person("OWNER", &["needs-review"], 10));
    world.overrule(42, assign(PYTHON));
    world.overrule(42, IssueOverride::Release);
    let mut queue = crate::claim::ReadyQueue::new(crate::time::hours(72));
    queue.update(&world.issue(42));
    let (entry, _) = queue.list(world.now).pop().unwrap();
    assert_eq!(entry.rework.map(|(author, _)| author.to_string()).as_deref(), Some(PYTHON));
}

#[test]
fn no_override_lets_a_producer_approve() {
    let mut world = World::new(GitHubMode::None);
    // The reviewer is a developer too, under a second entry with the same login: it holds the issue, then would review it.
    let login = crate::world::login(REVIEWER);
    let mut profile = world.policy.roster.agents[0].clone();
    profile.id = crate::identity::AgentId::parse("both-e").unwrap();
    profile.logins = vec![login];
    assert_eq!(profile.role, Role::Developer);
    world.policy.roster.agents.push(profile);
    world.label(42);
    for what in [assign("both-e"), IssueOverride::Release, IssueOverride::Requeue, assign(DOTNET)] {
        assert_eq!(rule_of(&world.overrule(42, what)), "accepted");
    }
    world.start(42, DOTNET);
    let branch = world.issue(42).lease.unwrap().branch_hint;
    world.see_pull(57, opened(42, &branch, "aaaa", 10));
    assert_eq!(world.state(42), "in_review");
    assert_eq!(rule_of(&world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 1)), "self_approval");
    world.overrule(42, IssueOverride::Requeue);
    assert_eq!(rule_of(&world.review(57, VerdictKind::Approved, REVIEWER, "aaaa", 2)), "self_approval");
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn a_paused_issue_keeps_its_holder_and_gets_no_other() {
    let mut world = in_progress();
    world.overrule(42, IssueOverride::Pause);
    assert_eq!(world.events(42)[3..], ["OPERATOR_OVERRIDE", "PAUSED"]);
    assert_eq!(rule_of(&world.report(42, NODE, Reported::Branch { branch: "b".into() })), "accepted");
    world.overrule(42, IssueOverride::Release);
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "paused");
    assert_eq!(world.overrule(42, IssueOverride::Pause), Outcome::Unchanged { since: 5 });
    world.overrule(42, IssueOverride::Resume);
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "accepted");
}

#[test]
fn a_zombie_is_brought_back_by_reopening_it_at_github() {
    let mut world = in_progress();
    world.overrule(42, IssueOverride::CloseZombie);
    assert_eq!((world.state(42), world.issue(42).lease), ("cancelled", None));
    world.ask(42, &IssueCommand::Observe(super::tests::seen(crate::issue::IssueAction::Reopened, 9_000)));
    assert_eq!(world.state(42), "queued");
}
