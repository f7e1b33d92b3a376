//! The issue's rules as stories: given what happened, when this is asked, then that is so.

use crate::decider::Outcome;
use crate::event::Priority;
use crate::issue::{IssueAction, IssueCommand, IssueObservation, Reported};
use crate::pull_request::{PrObservation, VerdictKind};
use crate::roster::{AgentProfile, GitHubMode, UnknownAgents};
use crate::world::{World, issue_ref, labelled, login, opened, rule_of};

pub(super) const NODE: &str = "dev-e-node";
pub(super) const PYTHON: &str = "dev-e-python";
pub(super) const REVIEWER: &str = "review-e-bot[bot]";
pub(super) const BRANCH: &str = "agent/issue-42-1";

pub(super) fn webhook() -> World {
    World::new(GitHubMode::Webhook)
}

/// #42 is labelled, claimed and started by dev-e-node.
pub(super) fn in_progress() -> World {
    let mut world = webhook();
    world.label(42);
    world.claim(42, NODE);
    world.start(42, NODE);
    world
}

/// Its pull request #57 is open on the lease's branch, head `aaaa`.
pub(super) fn in_review() -> World {
    let mut world = in_progress();
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    world
}

pub(super) fn pushed(head: &str, second: i64) -> PrObservation {
    PrObservation { pushed_by: Some(login("dev-e-bot[bot]")), ..opened(42, BRANCH, head, second) }
}

pub(super) fn merged(second: i64) -> PrObservation {
    PrObservation { open: false, merged: true, ..opened(42, BRANCH, "aaaa", second) }
}

pub(super) fn closed(second: i64) -> PrObservation {
    PrObservation { open: false, ..opened(42, BRANCH, "aaaa", second) }
}

pub(super) fn seen(action: IssueAction, second: i64) -> IssueObservation {
    IssueObservation { action, ..labelled(second) }
}

pub(super) fn closed_as(reason: &str, second: i64) -> IssueObservation {
    IssueObservation { open: false, state_reason: Some(reason.into()), ..seen(IssueAction::Closed, second) }
}

#[test]
fn from_the_label_to_done() {
    let mut world = in_review();
    assert_eq!(world.state(42), "in_review");
    world.check(57, "aaaa", 1, "failure");
    assert_eq!(world.state(42), "changes_requested");
    assert_eq!(world.claim(42, NODE), Outcome::Accepted);
    assert_eq!(world.state(42), "changes_requested", "rework keeps the state");
    world.see_pull(57, pushed("bbbb", 20));
    assert_eq!(world.state(42), "in_review");
    assert_eq!(world.issue(42).lease, None, "the new head ends the rework");
    world.check(57, "bbbb", 2, "success");
    assert_eq!(rule_of(&world.review(57, VerdictKind::Approved, "dev-e-bot[bot]", "bbbb", 1)), "self_approval");
    assert_eq!(world.state(42), "in_review");
    world.review(57, VerdictKind::Approved, REVIEWER, "bbbb", 2);
    assert_eq!(world.state(42), "ready_to_merge");
    world.see_pull(57, PrObservation { open: false, merged: true, ..opened(42, BRANCH, "bbbb", 30) });
    assert_eq!(world.state(42), "done");
    assert_eq!(world.events(42).last(), Some(&"ISSUE_DONE"));
}

#[test]
fn an_issue_without_the_label_is_nobodys_business() {
    let mut world = webhook();
    let plain = IssueObservation { labels: Vec::new(), action: IssueAction::Other, ..labelled(0) };
    assert_eq!(world.ask(42, &IssueCommand::Observe(plain)), Outcome::Unchanged { since: 0 });
    assert_eq!(world.state(42), "unapproved");
}

#[test]
fn of_many_claimants_one_gets_it_and_the_same_one_gets_it_again() {
    let mut world = webhook();
    world.label(42);
    assert_eq!(world.claim(42, NODE), Outcome::Accepted);
    let token = world.issue(42).lease.unwrap().token;
    assert_eq!(rule_of(&world.claim(42, PYTHON)), "lost_race");
    assert_eq!(rule_of(&world.claim(42, "dev-e-node/ab12c")), "lost_race", "an instance is another claimant");
    assert_eq!(rule_of(&world.claim(42, NODE)), "unchanged");
    assert_eq!(world.issue(42).lease.unwrap().token, token);
    world.start(42, NODE);
    assert_eq!(rule_of(&world.claim(42, NODE)), "lost_race", "a started one is not handed out again");
}

#[test]
fn every_lease_has_a_token_and_an_epoch_of_its_own() {
    let mut world = webhook();
    world.label(42);
    world.claim(42, NODE);
    let first = world.issue(42).lease.unwrap();
    world.ask(42, &IssueCommand::ExpireLease { epoch: 1, reason: "expired".into() });
    assert_eq!(world.state(42), "queued");
    world.claim(42, PYTHON);
    let second = world.issue(42).lease.unwrap();
    assert!(first.token != second.token && first.epoch == 1 && second.epoch == 2);
    let late = world.ask(42, &IssueCommand::ExpireLease { epoch: 1, reason: "expired".into() });
    assert_eq!(rule_of(&late), "unchanged", "a judgement on an old epoch leaves the new lease alone");
}

#[test]
fn whoever_is_not_the_holder_is_refused_on_record() {
    let mut world = in_progress();
    assert_eq!(rule_of(&world.stuck(42, PYTHON)), "stale_lease");
    assert_eq!(world.state(42), "in_progress");
    assert_eq!(world.events(42).last(), Some(&"STALE_LEASE_REFUSED"));
}

#[test]
fn repeats_are_recognised_against_the_state() {
    let mut world = in_progress();
    let before = world.events(42).len();
    assert_eq!(rule_of(&world.start(42, NODE)), "unchanged");
    world.stuck(42, NODE);
    let after_one = world.events(42).len();
    assert_eq!(rule_of(&world.stuck(42, NODE)), "unchanged");
    assert_eq!(world.events(42).len(), after_one);
    assert!(after_one > before);
    assert_eq!(world.issue(42).strikes, 1);
}

#[test]
fn two_strikes_then_a_human() {
    let mut world = in_progress();
    world.stuck(42, NODE);
    assert_eq!(world.state(42), "queued");
    assert_eq!(rule_of(&world.claim(42, NODE)), "excluded");
    world.claim(42, PYTHON);
    let lease = world.issue(42).lease.unwrap();
    assert_eq!(lease.branch_hint, "agent/issue-42-2", "a fresh branch");
    world.start(42, PYTHON);
    world.stuck(42, PYTHON);
    assert_eq!(world.state(42), "escalated");
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("two_strikes"));
    assert_eq!(rule_of(&world.claim(42, "dev-e-dotnet")), "lost_race", "nobody is assigned until a person acts");
}

#[test]
fn the_first_strike_escalates_where_nobody_else_fits() {
    let mut world = webhook();
    world.policy.repo_defaults.stack = Some("node".into());
    world.label(42);
    world.claim(42, NODE);
    world.stuck(42, NODE);
    assert_eq!(world.state(42), "escalated");
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("no_other_agent"));
}

#[test]
fn a_person_brings_an_escalated_issue_back_by_setting_the_label_anew() {
    let mut world = in_progress();
    world.stuck(42, NODE);
    world.claim(42, PYTHON);
    world.stuck(42, PYTHON);
    let old = world.ask(42, &IssueCommand::Observe(seen(IssueAction::Labeled("agent-ready".into()), 1)));
    assert_eq!((world.state(42), rule_of(&old)), ("escalated", "accepted"), "the label of before is not anew");
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Labeled("agent-ready".into()), 5_000)));
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
}

#[test]
fn a_provider_without_quota_is_not_the_agents_failure() {
    let mut world = in_progress();
    world.report(42, NODE, Reported::Stuck { reason: "429: usage_limit_reached, try later".into() });
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 0));
}

#[test]
fn three_leases_in_a_row_without_progress_bring_a_person() {
    let mut world = webhook();
    world.label(42);
    for epoch in 1..=3 {
        assert_eq!(world.state(42), "queued");
        world.claim(42, if epoch == 2 { NODE } else { PYTHON });
        world.ask(42, &IssueCommand::ExpireLease { epoch, reason: "expired".into() });
    }
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("no_progress"));
    assert_eq!(world.issue(42).strikes, 0);
}

#[test]
fn an_issue_waits_for_what_it_depends_on_and_fails_closed() {
    let mut world = webhook();
    let body = Some("Depends on: #7".to_owned());
    world.ask(42, &IssueCommand::Observe(IssueObservation { body, ..labelled(0) }));
    assert_eq!(world.issue(42).depends_on, [issue_ref(7)]);
    assert_eq!(rule_of(&world.claim(42, NODE)), "dependency_open", "an unknown one keeps the gate shut");
    world.label(7);
    world.ask(7, &IssueCommand::Cancel { reason: "no longer wanted".into(), hand: crate::issue::Hand::Person });
    assert_eq!(rule_of(&world.claim(42, NODE)), "dependency_open", "a cancelled one too");
    world.ask(7, &IssueCommand::Observe(closed_as("completed", 60)));
    assert_eq!(world.state(7), "done");
    assert_eq!(rule_of(&world.claim(42, NODE)), "accepted");
}

#[test]
fn an_issue_that_nobody_approved_frees_its_dependants_when_closed_as_completed() {
    let mut world = webhook();
    let plain = IssueObservation { labels: Vec::new(), ..closed_as("completed", 5) };
    world.ask(7, &IssueCommand::Observe(plain));
    assert_eq!(world.state(7), "unapproved");
    assert!(world.issue(7).frees_dependants());
}

#[test]
fn a_reviewer_never_holds_work() {
    let mut world = webhook();
    world.label(42);
    assert_eq!(rule_of(&world.claim(42, "review-e")), "no_fit");
}

#[test]
fn strangers_are_handed_work_only_where_they_are_allowed() {
    let mut world = webhook();
    world.label(42);
    world.policy.unknown_agents = UnknownAgents::Refuse;
    assert_eq!(rule_of(&world.claim(42, "somebody")), "forbidden");
    world.policy.unknown_agents = UnknownAgents::Allow;
    assert_eq!(rule_of(&world.claim(42, "somebody")), "accepted");
}

#[test]
fn a_persons_hook_claims_by_starting_and_is_never_handed_work() {
    let mut world = webhook();
    world.policy.unknown_agents = UnknownAgents::Hook;
    world.label(42);
    assert_eq!(rule_of(&world.claim(42, "laptop")), "forbidden");
    assert_eq!(rule_of(&world.start(42, "laptop")), "accepted");
    assert_eq!(world.state(42), "in_progress");
    assert!(world.issue(42).lease.unwrap().hook);
}

#[test]
fn a_zombies_pull_request_is_superseded_on_record() {
    let mut world = in_progress();
    world.stuck(42, NODE);
    world.claim(42, PYTHON);
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    assert_eq!(world.state(42), "assigned", "it ends nobody's lease");
    assert_eq!(world.pull(57).shown_state().as_str(), "superseded");
    assert!(world.events(42).contains(&"PR_SUPERSEDED"));
    world.see_pull(58, opened(42, "agent/issue-42-2", "cccc", 20));
    assert_eq!((world.state(42), world.issue(42).current), ("in_review", Some(issue_ref(58))));
}

#[test]
fn without_a_live_lease_an_agents_pull_request_moves_nothing() {
    let mut world = webhook();
    world.label(42);
    world.see_pull(57, opened(42, "feature/x", "aaaa", 10));
    assert_eq!(world.state(42), "queued");
    assert_eq!(world.pull(57).shown_state().as_str(), "superseded");
}

#[test]
fn a_draft_changes_nothing_until_it_is_ready() {
    let mut world = in_progress();
    world.see_pull(57, PrObservation { draft: true, ..opened(42, BRANCH, "aaaa", 10) });
    assert_eq!(world.state(42), "in_progress");
    assert!(world.issue(42).lease.is_some());
    world.see_pull(57, opened(42, BRANCH, "aaaa", 20));
    assert_eq!(world.state(42), "in_review");
}

pub(super) fn by_person(association: &str, labels: &[&str], second: i64) -> PrObservation {
    PrObservation {
        author: Some(login("alice")),
        author_association: Some(association.into()),
        labels: Some(labels.iter().map(|label| (*label).to_owned()).collect()),
        ..opened(42, "alice/fix", "dddd", second)
    }
}

#[test]
fn a_strangers_pull_request_is_a_row_and_no_more() {
    let mut world = in_progress();
    let before = world.events(42);
    world.see_pull(57, by_person("NONE", &["needs-review"], 10));
    assert!(world.pull(57).known);
    assert_eq!((world.state(42), world.events(42)), ("in_progress", before));
}

#[test]
fn a_persons_pull_request_counts_with_needs_review() {
    let mut world = webhook();
    world.label(42);
    world.see_pull(57, by_person("MEMBER", &[], 10));
    assert_eq!(world.state(42), "queued");
    world.see_pull(57, by_person("MEMBER", &["needs-review"], 20));
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn a_pull_request_opened_before_the_approval_is_linked_at_the_approval() {
    let mut world = webhook();
    world.see_pull(57, by_person("OWNER", &["needs-review"], 10));
    assert_eq!(world.state(42), "unapproved");
    world.label(42);
    assert_eq!(world.state(42), "in_review");
}

#[test]
fn a_pull_request_closed_without_merge_returns_the_issue_and_the_second_one_brings_a_person() {
    let mut world = in_review();
    world.see_pull(57, closed(20));
    assert_eq!(world.state(42), "queued");
    assert_eq!(world.issue(42).strikes, 0);
    assert_eq!(rule_of(&world.claim(42, NODE)), "excluded", "its author");
    world.claim(42, PYTHON);
    let branch = world.issue(42).lease.unwrap().branch_hint;
    world.see_pull(58, opened(42, &branch, "cccc", 30));
    assert_eq!(world.state(42), "in_review");
    world.see_pull(58, PrObservation { open: false, ..opened(42, &branch, "cccc", 40) });
    assert_eq!(world.state(42), "escalated");
}

#[test]
fn a_pull_request_opened_again_takes_its_place_back() {
    let mut world = in_review();
    world.see_pull(57, closed(20));
    world.see_pull(57, opened(42, BRANCH, "aaaa", 30));
    let issue = world.issue(42);
    assert_eq!((world.state(42), issue.closed_pulls, issue.excluded.len()), ("in_review", 0, 0));
}

#[test]
fn a_pull_request_opened_again_too_late_is_superseded() {
    let mut world = in_review();
    world.see_pull(57, closed(20));
    world.claim(42, PYTHON);
    world.see_pull(57, opened(42, BRANCH, "aaaa", 30));
    assert_eq!((world.state(42), world.pull(57).shown_state().as_str()), ("assigned", "superseded"));
}

#[test]
fn merged_and_closed_give_the_same_row_in_either_order() {
    for merge_first in [true, false] {
        let mut world = in_review();
        if merge_first {
            world.see_pull(57, merged(20));
            world.ask(42, &IssueCommand::Observe(closed_as("completed", 21)));
        } else {
            world.ask(42, &IssueCommand::Observe(closed_as("completed", 21)));
            world.see_pull(57, merged(20));
        }
        assert_eq!((world.state(42), world.issue(42).shown), ("done", Some(issue_ref(57))), "{merge_first}");
    }
}

#[test]
fn closing_as_not_planned_revokes_the_lease_and_a_merge_wins_over_it() {
    let mut world = in_review();
    world.ask(42, &IssueCommand::Observe(closed_as("not_planned", 20)));
    assert_eq!(world.state(42), "cancelled");
    world.see_pull(57, merged(30));
    assert_eq!(world.state(42), "done");

    let mut world = in_progress();
    world.ask(42, &IssueCommand::Observe(closed_as("not_planned", 20)));
    assert_eq!((world.state(42), world.issue(42).lease), ("cancelled", None));
    assert_eq!(rule_of(&world.start(42, NODE)), "stale_lease");
}

#[test]
fn unlabelled_while_queued_cancels_and_the_label_brings_it_back() {
    let mut world = webhook();
    world.label(42);
    let without = IssueObservation { labels: Vec::new(), ..seen(IssueAction::Unlabeled("agent-ready".into()), 10) };
    world.ask(42, &IssueCommand::Observe(without));
    assert_eq!(world.state(42), "cancelled");
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Labeled("agent-ready".into()), 20)));
    assert_eq!(world.state(42), "queued");
}

#[test]
fn unlabelled_in_work_is_noted_and_cancels_at_the_next_return_to_the_queue() {
    let mut world = in_progress();
    let without = IssueObservation { labels: Vec::new(), ..seen(IssueAction::Unlabeled("agent-ready".into()), 10) };
    world.ask(42, &IssueCommand::Observe(without));
    assert_eq!(world.state(42), "in_progress");
    world.ask(42, &IssueCommand::Unassign { agent: None, reason: "released".into() });
    assert_eq!(world.state(42), "cancelled");
}

#[test]
fn reopening_a_done_issue_is_a_new_life_and_a_cancelled_one_keeps_its_strikes() {
    let mut world = in_review();
    world.see_pull(57, merged(20));
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 9_000)));
    assert_eq!((world.state(42), world.issue(42).lives), ("queued", 2));

    let mut world = in_progress();
    world.stuck(42, NODE);
    world.ask(42, &IssueCommand::Observe(closed_as("not_planned", 20)));
    world.ask(42, &IssueCommand::Observe(seen(IssueAction::Reopened, 30)));
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 1));
}

#[test]
fn what_github_said_earlier_never_overrides_what_it_said_later() {
    let mut world = webhook();
    world.label(42);
    let titled = |title: &str, second| IssueObservation { title: title.into(), ..seen(IssueAction::Other, second) };
    world.ask(42, &IssueCommand::Observe(titled("newest", 30)));
    world.ask(42, &IssueCommand::Observe(titled("older", 20)));
    assert_eq!(world.issue(42).title, "newest");
    let urgent = IssueObservation { labels: vec!["agent-ready".into(), "critical".into()], ..titled("newest", 40) };
    world.ask(42, &IssueCommand::Observe(urgent));
    assert_eq!(world.issue(42).priority, Priority::Critical);
}

#[test]
fn a_priority_set_by_a_coordinator_survives_edits_at_github() {
    let mut world = webhook();
    world.label(42);
    world.ask(42, &IssueCommand::Prioritise { priority: Priority::High });
    let edited = IssueObservation { title: "Another title".into(), ..seen(IssueAction::Other, 30) };
    world.ask(42, &IssueCommand::Observe(edited));
    assert_eq!(world.issue(42).priority, Priority::High);
}

#[test]
fn five_rounds_of_review_are_a_strike() {
    let mut world = in_review();
    for round in 0..5_u64 {
        let head = format!("a{round:03}");
        world.see_pull(57, pushed(&head, 20 + i64::try_from(round).unwrap()));
        assert_eq!(world.state(42), "in_review", "round {round}");
        world.review(57, VerdictKind::ChangesRequested, REVIEWER, &head, 100 + round);
    }
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 1));
    assert_eq!(world.pull(57).shown_state().as_str(), "superseded");
    assert!(world.issue(42).excluded.iter().any(|agent| agent.as_str() == NODE));
}

#[test]
fn three_red_heads_in_a_row_are_a_strike_and_a_green_one_between_is_not() {
    let mut world = in_review();
    for (run, head, conclusion) in
        [(1, "aaaa", "failure"), (2, "bbbb", "success"), (3, "cccc", "failure"), (4, "dddd", "failure")]
    {
        world.see_pull(57, pushed(head, 20 + i64::try_from(run).unwrap()));
        world.check(57, head, run, conclusion);
        assert_eq!(world.issue(42).strikes, 0, "{head}");
    }
    world.see_pull(57, pushed("eeee", 50));
    world.check(57, "eeee", 9, "failure");
    assert_eq!((world.state(42), world.issue(42).strikes), ("queued", 1));
}

#[test]
fn deploying_waits_for_verification_where_the_repository_says_so() {
    let mut world = in_review();
    world.policy.repo_defaults.deploys = true;
    world.see_pull(57, merged(20));
    assert_eq!(world.state(42), "deploying");
    let verified = crate::event::Verified { by: None };
    world.ask_pull(57, &crate::pull_request::PullRequestCommand::Record(Box::new(verified.into())));
    assert_eq!(world.state(42), "done");
}

#[test]
fn production_broken_by_the_change_is_new_work_with_the_failure_as_feedback() {
    let mut world = in_review();
    world.policy.repo_defaults.deploys = true;
    world.see_pull(57, merged(20));
    let failed = crate::event::SmokeFailed {
        cause: crate::event::SmokeCause::Code,
        retry_count: 0,
        details: Some("500 on /login".into()),
    };
    world.ask_pull(57, &crate::pull_request::PullRequestCommand::Record(Box::new(failed.into())));
    assert_eq!((world.state(42), world.issue(42).feedback.as_deref()), ("queued", Some("500 on /login")));
}

#[test]
fn without_github_a_report_is_the_fact_and_with_it_only_a_claim() {
    let report = || Reported::PullRequest {
        repo: crate::identity::RepoName::parse(crate::world::REPO).unwrap(),
        number: 57,
        url: None,
        branch: Some("odd/branch".into()),
        head_sha: None,
    };
    let mut world = World::new(GitHubMode::None);
    world.label(42);
    world.claim(42, NODE);
    assert_eq!(rule_of(&world.report(42, NODE, report())), "accepted");
    assert_eq!(world.state(42), "in_review");
    assert!(world.pull(57).known);
    assert_eq!(rule_of(&world.report(42, NODE, report())), "unchanged");

    let mut world = in_progress();
    world.report(42, NODE, report());
    assert_eq!(world.state(42), "in_progress", "nothing moves until GitHub confirms it");
    world.see_pull(57, PrObservation { linked_issues: Some(Vec::new()), ..opened(42, "odd/branch", "aaaa", 10) });
    assert_eq!(world.state(42), "in_review", "a confirmed report is a link, also without a closing keyword");
}

#[test]
fn the_order_of_work_started_does_not_matter_to_the_stream_runtime() {
    let mut world = webhook();
    world.label(42);
    world.claim(42, NODE);
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    assert_eq!(world.state(42), "in_review", "assigned -> in_review is legal");
}

#[test]
fn a_roster_with_one_developer_escalates_at_the_first_strike() {
    let mut world = webhook();
    world.policy.roster.agents.retain(|AgentProfile { id, .. }| id.as_str() == NODE);
    world.label(42);
    world.claim(42, NODE);
    world.stuck(42, NODE);
    assert_eq!(world.state(42), "escalated");
}
