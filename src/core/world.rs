//! A rig in memory for tests: deciders, and the internal lane between them, without stores, actors or clocks.
//!
//! After every append the three invariants of the state machine are checked, and what an append does is held against the
//! guarantees that no rule may break (one lease, no third attempt).

use std::collections::{BTreeMap, VecDeque};

use crate::agent::{AgentCommand, AgentDecider};
use crate::decider::{Decider, Decision, Given, Moment, Outcome, Refusal, StreamState};
use crate::event::{CheckRecorded, IssueState, Priority, PullRequestState, ReviewState};
use crate::identity::{AgentId, Claimant, IssueRef, Login, RepoName, Sha, StreamId};
use crate::issue::{
    Claim, ClaimVia, HolderReport, Issue, IssueAction, IssueCommand, IssueDecider, IssueObservation, IssueOverride,
    Reported,
};
use crate::overrule::{Reason, Ruling};
use crate::port::Guard;
use crate::pull_request::{PrObservation, PullRequest, PullRequestCommand, PullRequestDecider, Verdict, VerdictKind};
use crate::reaction::{Effect, Told};
use crate::rig::{RigCommand, RigDecider};
use crate::roster::{GitHubMode, Policy};
use crate::time::{Timestamp, minutes};

/// The repository of every test.
pub(crate) const REPO: &str = "acme/web";

pub(crate) struct World {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<(StreamId, &'static str)>,
    states: BTreeMap<StreamId, StreamState>,
    lane: VecDeque<Effect>,
    entropy: u128,
}

pub(crate) fn issue_ref(number: u64) -> IssueRef {
    IssueRef::parse(&format!("{REPO}#{number}")).unwrap()
}

pub(crate) fn sha(text: &str) -> Sha {
    Sha::parse(text).unwrap()
}

pub(crate) fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

pub(crate) fn claimant(text: &str) -> Claimant {
    Claimant::parse(text).unwrap()
}

/// An operator with a reason.
pub(crate) fn ada() -> Ruling {
    Ruling { operator: "ada".into(), reason: Reason::parse("the customer waits").unwrap() }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + second * 1000)
}

/// An open, labelled issue as GitHub shows it at that second.
pub(crate) fn labelled(second: i64) -> IssueObservation {
    IssueObservation {
        action: IssueAction::Labeled("agent-ready".into()),
        title: "Fix the login".into(),
        url: None,
        body: None,
        labels: vec!["agent-ready".into()],
        milestone: None,
        open: true,
        state_reason: None,
        updated_at: at(second),
        sender: None,
    }
}

/// An open pull request of the developers' bot that closes `issue`.
pub(crate) fn opened(issue: u64, branch: &str, head: &str, second: i64) -> PrObservation {
    PrObservation {
        title: format!("Fixes #{issue}"),
        url: None,
        branch: Some(branch.into()),
        author: Some(login("dev-e-bot[bot]")),
        author_association: Some("NONE".into()),
        head_sha: Some(sha(head)),
        draft: false,
        labels: Some(Vec::new()),
        linked_issues: Some(vec![issue_ref(issue)]),
        open: true,
        merged: false,
        merge_sha: None,
        mergeable: None,
        files: None,
        additions: None,
        deletions: None,
        updated_at: at(second),
        pushed_by: None,
        sender: None,
    }
}

pub(crate) fn check(head: &str, run_id: u64, conclusion: &str) -> CheckRecorded {
    CheckRecorded {
        name: "build".into(),
        head_sha: sha(head),
        run_id,
        attempt: 1,
        conclusion: Some(conclusion.into()),
        at: None,
    }
}

pub(crate) fn verdict(kind: VerdictKind, reviewer: &str, head: &str, id: u64) -> Verdict {
    Verdict {
        kind,
        reviewer: login(reviewer),
        head_sha: Some(sha(head)),
        review_id: Some(id),
        submitted_at: Some(at(i64::try_from(id).unwrap())),
        body: Some("because".into()),
    }
}

impl World {
    pub(crate) fn new(github: GitHubMode) -> Self {
        Self {
            policy: Policy::built_in(github),
            now: at(0),
            log: Vec::new(),
            states: BTreeMap::new(),
            lane: VecDeque::new(),
            entropy: 1,
        }
    }

    pub(crate) fn issue(&self, number: u64) -> Issue {
        match self.states.get(&StreamId::Issue(issue_ref(number))) {
            Some(StreamState::Issue(issue)) => (**issue).clone(),
            _ => Issue::unknown(issue_ref(number)),
        }
    }

    pub(crate) fn pull(&self, number: u64) -> PullRequest {
        match self.states.get(&StreamId::PullRequest(issue_ref(number))) {
            Some(StreamState::PullRequest(pull)) => (**pull).clone(),
            _ => PullRequest::unknown(issue_ref(number)),
        }
    }

    pub(crate) fn state(&self, number: u64) -> &'static str {
        self.issue(number).state().map_or("unapproved", IssueState::as_str)
    }

    /// Names of an issue's events, oldest first.
    pub(crate) fn events(&self, number: u64) -> Vec<&'static str> {
        let stream = StreamId::Issue(issue_ref(number));
        self.log.iter().filter(|(of, _)| *of == stream).map(|(_, name)| *name).collect()
    }

    pub(crate) fn ask(&mut self, number: u64, command: &IssueCommand) -> Outcome {
        let outcome = self.perform::<IssueDecider>(StreamId::Issue(issue_ref(number)), command);
        self.drain();
        outcome
    }

    pub(crate) fn ask_pull(&mut self, number: u64, command: &PullRequestCommand) -> Outcome {
        let outcome = self.perform::<PullRequestDecider>(StreamId::PullRequest(issue_ref(number)), command);
        self.drain();
        outcome
    }

    pub(crate) fn label(&mut self, number: u64) -> Outcome {
        self.ask(number, &IssueCommand::Observe(labelled(0)))
    }

    pub(crate) fn claim(&mut self, number: u64, agent: &str) -> Outcome {
        self.now = self.now.plus(minutes(1));
        let claim = Claim { claimant: claimant(agent), via: ClaimVia::Pull };
        self.ask(number, &IssueCommand::Claim(claim))
    }

    pub(crate) fn report(&mut self, number: u64, agent: &str, what: Reported) -> Outcome {
        self.ask(number, &IssueCommand::Report(HolderReport { by: claimant(agent), token: None, what }))
    }

    pub(crate) fn start(&mut self, number: u64, agent: &str) -> Outcome {
        self.report(number, agent, Reported::Started { branch: None })
    }

    pub(crate) fn pause_agent(&mut self, agent: &str) {
        assert_eq!(self.hold_agent(agent, true), Outcome::Accepted);
    }

    pub(crate) fn hold_agent(&mut self, agent: &str, paused: bool) -> Outcome {
        let stream = StreamId::Agent(claimant(agent).agent);
        self.perform::<AgentDecider>(stream, &AgentCommand::Pause { paused, by: ada() })
    }

    pub(crate) fn stuck(&mut self, number: u64, agent: &str) -> Outcome {
        self.report(number, agent, Reported::Stuck { reason: "can't build".into() })
    }

    pub(crate) fn overrule(&mut self, number: u64, what: IssueOverride) -> Outcome {
        self.ask(number, &IssueCommand::Override { what, by: ada() })
    }

    pub(crate) fn pause(&mut self, repo: Option<&str>, paused: bool) -> Outcome {
        let repo = repo.map(|repo| RepoName::parse(repo).unwrap());
        self.perform::<RigDecider>(StreamId::Rig, &RigCommand::Pause { repo, paused, by: ada() })
    }

    pub(crate) fn see_pull(&mut self, number: u64, seen: PrObservation) -> Outcome {
        self.ask_pull(number, &PullRequestCommand::Observe(Box::new(seen)))
    }

    pub(crate) fn check(&mut self, number: u64, head: &str, run_id: u64, conclusion: &str) -> Outcome {
        self.ask_pull(number, &PullRequestCommand::RecordCheck(check(head, run_id, conclusion)))
    }

    pub(crate) fn review(&mut self, number: u64, kind: VerdictKind, reviewer: &str, head: &str, id: u64) -> Outcome {
        self.ask_pull(number, &PullRequestCommand::Review(verdict(kind, reviewer, head, id)))
    }

    fn perform<D: Decider>(&mut self, stream: StreamId, command: &D::Command) -> Outcome {
        let held = self.states.get(&stream).cloned().unwrap_or_else(|| StreamState::initial(&stream));
        let mut state = D::unwrap_state(held).expect("streams keep their kind");
        let neighbours: BTreeMap<StreamId, StreamState> = D::reads(&state, command)
            .into_iter()
            .filter_map(|stream| self.states.get(&stream).cloned().map(|state| (stream, state)))
            .collect();
        self.entropy += 1;
        let given = Given { now: self.now, policy: &self.policy, neighbours: &neighbours, entropy: self.entropy };
        let Decision { events, guards, outcome } = D::decide(&state, command, &given);
        if let Some(guard) = guards.iter().find(|guard| !self.holds(guard)) {
            return Outcome::Refused(Refusal::LostRace { why: format!("guarded: {guard:?}") });
        }
        for decided in events {
            let version = self.version_of(&stream) + 1;
            D::evolve(&mut state, &decided.event, Moment { version, time: self.now });
            self.lane.extend(D::reactions(&state, &decided.event));
            let event = D::wrap(decided.event);
            self.log.push((stream.clone(), event.type_name()));
            assert_reads_back(&event, D::KIND);
        }
        let state = D::wrap_state(state);
        assert_eq!(StreamState::from_value(D::KIND, &state.to_value()).as_ref(), Ok(&state), "a state reads back");
        self.states.insert(stream, state);
        self.check_invariants();
        self.check_capacity();
        outcome
    }

    /// As the stores see it at an append.
    fn holds(&self, guard: &Guard) -> bool {
        let leases = || {
            self.states.values().filter_map(|state| match state {
                StreamState::Issue(issue) => issue.lease.as_ref(),
                StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
            })
        };
        match guard {
            Guard::StreamAt { stream, version } => self.version_of(stream) == *version,
            Guard::LeasesBelow { agent, limit } => {
                leases().filter(|lease| lease.claimant.agent == *agent).count() < usize::try_from(*limit).unwrap()
            }
            Guard::NothingUnstarted { claimant } => {
                !leases().any(|lease| lease.claimant == *claimant && !lease.started())
            }
        }
    }

    fn version_of(&self, stream: &StreamId) -> u64 {
        u64::try_from(self.log.iter().filter(|(of, _)| of == stream).count()).unwrap()
    }

    fn drain(&mut self) {
        let mut deliveries = 0;
        while let Some(Effect::Tell(tell)) = self.lane.pop_front() {
            deliveries += 1;
            assert!(deliveries < 1000, "streams tell each other without end");
            match tell.read().expect("what was told reads back") {
                Told::PullRequest { issue, event, standing } => {
                    self.perform::<IssueDecider>(issue, &IssueCommand::FollowPullRequest { event, standing });
                }
                Told::Issue { pull_request, issue: StreamId::Issue(issue), event } => {
                    self.perform::<PullRequestDecider>(pull_request, &PullRequestCommand::FollowIssue { issue, event });
                }
                Told::Issue { .. } => panic!("only issues tell pull requests"),
            }
        }
        self.check_dispatches();
        self.check_approvals();
    }

    /// The first two invariants of the state machine, and what no sequence may reach.
    fn check_invariants(&self) {
        for state in self.states.values() {
            let StreamState::Issue(issue) = state else { continue };
            let Some(state) = issue.state() else {
                assert!(issue.lease.is_none() && issue.current.is_none(), "{}: nobody approved it", issue.reference);
                continue;
            };
            assert!(issue.lease.is_none() || state.allows_holder(), "{}: a holder in {state}", issue.reference);
            assert!(
                issue.current.is_none() || state.allows_current_pull_request(),
                "{}: a pull request in {state}",
                issue.reference
            );
            let open = |pull: &crate::issue::KnownPull| pull.standing.state == PullRequestState::Open;
            assert!(
                issue.current.is_none() || issue.current_pull().is_some_and(open),
                "{}: the current one is open",
                issue.reference
            );
            assert!(issue.strikes <= 2, "{}: a third strike", issue.reference);
            let automatic = matches!(state, IssueState::Queued | IssueState::Assigned | IssueState::InProgress);
            assert!(issue.strikes < 2 || !automatic, "{}: a third attempt in {state}", issue.reference);
        }
    }

    /// At most as many live leases per agent as it may hold, one more for a critical issue, whoever gave them.
    fn check_capacity(&self) {
        let mut held: BTreeMap<&AgentId, u32> = BTreeMap::new();
        let mut critical = std::collections::BTreeSet::new();
        for state in self.states.values() {
            let StreamState::Issue(issue) = state else { continue };
            let Some(lease) = issue.lease.as_ref().filter(|lease| !lease.hook) else { continue };
            *held.entry(&lease.claimant.agent).or_default() += 1;
            if issue.priority == Priority::Critical {
                critical.insert(&lease.claimant.agent);
            }
        }
        for (agent, held) in held {
            let capacity = self.policy.roster.agent(agent).map_or(1, |profile| profile.capacity);
            assert!(held <= capacity + u32::from(critical.contains(agent)), "{agent} holds {held}");
        }
    }

    /// Who produced a change never approves it.
    fn check_approvals(&self) {
        for state in self.states.values() {
            let StreamState::PullRequest(pull) = state else { continue };
            let standing = pull.standing();
            if standing.review != ReviewState::Approved {
                continue;
            }
            let reviewer = standing.reviewer.as_deref().and_then(Login::parse);
            assert_ne!(reviewer, pull.author, "{}: approved by its author", pull.reference);
            let by_holder = pull.told.iter().flat_map(|issue| self.issue(issue.number).holders).any(|holder| {
                let profile = self.policy.roster.agent(&holder);
                profile.zip(reviewer.as_ref()).is_some_and(|(profile, login)| profile.logins.contains(login))
            });
            assert!(!by_holder, "{}: approved by who held a lease", pull.reference);
        }
    }

    /// The third invariant, once the lane is drained: an open dispatch means that one of its issues is in review.
    fn check_dispatches(&self) {
        for state in self.states.values() {
            let StreamState::PullRequest(pull) = state else { continue };
            let mut issues: Vec<Issue> = pull.issues().iter().map(|issue| self.issue(issue.number)).collect();
            issues.retain(|issue| issue.state().is_some());
            let in_review = issues.iter().any(|issue| issue.state() == Some(IssueState::InReview));
            assert!(
                pull.dispatch.is_none() || issues.is_empty() || in_review,
                "{}: a dispatch outside review",
                pull.reference
            );
        }
    }
}

fn assert_reads_back(event: &crate::event::Event, kind: crate::identity::StreamKind) {
    let read = crate::event::Event::from_value(kind, event.type_name(), &event.to_value());
    assert_eq!(read.as_ref(), Ok(event), "an event reads back");
}

/// The rule that refused, or why it wasn't one.
pub(crate) fn rule_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Refused(Refusal::Rule { rule, .. }) => rule,
        Outcome::Refused(Refusal::StaleLease { .. }) => "stale_lease",
        Outcome::Refused(Refusal::LostRace { .. }) => "lost_race",
        Outcome::Refused(Refusal::Inapplicable { .. }) => "inapplicable",
        Outcome::Refused(Refusal::Forbidden { .. }) => "forbidden",
        Outcome::Refused(Refusal::Unknown { .. }) => "unknown",
        Outcome::Refused(Refusal::Malformed { .. }) => "malformed",
        Outcome::Accepted => "accepted",
        Outcome::Unchanged { .. } => "unchanged",
    }
}
