//! Random steps: everybody does anything, in any order.

use proptest::prelude::*;

use crate::issue::{Hand, IssueAction, IssueCommand, IssueObservation, IssueOverride, Reported};
use crate::pull_request::{PullRequestCommand, ReviewReport, VerdictKind};
use crate::world::{World, approval, claimant, labelled, login, opened};

use super::{CONCLUSIONS, HEADS, REVIEWERS};

#[derive(Debug, Clone)]
pub(super) enum Step {
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

pub(super) fn step() -> impl Strategy<Value = Step> {
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

pub(super) fn perform(world: &mut World, step: &Step) {
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
