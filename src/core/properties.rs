//! What must hold whatever happens, tried with random histories.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::claim::Obstacle;
use crate::event::{CiState, ReviewState};
use crate::explain::explained;
use crate::identity::Claimant;
use crate::issue::{
    Claim, ClaimVia, Hand, Issue, IssueAction, IssueCommand, IssueObservation, IssueOverride, Reported,
};
use crate::pull_request::{PrObservation, PullRequest, PullRequestCommand, ReviewReport, VerdictKind};
use crate::roster::GitHubMode;
use crate::world::{World, approval, claimant, labelled, login, opened, rule_of};

const REVIEWERS: [&str; 3] = ["review-e-bot[bot]", "review-e-codex-bot[bot]", "dev-e-bot[bot]"];
const HEADS: [&str; 3] = ["aaaa", "bbbb", "cccc"];
const CONCLUSIONS: [&str; 4] = ["success", "failure", "cancelled", "neutral"];

/// One thing that GitHub tells, with GitHub's own time or id in it.
#[derive(Debug, Clone)]
enum Fact {
    Issue(IssueObservation),
    Pull(PrObservation),
    Check { head: usize, run: u64, conclusion: usize },
    Review { kind: VerdictKind, reviewer: usize, head: usize, id: u64 },
    Dismiss(u64),
}

fn tell(world: &mut World, fact: &Fact) {
    match fact {
        Fact::Issue(seen) => world.ask(42, &IssueCommand::Observe(seen.clone())),
        Fact::Pull(seen) => world.see_pull(57, seen.clone()),
        Fact::Check { head, run, conclusion } => world.check(57, HEADS[*head], *run, CONCLUSIONS[*conclusion]),
        Fact::Review { kind, reviewer, head, id } => world.review(57, *kind, REVIEWERS[*reviewer], HEADS[*head], *id),
        Fact::Dismiss(review_id) => world.ask_pull(57, &PullRequestCommand::Dismiss { review_id: *review_id }),
    };
}

/// What people see, versions and times aside. A lease, strike, exclusion or escalation decided on what was known then stays
/// (guarantees, failures to survive), so histories are kept below those thresholds.
#[derive(Debug, PartialEq)]
struct Rows {
    issue: (Option<crate::event::IssueState>, String, Vec<String>, Option<String>, crate::event::Priority),
    shown: Option<crate::identity::PrRef>,
    pull: (crate::event::PullRequestState, Option<String>, Vec<String>, bool, Option<crate::identity::Sha>),
    facts: (CiState, ReviewState, Vec<String>, bool),
}

fn rows(issue: &Issue, pull: &PullRequest) -> Rows {
    let standing = pull.standing();
    Rows {
        issue: (issue.state(), issue.title.clone(), issue.labels.clone(), issue.milestone.clone(), issue.priority),
        shown: issue.shown.clone(),
        pull: (pull.shown_state(), pull.title.clone(), pull.labels.clone(), pull.draft, pull.head.clone()),
        facts: (standing.ci, standing.review, standing.failed_checks, standing.conflict),
    }
}

/// The deliveries of one history in the order in which GitHub made them.
fn history() -> impl Strategy<Value = Vec<Fact>> {
    let issue_edits = prop::collection::vec((any::<bool>(), any::<bool>()), 0..4).prop_map(|edits| {
        edits
            .into_iter()
            .enumerate()
            .map(|(at, (urgent, titled))| {
                let second = 100 + i64::try_from(at).unwrap();
                let mut seen = labelled(second);
                seen.action = IssueAction::Other;
                if urgent {
                    seen.labels.push("critical".into());
                }
                if titled {
                    seen.title = format!("title {at}");
                }
                Fact::Issue(seen)
            })
            .collect::<Vec<_>>()
    });
    // Heads only move on, as GitHub's do; the last one may be merged or closed.
    let pulls = (1..=HEADS.len(), any::<bool>(), 0..3_u8, any::<bool>()).prop_map(|(heads, mac, end, conflict)| {
        let mut seen: Vec<PrObservation> = (0..heads)
            .map(|head| {
                let second = 10 + i64::try_from(head).unwrap() * 10;
                let mut pull = opened(42, "agent/issue-42-1", HEADS[head], second);
                pull.pushed_by = (head > 0).then(|| login("dev-e-bot[bot]"));
                pull.labels = Some(if mac && head == 1 { vec!["large-pr-ok".into()] } else { Vec::new() });
                pull.mergeable = (conflict && head == 1).then_some(false);
                pull
            })
            .collect();
        let last = PrObservation {
            updated_at: crate::world::at(80),
            mergeable: None,
            pushed_by: None,
            ..seen[heads - 1].clone()
        };
        match end {
            0 => seen.push(PrObservation { open: false, merged: true, ..last }),
            1 => {
                seen.push(PrObservation { open: false, updated_at: crate::world::at(70), ..last.clone() });
                seen.push(last);
            }
            _ => {}
        }
        seen.into_iter().map(Fact::Pull).collect::<Vec<_>>()
    });
    let checks = prop::collection::vec((0..HEADS.len(), 0..CONCLUSIONS.len()), 0..5).prop_map(|checks| {
        checks
            .into_iter()
            .zip(1_u64..)
            .map(|((head, conclusion), run)| Fact::Check { head, run, conclusion })
            .collect::<Vec<_>>()
    });
    let kinds =
        prop::sample::select(vec![VerdictKind::Approved, VerdictKind::ChangesRequested, VerdictKind::Commented]);
    let reviews =
        prop::collection::vec((kinds, 0..REVIEWERS.len(), 0..HEADS.len(), any::<bool>()), 0..5).prop_map(|reviews| {
            reviews
                .into_iter()
                .zip(1_u64..)
                .flat_map(|((kind, reviewer, head, dismissed), id)| {
                    let review = Fact::Review { kind, reviewer, head, id };
                    [Some(review), dismissed.then_some(Fact::Dismiss(id))].into_iter().flatten()
                })
                .collect::<Vec<_>>()
        });
    (issue_edits, pulls, checks, reviews).prop_map(|(a, b, c, d)| [a, b, c, d].concat())
}

/// #42 is in work by dev-e-node: a live lease, as at the time of every delivery of the history.
fn at_work() -> World {
    let mut world = World::new(GitHubMode::Webhook);
    world.label(42);
    world.claim(42, "dev-e-node");
    world.start(42, "dev-e-node");
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repeats_of_facts_do_not_change_the_rows(
        facts in history(),
        moves in prop::collection::vec((any::<Index>(), any::<Index>()), 0..12),
        repeats in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut straight = at_work();
        for fact in &facts {
            tell(&mut straight, fact);
        }
        let mut shuffled = facts.clone();
        for repeat in repeats {
            let again = shuffled[repeat.index(shuffled.len())].clone();
            shuffled.push(again);
        }
        for (from, to) in moves {
            let length = shuffled.len();
            shuffled.swap(from.index(length), to.index(length));
        }
        let mut other = at_work();
        for fact in &shuffled {
            tell(&mut other, fact);
        }
        prop_assert_eq!(
            rows(&straight.issue(42), &straight.pull(57)),
            rows(&other.issue(42), &other.pull(57)),
            "told as {:?}", shuffled
        );
    }

    /// The world checks its invariants after every append; here it is given everything, in any order.
    #[test]
    fn no_sequence_breaks_an_invariant_or_gives_a_third_attempt(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(GitHubMode::Webhook);
        let mut tokens = std::collections::BTreeSet::new();
        let mut epochs = [0_u32; 3];
        for step in steps {
            perform(&mut world, &step);
            for number in 1..=3_u64 {
                let issue = world.issue(number);
                let index = usize::try_from(number - 1).unwrap();
                prop_assert!(issue.epoch >= epochs[index], "an epoch never goes back");
                if issue.epoch > epochs[index] {
                    prop_assert_eq!(issue.epoch, epochs[index] + 1, "one lease at a time");
                    if let Some(lease) = &issue.lease {
                        prop_assert!(tokens.insert(lease.token.clone()), "a token is never given twice");
                    }
                }
                epochs[index] = issue.epoch;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened: an agent that is told that nothing keeps an issue from it gets that issue when it asks, and one that
    /// is told a reason is refused by that very rule.
    #[test]
    fn what_is_explained_is_what_a_claim_decides(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new(GitHubMode::Webhook);
        for step in steps {
            perform(&mut world, &step);
        }
        for number in 1..=3_u64 {
            let told = explained(&world, number, &[]);
            let held_back: Vec<&str> = told.waits_for.iter().map(|wait| wait.rule).collect();
            for candidate in &told.agents {
                let mut asked = world.clone();
                let claim = Claim { claimant: Claimant::bare(candidate.agent.clone()), via: ClaimVia::Push };
                let answer = rule_of(&asked.ask(number, &IssueCommand::Claim(claim)));
                let mut rules: Vec<&str> = candidate.obstacles.iter().map(Obstacle::rule).collect();
                // An order of hand-out among those that ask, which whoever pushes an issue goes over.
                rules.retain(|rule| *rule != "author_first");
                if answer == "accepted" {
                    prop_assert!(rules.is_empty(), "#{} for {}: {:?}", number, candidate.agent, rules);
                    prop_assert!(!held_back.iter().any(|rule| ["paused", "dependency_open"].contains(rule)));
                } else {
                    // The append's guard knows no rule by name.
                    let rule = if answer == "lost_race" { "capacity" } else { answer };
                    let told = rules.contains(&rule) || held_back.contains(&rule);
                    prop_assert!(told, "#{} for {}: {}, not {:?}", number, candidate.agent, rule, rules);
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Label(u64),
    Unlabel(u64, i64),
    Close(u64, bool, i64),
    Reopen(u64, i64),
    Claim(u64, usize),
    Start(u64, usize),
    Stuck(u64, usize),
    ReportPull(u64, usize),
    Expire(u64),
    Release(u64),
    Cancel(u64),
    Escalate(u64),
    /// A coordinator's or monitor's word: approved, cancelled, reopened or done.
    Word(u64, usize),
    Pull {
        issue: u64,
        head: usize,
        second: i64,
        open: bool,
        merged: bool,
        draft: bool,
        mine: bool,
    },
    Check(u64, usize, u64, usize),
    Review(u64, VerdictKind, usize, usize, u64),
    Dispatch(u64, u64),
    FailReview(u64, &'static str),
    Override(u64, IssueOverride),
    Hold(bool, bool),
    HoldAgent(usize, bool),
}

const AGENTS: [&str; 3] = ["dev-e-node", "dev-e-python", "dev-e-dotnet/pod1"];

fn step() -> impl Strategy<Value = Step> {
    let number = 1..=3_u64;
    let second = 0..500_i64;
    let agent = 0..AGENTS.len();
    let kinds =
        prop::sample::select(vec![VerdictKind::Approved, VerdictKind::ChangesRequested, VerdictKind::Commented]);
    prop_oneof![
        2 => number.clone().prop_map(Step::Label),
        1 => (number.clone(), second.clone()).prop_map(|(number, at)| Step::Unlabel(number, at)),
        1 => (number.clone(), any::<bool>(), second.clone()).prop_map(|(number, done, at)| Step::Close(number, done, at)),
        1 => (number.clone(), second.clone()).prop_map(|(number, at)| Step::Reopen(number, at)),
        5 => (number.clone(), agent.clone()).prop_map(|(number, agent)| Step::Claim(number, agent)),
        3 => (number.clone(), agent.clone()).prop_map(|(number, agent)| Step::Start(number, agent)),
        3 => (number.clone(), agent.clone()).prop_map(|(number, agent)| Step::Stuck(number, agent)),
        1 => (number.clone(), agent).prop_map(|(number, agent)| Step::ReportPull(number, agent)),
        1 => number.clone().prop_map(Step::Expire),
        1 => number.clone().prop_map(Step::Release),
        1 => number.clone().prop_map(Step::Cancel),
        1 => number.clone().prop_map(Step::Escalate),
        3 => (number.clone(), 0..4_usize).prop_map(|(number, word)| Step::Word(number, word)),
        6 => (number.clone(), 0..HEADS.len(), second, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(issue, head, second, closed, merged, draft, mine)| Step::Pull {
                issue, head, second, open: !(closed && merged), merged: closed && merged && mine, draft: draft && closed, mine,
            }
        ),
        3 => (number.clone(), 0..HEADS.len(), 1..9_u64, 0..CONCLUSIONS.len()).prop_map(|(pull, head, run, end)| Step::Check(pull, head, run, end)),
        3 => (number.clone(), kinds, 0..REVIEWERS.len(), 0..HEADS.len(), 1..50_u64).prop_map(|(pull, kind, who, head, id)| Step::Review(pull, kind, who, head, id)),
        4 => (number.clone(), 0..40_u64).prop_map(|(pull, after)| Step::Dispatch(pull, after)),
        1 => (number.clone(), prop::sample::select(vec!["quota", "the checkout failed"]))
            .prop_map(|(pull, reason)| Step::FailReview(pull, reason)),
        6 => (number, overruling()).prop_map(|(number, what)| Step::Override(number, what)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(rig, paused)| Step::Hold(rig, paused)),
        1 => (0..AGENTS.len(), any::<bool>()).prop_map(|(agent, paused)| Step::HoldAgent(agent, paused)),
    ]
}

/// What a coordinator or a monitor may say that is an agent.
fn machines_word(world: &World, number: u64, word: usize) -> IssueCommand {
    let hand = Hand::Machine;
    match word {
        0 => IssueCommand::Cancel { reason: "no longer wanted".into(), hand },
        1 => IssueCommand::Finish { by: "monitor-e".into(), hand },
        2 => IssueCommand::Reopen,
        _ => IssueCommand::Approve { approval: Box::new(approval(&world.issue(number))), hand },
    }
}

fn overruling() -> impl Strategy<Value = IssueOverride> {
    let assign = (0..AGENTS.len(), any::<bool>())
        .prop_map(|(agent, force)| IssueOverride::Assign { claimant: claimant(AGENTS[agent]), force });
    prop_oneof![
        1 => Just(IssueOverride::Release),
        2 => Just(IssueOverride::Requeue),
        3 => assign,
        1 => Just(IssueOverride::Cancel),
        1 => Just(IssueOverride::CloseZombie),
        1 => Just(IssueOverride::Pause),
        2 => Just(IssueOverride::Resume),
    ]
}

fn perform(world: &mut World, step: &Step) {
    let seen = |action, second| IssueObservation { action, ..labelled(second) };
    let agent = |agent: &usize| AGENTS[*agent];
    match step {
        Step::Label(number) => {
            world.ask(*number, &IssueCommand::Observe(seen(IssueAction::Labeled("agent-ready".into()), 600)))
        }
        Step::Unlabel(number, at) => {
            let action = IssueAction::Unlabeled("agent-ready".into());
            world.ask(*number, &IssueCommand::Observe(IssueObservation { labels: Vec::new(), ..seen(action, *at) }))
        }
        Step::Close(number, done, at) => {
            let reason = Some(if *done { "completed" } else { "not_planned" }.to_owned());
            let closed = IssueObservation { open: false, state_reason: reason, ..seen(IssueAction::Closed, *at) };
            world.ask(*number, &IssueCommand::Observe(closed))
        }
        Step::Reopen(number, at) => world.ask(*number, &IssueCommand::Observe(seen(IssueAction::Reopened, *at))),
        Step::Claim(number, by) => world.claim(*number, agent(by)),
        Step::Start(number, by) => world.start(*number, agent(by)),
        Step::Stuck(number, by) => world.stuck(*number, agent(by)),
        Step::ReportPull(number, by) => {
            let repo = crate::identity::RepoName::parse(crate::world::REPO).unwrap();
            let what = Reported::PullRequest { repo, number: number + 10, url: None, branch: None, head_sha: None };
            world.report(*number, agent(by), what)
        }
        Step::Expire(number) => {
            let epoch = world.issue(*number).epoch;
            world.ask(*number, &IssueCommand::ExpireLease { epoch, reason: "expired".into() })
        }
        Step::Release(number) => world.ask(*number, &IssueCommand::Unassign { agent: None, reason: "released".into() }),
        Step::Cancel(number) => world.ask(
            *number,
            &IssueCommand::Cancel { reason: "no longer wanted".into(), hand: crate::issue::Hand::Person },
        ),
        Step::Escalate(number) => world.ask(*number, &IssueCommand::Escalate { reason: "a person asked".into() }),
        Step::Word(number, word) => {
            let before = (world.state(*number), world.issue(*number).strikes);
            let said = world.ask(*number, &machines_word(world, *number, *word));
            let after = (world.state(*number), world.issue(*number).strikes);
            assert!(before.0 != "escalated" || after == before, "no machine's word moves it: {before:?}, {after:?}");
            // A life begins with the first approval, and with the reopening of what was done.
            let begins = matches!(before.0, "unapproved" | "done");
            assert!(begins || after.1 >= before.1, "or forgets a strike: {before:?}, {after:?}");
            said
        }
        Step::Pull { issue, head, second, open, merged, draft, mine } => {
            let lease = world.issue(*issue).lease;
            let branch = lease.map_or_else(|| format!("agent/issue-{issue}-1"), |lease| lease.branch_hint);
            let mut pull = opened(*issue, &branch, HEADS[*head], *second);
            pull.open = *open;
            pull.merged = *merged;
            pull.draft = *draft;
            if !mine {
                pull.author = Some(login("alice"));
                pull.author_association = Some("MEMBER".into());
                pull.branch = Some("alice/fix".into());
                pull.labels = Some(vec!["needs-review".into()]);
            }
            world.see_pull(issue + if *mine { 10 } else { 20 }, pull)
        }
        Step::Check(pull, head, run, end) => world.check(pull + 10, HEADS[*head], *run, CONCLUSIONS[*end]),
        Step::Review(pull, kind, who, head, id) => world.review(pull + 10, *kind, REVIEWERS[*who], HEADS[*head], *id),
        Step::Dispatch(pull, after) => {
            world.wait(crate::time::minutes(*after));
            world.see_to_review(pull + 10)
        }
        Step::FailReview(pull, reason) => {
            let Some(dispatch) = world.pull(pull + 10).dispatch else { return };
            let what = ReviewReport::Failed { reason: (*reason).to_owned() };
            let report = PullRequestCommand::ReviewReport { reviewer: dispatch.reviewer, what, head_sha: None };
            world.ask_pull(pull + 10, &report)
        }
        Step::Override(number, what) => world.overrule(*number, what.clone()),
        Step::Hold(rig, paused) => world.pause((!rig).then_some(crate::world::REPO), *paused),
        Step::HoldAgent(by, paused) => world.hold_agent(agent(by), *paused),
    };
}
