//! The one rule of dispatch as stories.

use std::time::Duration;

use crate::agent::AgentCommand;
use crate::decider::Outcome;
use crate::event::{AgentQuotaReported, ReviewState};
use crate::identity::AgentId;
use crate::issue::IssueOverride;
use crate::pull_request::{PrObservation, PullRequestCommand, ReviewReport, TryEnd, VerdictKind};
use crate::roster::{GitHubMode, Person, Role};
use crate::time::{hours, minutes};
use crate::world::{World, ada, login, opened, rule_of};

use super::{NotWanted, Step, Wait, plan};

const REVIEW_E: &str = "review-e";
const CODEX: &str = "review-e-codex";
const BRANCH: &str = "agent/issue-42-1";

/// #42 is in review with pull request #57, head `aaaa`, since long enough.
fn in_review(github: GitHubMode) -> World {
    let mut world = World::new(github);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    world.wait(minutes(2));
    world
}

fn agent(id: &str) -> AgentId {
    AgentId::parse(id).unwrap()
}

fn hear(world: &mut World, id: &str) {
    world.heard.insert(agent(id), world.now);
}

/// Whom the rule asks now, which it must.
fn asks(world: &mut World) -> String {
    assert_eq!(world.see_to_review(57), Outcome::Accepted, "{:?}", waits(world));
    world.pull(57).dispatch.map_or_else(|| panic!("nobody is asked"), |dispatch| dispatch.reviewer.to_string())
}

/// What the rule waits for, which it must.
fn waits(world: &World) -> Wait {
    match world.review_step(57) {
        Step::Nothing(wait) => wait,
        step @ (Step::Ask { .. } | Step::GiveUp | Step::Call(_)) => panic!("there is something to do: {step:?}"),
    }
}

fn fails(world: &mut World, id: &str, reason: &str) {
    let what = ReviewReport::Failed { reason: reason.to_owned() };
    let report = PullRequestCommand::ReviewReport { reviewer: agent(id), what, head_sha: None };
    assert_eq!(world.ask_pull(57, &report), Outcome::Accepted);
}

fn says(world: &mut World, id: &str, kind: VerdictKind) -> Outcome {
    let what = ReviewReport::Verdict { kind, body: None, iteration: None };
    world.ask_pull(57, &PullRequestCommand::ReviewReport { reviewer: agent(id), what, head_sha: None })
}

fn used(world: &mut World, id: &str, five_hour: f64) {
    let quota = AgentQuotaReported { five_hour_pct: Some(five_hour), weekly_pct: None };
    world.tell_agent(id, &AgentCommand::Report(Box::new(quota.into())));
}

/// Whoever is asked doesn't answer.
fn times_out(world: &mut World) {
    world.wait(minutes(30));
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    assert_eq!(world.pull(57).dispatch, None);
}

#[test]
fn a_head_in_review_is_dispatched_once_it_is_two_minutes_old() {
    let mut world = in_review(GitHubMode::Webhook);
    world.now = world.now.minus(Duration::from_secs(1));
    assert_eq!(waits(&world), Wait::Young(world.now.plus(Duration::from_secs(1))));
    world.wait(Duration::from_secs(1));
    assert_eq!(asks(&mut world), REVIEW_E, "nobody is there, so the first is woken");
    assert_eq!(world.pull(57).standing().review, ReviewState::Requested);
    let deadline = world.now.plus(minutes(30));
    assert_eq!(waits(&world), Wait::Asked { reviewer: agent(REVIEW_E), deadline });
    assert_eq!(rule_of(&world.see_to_review(57)), "unchanged", "at most one is open");
}

#[test]
fn whoever_is_there_with_most_headroom_is_asked() {
    let mut world = in_review(GitHubMode::Webhook);
    hear(&mut world, REVIEW_E);
    hear(&mut world, CODEX);
    used(&mut world, REVIEW_E, 60.0);
    used(&mut world, CODEX, 10.0);
    assert_eq!(asks(&mut world), CODEX);
}

#[test]
fn what_is_not_to_be_reviewed_is_not_dispatched() {
    let seen = |second| opened(42, BRANCH, "aaaa", second);
    let labelled = |label: &str| PrObservation { labels: Some(vec![label.into()]), ..seen(20) };
    let by = |author: &str| PrObservation { author: Some(login(author)), linked_issues: Some(Vec::new()), ..seen(20) };
    for (observation, why) in [
        (PrObservation { draft: true, ..seen(20) }, NotWanted::Draft),
        (labelled("Manual-Merge"), NotWanted::ManualMerge),
        (PrObservation { open: false, ..seen(20) }, NotWanted::NotOpen),
        (PrObservation { mergeable: Some(false), ..seen(20) }, NotWanted::Rework),
    ] {
        let mut world = in_review(GitHubMode::Webhook);
        world.see_pull(57, observation);
        world.wait(minutes(2));
        assert_eq!(waits(&world), Wait::NotWanted(why));
        assert_eq!(rule_of(&world.see_to_review(57)), "unchanged");
    }
    for (author, why) in [("renovate[bot]", NotWanted::DependencyBot), ("alice", NotWanted::NotAsked)] {
        let mut world = World::new(GitHubMode::Webhook);
        world.see_pull(57, by(author));
        world.wait(minutes(2));
        assert_eq!(waits(&world), Wait::NotWanted(why), "{author}");
    }
    let mut world = in_review(GitHubMode::Webhook);
    world.review(57, VerdictKind::Approved, "review-e-bot[bot]", "aaaa", 1);
    assert_eq!(waits(&world), Wait::NotWanted(NotWanted::Judged));
    let mut world = in_review(GitHubMode::Webhook);
    world.ask(42, &crate::issue::IssueCommand::Cancel { reason: "no".into(), hand: crate::issue::Hand::Person });
    assert_eq!(waits(&world), Wait::NotWanted(NotWanted::NoIssueInReview));
}

#[test]
fn a_change_for_no_tracked_issue_is_reviewed_too() {
    let mut world = World::new(GitHubMode::Webhook);
    let own = PrObservation { linked_issues: Some(Vec::new()), ..opened(42, "fix/typo", "aaaa", 10) };
    world.see_pull(57, own.clone());
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E);
    let mut world = World::new(GitHubMode::Webhook);
    let asked = PrObservation { author: Some(login("alice")), labels: Some(vec!["needs-review".into()]), ..own };
    world.see_pull(57, asked);
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E, "a person asks for it");
}

#[test]
fn who_produced_it_is_never_asked_and_where_nobody_else_is_a_person_is() {
    let mut world = in_review(GitHubMode::Webhook);
    let pushed = PrObservation { pushed_by: Some(login("review-e-dashecorp")), ..opened(42, BRANCH, "bbbb", 20) };
    world.see_pull(57, pushed);
    world.wait(minutes(2));
    hear(&mut world, REVIEW_E);
    assert_eq!(asks(&mut world), CODEX, "the other one is not even there");
    let mut world = in_review(GitHubMode::Webhook);
    world.policy.roster.agents.retain(|agent| agent.role != Role::Reviewer);
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    assert_eq!((world.state(42), world.issue(42).escalation_reason.as_deref()), ("escalated", Some("no_reviewer")));
}

#[test]
fn a_reviewer_that_times_out_is_followed_by_another_and_three_by_a_person() {
    let mut world = in_review(GitHubMode::Webhook);
    for id in [REVIEW_E, CODEX] {
        hear(&mut world, id);
    }
    assert_eq!(asks(&mut world), REVIEW_E);
    times_out(&mut world);
    assert_eq!(world.pull(57).standing().review, ReviewState::Failed);
    hear(&mut world, REVIEW_E);
    assert_eq!(asks(&mut world), CODEX, "an untried one first, heard from or not");
    fails(&mut world, CODEX, "the checkout failed");
    let apart = world.pull(57).current_head().unwrap().tries[1].at.plus(minutes(30));
    assert_eq!(waits(&world), Wait::Apart(apart));
    world.wait(minutes(30));
    for id in [REVIEW_E, CODEX] {
        hear(&mut world, id);
    }
    assert_eq!(asks(&mut world), REVIEW_E, "the one tried longest ago");
    times_out(&mut world);
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("review_unanswered"));
    assert_eq!(rule_of(&world.see_to_review(57)), "unchanged", "once");
}

#[test]
fn a_new_life_and_a_new_head_begin_to_count_anew() {
    let mut world = in_review(GitHubMode::Webhook);
    for id in [REVIEW_E, CODEX, REVIEW_E] {
        world.wait(minutes(30));
        hear(&mut world, REVIEW_E);
        hear(&mut world, CODEX);
        assert_eq!(asks(&mut world), id);
        fails(&mut world, id, "no");
    }
    world.see_to_review(57);
    assert_eq!(world.state(42), "escalated");
    world.overrule(42, IssueOverride::Requeue);
    assert_eq!(world.state(42), "in_review");
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E);
    world.see_pull(57, opened(42, BRANCH, "bbbb", 20));
    assert_eq!(world.pull(57).dispatch, None, "it was about another head");
    let closed = world.pull(57).heads[&crate::world::sha("aaaa")].tries.last().unwrap().clone();
    assert_eq!((closed.end, closed.counts()), (Some(TryEnd::Obsolete), false));
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E);
}

#[test]
fn who_ran_dry_is_left_alone_and_it_counts_for_nothing() {
    let mut world = in_review(GitHubMode::Webhook);
    world.policy.roster.agents.retain(|agent| agent.id.as_str() != CODEX);
    assert_eq!(asks(&mut world), REVIEW_E);
    for rest in [30, 60, 120, 240, 240] {
        fails(&mut world, REVIEW_E, "429: usage_limit_reached");
        let until = world.now.plus(minutes(rest));
        world.now = until.minus(Duration::from_millis(1));
        hear(&mut world, REVIEW_E);
        assert!(matches!(waits(&world), Wait::Dry(_)), "{rest}");
        world.now = until;
        hear(&mut world, REVIEW_E);
        assert_eq!(asks(&mut world), REVIEW_E);
    }
    used(&mut world, REVIEW_E, 80.0);
    fails(&mut world, REVIEW_E, "quota");
    world.wait(hours(5));
    hear(&mut world, REVIEW_E);
    assert!(matches!(waits(&world), Wait::Dry(_)));
    used(&mut world, REVIEW_E, 79.0);
    assert_eq!(asks(&mut world), REVIEW_E, "every known quota is below 80 %");
    fails(&mut world, REVIEW_E, "quota");
    world.wait(hours(8));
    world.see_to_review(57);
    assert_eq!(world.issue(42).escalation_reason.as_deref(), Some("review_unanswered"), "24 hours are over");
}

#[test]
fn where_nobody_is_heard_from_the_next_waits() {
    let mut world = in_review(GitHubMode::Webhook);
    assert_eq!(asks(&mut world), REVIEW_E);
    times_out(&mut world);
    let until = world.now.plus(minutes(30));
    assert_eq!(waits(&world), Wait::Silence(until));
    world.now = until;
    assert_eq!(asks(&mut world), CODEX);
    times_out(&mut world);
    assert_eq!(waits(&world), Wait::Silence(world.now.plus(minutes(60))));
    hear(&mut world, REVIEW_E);
    assert_eq!(asks(&mut world), REVIEW_E, "somebody is there again");
}

#[test]
fn what_is_paused_waits_and_its_clock_stands_still() {
    let mut world = in_review(GitHubMode::Webhook);
    world.pause(None, true);
    assert!(matches!(waits(&world), Wait::Held(_)));
    world.pause(None, false);
    assert_eq!(asks(&mut world), REVIEW_E);
    world.wait(minutes(10));
    world.overrule(42, IssueOverride::Pause);
    world.wait(minutes(31));
    assert!(matches!(waits(&world), Wait::Held(_)));
    world.overrule(42, IssueOverride::Resume);
    let deadline = world.now.plus(minutes(20));
    assert_eq!(waits(&world), Wait::Asked { reviewer: agent(REVIEW_E), deadline });
    world.now = deadline;
    assert_eq!(world.see_to_review(57), Outcome::Accepted);
    world.pause_agent(REVIEW_E);
    world.pause_agent(CODEX);
    assert_eq!(waits(&world), Wait::ReviewersHeld);
}

#[test]
fn leaving_review_closes_an_open_dispatch_which_counts_for_nothing() {
    let mut world = in_review(GitHubMode::Webhook);
    asks(&mut world);
    world.check(57, "aaaa", 1, "failure");
    assert_eq!(world.pull(57).dispatch, None);
    assert!(world.events(42).contains(&"REVIEW_FAILED"));
    assert!(!world.pull(57).current_head().unwrap().tries[0].counts());
    assert_eq!(waits(&world), Wait::NotWanted(NotWanted::Rework));
}

#[test]
fn a_word_on_another_head_answers_nothing() {
    let mut world = in_review(GitHubMode::Webhook);
    world.see_pull(57, opened(42, BRANCH, "bbbb", 20));
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E);
    world.review(57, VerdictKind::Commented, "review-e-bot[bot]", "aaaa", 1);
    assert!(world.pull(57).dispatch.is_some());
    world.review(57, VerdictKind::Commented, "review-e-bot[bot]", "bbbb", 2);
    assert_eq!(world.pull(57).current_head().unwrap().tries[0].end, Some(TryEnd::Answered));
    assert_eq!(asks(&mut world), CODEX, "a comment is no verdict");
}

#[test]
fn without_github_a_reviewers_word_counts_for_a_dispatch_of_its_own_alone() {
    let mut world = in_review(GitHubMode::None);
    assert_eq!(rule_of(&says(&mut world, REVIEW_E, VerdictKind::Approved)), "lost_race");
    assert!(world.log.iter().any(|(_, name)| *name == "REVIEW_REPORTED"), "refused on record");
    assert_eq!(asks(&mut world), REVIEW_E);
    assert_eq!(rule_of(&says(&mut world, CODEX, VerdictKind::Approved)), "lost_race");
    assert_eq!(world.state(42), "in_review");
    assert_eq!(says(&mut world, REVIEW_E, VerdictKind::Approved), Outcome::Accepted);
    assert_eq!(world.state(42), "ready_to_merge");
    assert_eq!(rule_of(&says(&mut world, REVIEW_E, VerdictKind::Approved)), "unchanged", "a repeat by meaning");
}

#[test]
fn a_change_reported_without_a_head_is_reviewed_all_the_same() {
    let mut world = World::new(GitHubMode::None);
    world.label(42);
    world.claim(42, "dev-e-node");
    let repo = crate::identity::RepoName::parse(crate::world::REPO).unwrap();
    let what = crate::issue::Reported::PullRequest { repo, number: 57, url: None, branch: None, head_sha: None };
    world.report(42, "dev-e-node", what);
    world.wait(minutes(2));
    assert_eq!(asks(&mut world), REVIEW_E);
    let mut with_a_head = world.clone();
    with_a_head.see_pull(57, opened(42, BRANCH, "aaaa", 10));
    let tries = &with_a_head.pull(57).heads[&crate::identity::Sha::null()].tries;
    assert_eq!(tries[0].end, Some(TryEnd::Obsolete), "now it is known what would be judged");
    assert_eq!(says(&mut world, REVIEW_E, VerdictKind::Approved), Outcome::Accepted);
    assert_eq!(world.state(42), "ready_to_merge");
}

#[test]
fn a_persons_verdict_ends_the_wait_of_a_reviewer() {
    let mut world = in_review(GitHubMode::Webhook);
    let alice = Person { name: ada().operator, logins: vec![login("ada")], approve: true, operate: true };
    world.policy.roster.people.push(alice);
    asks(&mut world);
    world.review(57, VerdictKind::Approved, "ada", "aaaa", 1);
    assert_eq!((world.state(42), world.pull(57).dispatch), ("ready_to_merge", None));
}

#[test]
fn a_plan_names_what_is_due_and_when_the_next_one_is() {
    let mut world = in_review(GitHubMode::Webhook);
    let planned = |world: &World| plan(&[world.sight(57)], &world.crew(), &world.policy, world.now);
    let due = planned(&world);
    assert_eq!((due.due, due.soonest), (vec![world.pull(57).reference], None));
    asks(&mut world);
    let deadline = world.pull(57).dispatch.unwrap().deadline;
    assert_eq!((planned(&world).due, planned(&world).soonest), (Vec::new(), Some(deadline)));
    world.now = deadline;
    assert_eq!(planned(&world).due.len(), 1, "its time is over");
}

#[test]
fn who_was_asked_is_not_late_while_nobody_listened() {
    let mut world = in_review(GitHubMode::Webhook);
    hear(&mut world, REVIEW_E);
    asks(&mut world);
    world.wait(hours(1));
    let started = world.now;
    let step = |world: &World| world.sight(57).step(&world.crew().heard_since(started), &world.policy, world.now);
    let deadline = started.plus(minutes(30));
    assert_eq!(step(&world), Step::Nothing(Wait::Asked { reviewer: agent(REVIEW_E), deadline }));
    world.now = deadline;
    assert_eq!(step(&world), Step::GiveUp);
    let crew = world.crew();
    let is_there = |listening| crew.reviewers[0].is_there(listening, &world.policy, started);
    assert_eq!((is_there(None), is_there(Some(started))), (false, true), "silence begins anew, too");
}
