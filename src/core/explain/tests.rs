//! What people are told, for every state there is; and that it is what the rules decide.

use std::collections::BTreeMap;

use super::*;
use crate::agent::AgentCommand;
use crate::claim::Wanted;
use crate::event::{AgentQuotaReported, IssueState, PullRequestState};
use crate::issue::{Issue, IssueCommand, IssueOverride};
use crate::pull_request::{PrObservation, VerdictKind};
use crate::review::{Step, Wait};
use crate::roster::GitHubMode;
use crate::world::{World, issue_ref, opened};

/// Whoever of the roster was heard from a moment ago, as far as the test says so.
pub(crate) fn explained(world: &World, number: u64, online: &[&str]) -> Explanation {
    let subject = world.issue(number);
    let states: Vec<_> =
        world.policy.roster.agents.iter().map(|profile| (profile, world.agent(profile.id.as_str()))).collect();
    let agents: Vec<Known<'_>> = states
        .iter()
        .map(|(profile, state)| Known {
            id: &profile.id,
            profile: Some(*profile),
            state: state.as_ref(),
            heard: online.contains(&profile.id.as_str()).then_some(world.now),
            held: world.held_by(&profile.id),
        })
        .collect();
    let known = |on: &IssueRef| (on.clone(), world.issue(on.number));
    let dependencies: BTreeMap<IssueRef, Issue> =
        subject.depends_on.iter().map(known).filter(|(_, issue)| issue.version > 0).collect();
    let pull = subject.current.as_ref().map(|current| world.pull(current.number));
    let around = AroundIssue {
        now: world.now,
        policy: &world.policy,
        rig: &world.rig(),
        dependencies: &dependencies,
        pull: pull.as_ref(),
        place: None,
        agents: &agents,
    };
    issue(&subject, &around)
}

fn waits(explanation: &Explanation) -> Vec<&'static str> {
    explanation.waits_for.iter().map(|wait| wait.rule).collect()
}

/// Each agent of the roster with the rules that keep the issue from it.
fn reasons(explanation: &Explanation) -> BTreeMap<String, Vec<&'static str>> {
    let rules = |one: &Candidate| one.obstacles.iter().map(Obstacle::rule).collect();
    explanation.agents.iter().map(|one| (one.agent.to_string(), rules(one))).collect()
}

#[test]
fn every_state_is_explained_and_every_one_that_is_not_final_waits_and_can_be_moved() {
    for state in IssueState::ALL {
        let told = explained(&World::in_state(*state), 42, &["dev-e-node"]);
        assert_eq!(told.state, state.as_str());
        assert!(told.decided_at.is_some(), "{state}: an event brought it there");
        assert!(told.summary.len() > 20, "{state}: {}", told.summary);
        let waits = match state {
            IssueState::Queued => vec!["claim"],
            IssueState::Assigned | IssueState::InProgress => vec!["holder", "lease"],
            IssueState::InReview => vec!["review"],
            IssueState::ChangesRequested => vec!["ci", "claim"],
            IssueState::ReadyToMerge => vec!["ci"],
            IssueState::Deploying => vec!["deployment"],
            IssueState::Escalated => vec!["escalated"],
            IssueState::Done | IssueState::Cancelled => vec![],
        };
        assert_eq!(self::waits(&told), waits, "{state}");
        assert_eq!(told.moved_by.is_empty(), *state == IssueState::Done, "{state}");
        assert_eq!(told.agents.is_empty(), !matches!(state, IssueState::Queued | IssueState::ChangesRequested));
    }
}

#[test]
fn where_no_github_is_connected_nobody_is_sent_there() {
    for state in IssueState::ALL {
        let mut world = World::in_state(*state);
        world.policy.github = GitHubMode::None;
        let told = explained(&world, 42, &["dev-e-node"]);
        let pull = (world.pull(57).version > 0).then(|| {
            pull_request(&world.pull(57), &[world.issue(42)], &world.policy, &Step::Nothing(Wait::PersonCalled))
        });
        for by in told.moved_by.iter().chain(pull.iter().flat_map(|pull| &pull.moved_by)) {
            assert!(!by.contains("GitHub") && !by.contains("push"), "{state}: {by}");
        }
        assert_eq!(told.moved_by.is_empty(), *state == IssueState::Done, "{state}");
    }
    let mut approved = World::in_state(IssueState::ReadyToMerge);
    approved.policy.github = GitHubMode::None;
    let told = explained(&approved, 42, &[]).moved_by;
    assert!(
        told.iter().any(|by| by.starts_with("CI_PASSED")) && told.iter().any(|by| by.starts_with("MERGED")),
        "{told:?}"
    );
}

#[test]
fn a_pause_is_told_in_every_state_that_is_not_final_with_the_event_and_the_way_out() {
    for state in IssueState::ALL.iter().filter(|state| !state.is_final()) {
        let mut world = World::in_state(*state);
        world.overrule(42, IssueOverride::Pause);
        let told = explained(&world, 42, &["dev-e-node"]);
        let paused = told.waits_for.iter().find(|wait| wait.rule == "paused").expect("it says so");
        let issue = world.issue(42);
        assert_eq!(paused.on, Some((StreamId::Issue(issue_ref(42)), issue.pause_version)), "{state}");
        assert!(told.moved_by.contains(&"conductor-e override resume acme/web#42 --reason …".to_owned()), "{state}");
    }
}

#[test]
fn an_issue_that_nobody_approved_says_who_could() {
    let told = explained(&World::new(GitHubMode::Webhook), 42, &[]);
    assert_eq!((told.state, waits(&told), told.decided_at), ("unapproved", vec!["approval"], None));
    assert!(told.moved_by[0].contains("agent-ready"));
}

#[test]
fn why_does_nobody_get_this() {
    let mut world = World::in_state(IssueState::Queued);
    world.label(1);
    world.claim(1, "dev-e-dotnet");
    world.pause_agent("dev-e-python");
    world.claim(42, "dev-e-node");
    world.stuck(42, "dev-e-node");
    let told = explained(&world, 42, &["dev-e-node", "dev-e-python", "dev-e-dotnet"]);
    assert_eq!(waits(&told), ["silence"], "ibuild-e may take it, and isn't there");
    let reasons = reasons(&told);
    assert_eq!(reasons["dev-e-node"], ["excluded"]);
    assert_eq!(reasons["dev-e-dotnet"], ["capacity"]);
    assert_eq!(reasons["dev-e-python"], ["paused"]);
    assert_eq!((&reasons["review-e"], &reasons["ibuild-e"]), (&vec!["no_fit"], &vec![]));
    assert_eq!(told.agents[0].agent.as_str(), "ibuild-e", "whoever could take it stands first");
    world.policy.repo_defaults.stack = Some("cobol".into());
    world.label(3);
    let told = explained(&world, 3, &["dev-e-node"]);
    assert_eq!(waits(&told), ["no_agent"]);
    assert!(told.agents.iter().all(|one| one.obstacles.iter().any(|obstacle| obstacle.rule() == "no_fit")));
}

#[test]
fn whose_provider_has_run_dry_gets_nothing_and_says_so() {
    let mut world = World::in_state(IssueState::Queued);
    let dry = AgentQuotaReported { five_hour_pct: Some(100.0), weekly_pct: None };
    world.tell_agent("dev-e-node", &AgentCommand::Report(Box::new(dry.into())));
    assert_eq!(reasons(&explained(&world, 42, &[]))["dev-e-node"], ["quota_exhausted"]);
}

#[test]
fn rework_is_its_authors_first_and_says_until_when() {
    let world = World::in_state(IssueState::ChangesRequested);
    let told = explained(&world, 42, &["dev-e-node", "dev-e-python"]);
    let reasons = reasons(&told);
    assert_eq!((&reasons["dev-e-node"], &reasons["dev-e-python"]), (&vec![], &vec!["author_first"]));
    let mut later = world.clone();
    later.now = later.now.plus(crate::time::minutes(30));
    assert_eq!(self::reasons(&explained(&later, 42, &[]))["dev-e-python"], [] as [&str; 0]);
}

#[test]
fn a_dependency_says_where_it_stands_and_one_that_will_not_be_done_asks_for_a_person() {
    let mut world = World::in_state(IssueState::Queued);
    world.ask(42, &IssueCommand::Depend { on: vec![issue_ref(1), issue_ref(9)] });
    world.label(1);
    world.claim(1, "dev-e-node");
    let told = explained(&world, 42, &[]);
    assert_eq!(waits(&told), ["dependency_open", "dependency_open"]);
    assert_eq!(told.waits_for[0].why, "acme/web#1 must be done first, and is assigned");
    assert_eq!(told.waits_for[0].on, Some((StreamId::Issue(issue_ref(1)), Some(world.issue(1).state_version))));
    assert!(told.waits_for[1].why.ends_with("nothing is known of it"));
    assert!(told.moved_by.iter().any(|by| by.contains("acme/web#9 won't be done by itself")), "{:?}", told.moved_by);
    world.ask(42, &IssueCommand::ReportCycle { members: vec![issue_ref(42), issue_ref(1)] });
    assert!(waits(&explained(&world, 42, &[])).contains(&"dependency_cycle"));
}

#[test]
fn every_state_of_a_pull_request_is_explained() {
    for state in PullRequestState::ALL {
        let mut world = World::in_state(IssueState::InReview);
        let end = |merged| PrObservation { open: false, merged, ..opened(42, "agent/issue-42-1", "aaaa", 20) };
        match state {
            PullRequestState::Open => {}
            PullRequestState::Superseded => drop(world.see_pull(58, opened(42, "zombie", "cccc", 30))),
            PullRequestState::Merged => drop(world.see_pull(57, end(true))),
            PullRequestState::Closed => drop(world.see_pull(57, end(false))),
        }
        let pull = world.pull(if *state == PullRequestState::Superseded { 58 } else { 57 });
        let told = pull_request(&pull, &[world.issue(42)], &world.policy, &world.review_step(57));
        assert_eq!(told.state, state.as_str());
        assert_eq!(told.waits_for.is_empty(), *state != PullRequestState::Open, "{state}");
        assert!(told.decided_at.is_some() && told.summary.len() > 20, "{told:?}");
    }
    let nothing = World::new(GitHubMode::Webhook);
    let unknown = pull_request(&nothing.pull(60), &[], &nothing.policy, &nothing.review_step(60));
    assert_eq!((unknown.state, waits(&unknown)), ("unknown", vec!["pull_request"]));
}

#[test]
fn an_approved_pull_request_names_each_thing_before_its_merge() {
    let mut world = World::in_state(IssueState::ReadyToMerge);
    let labels = Some(vec!["manual-merge".to_owned()]);
    world.see_pull(57, PrObservation { labels, ..opened(42, "agent/issue-42-1", "aaaa", 30) });
    let thread = crate::pull_request::PullRequestCommand::Thread { id: "t".into(), unresolved: true };
    world.ask_pull(57, &thread);
    world.check(57, "aaaa", 1, "");
    assert_eq!(waits(&explained(&world, 42, &[])), ["ci", "blocking_label", "unresolved_threads"]);
    let told = pull_request(&world.pull(57), &[world.issue(42)], &world.policy, &world.review_step(57));
    assert_eq!(waits(&told), ["ci", "blocking_label", "unresolved_threads"]);
}

#[test]
fn a_dispute_asks_for_a_push() {
    let mut world = World::in_state(IssueState::InReview);
    world.review(57, VerdictKind::ChangesRequested, "review-e-bot[bot]", "aaaa", 1);
    assert_eq!(waits(&explained(&world, 42, &["dev-e-node"])), ["review", "claim"]);
    let told = pull_request(&world.pull(57), &[world.issue(42)], &world.policy, &world.review_step(57));
    assert!(told.waits_for[0].why.contains("review-e-bot[bot] asks for changes"));
}

/// An agent, seen with two issues in the queue.
fn agent_told(world: &World, id: &str, heard: bool) -> Explanation {
    let id = crate::world::claimant(id).agent;
    let issues = [world.issue(42), world.issue(43)];
    let obstacles: Vec<Vec<Obstacle>> = issues
        .iter()
        .map(|issue| crate::claim::obstacle::of_issue(&Wanted::of(issue), Some(&world.rig()), []).collect())
        .collect();
    let waiting: Vec<_> = issues.iter().map(Wanted::of).zip(obstacles.iter().map(Vec::as_slice)).collect();
    let held = world.held_by(&id);
    let holds = [issue_ref(1)];
    let (state, rig) = (world.agent(id.as_str()), world.rig());
    let around = AroundAgent {
        now: world.now,
        policy: &world.policy,
        rig: &rig,
        waiting: &waiting,
        waiting_in_all: 2,
        holds: if held > 0 { &holds } else { &[] },
    };
    let profile = world.policy.roster.agent(&id);
    let heard = heard.then_some(world.now);
    agent(&Known { id: &id, profile, state: state.as_ref(), heard, held }, &around)
}

#[test]
fn an_agent_is_told_why_it_gets_nothing_and_what_it_would_get() {
    let mut world = World::in_state(IssueState::Queued);
    world.label(43);
    world.overrule(42, IssueOverride::Pause);
    let idle = agent_told(&world, "dev-e-node", true);
    assert_eq!((idle.state, waits(&idle)), ("idle", vec!["claim"]));
    assert!(idle.waits_for[0].why.contains("acme/web#43"), "the first that it may have");
    assert_eq!(idle.issues[0].obstacles, [Obstacle::IssuePaused]);
    assert_eq!(agent_told(&world, "dev-e-node", false).state, "offline");
    assert_eq!(waits(&agent_told(&world, "review-e", true)), ["no_fit"]);
    world.label(1);
    world.claim(1, "dev-e-node");
    let busy = agent_told(&world, "dev-e-node", true);
    assert_eq!((busy.state, waits(&busy)), ("busy", vec!["no_fit"]));
    assert!(busy.summary.contains("acme/web#1"), "{}", busy.summary);
    world.pause_agent("dev-e-node");
    let paused = agent_told(&world, "dev-e-node", true);
    assert_eq!((paused.state, waits(&paused)), ("paused", vec!["paused", "no_fit"]));
    assert_eq!(paused.decided_at, world.agent("dev-e-node").map(|agent| agent.pause_version));
    world.pause(None, true);
    assert_eq!(waits(&agent_told(&world, "dev-e-python", true)), ["paused", "no_fit"]);
}

#[test]
fn the_rig_names_each_pause_with_its_way_out() {
    let mut world = World::new(GitHubMode::Webhook);
    assert_eq!((rig(&world.rig()).state, rig(&world.rig()).decided_at), ("running", None));
    world.pause(Some("acme/web"), true);
    world.pause(None, true);
    let told = rig(&world.rig());
    assert_eq!((told.state, told.waits_for.len(), told.moved_by.len()), ("paused", 2, 2));
}
