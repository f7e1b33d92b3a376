//! A rig in memory for tests: deciders, and the internal lane between them, without stores, actors or clocks.
//!
//! After every append the three invariants of the state machine are checked, and what an append does is held against the
//! guarantees that no rule may break (one lease, no third attempt).

mod facts;
mod invariants;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::agent::{Agent, AgentCommand, AgentDecider};
use crate::decider::{Decider, Decision, Given, Moment, Outcome, Refusal, StreamState};
use crate::event::IssueState;
use crate::identity::{AgentId, IssueRef, RepoName, StreamId};
use crate::issue::{Claim, ClaimVia, HolderReport, Issue, IssueCommand, IssueDecider, IssueOverride, Lease, Reported};
use crate::port::Guard;
use crate::pull_request::{PrObservation, PullRequest, PullRequestCommand, PullRequestDecider, VerdictKind};
use crate::reaction::{Effect, Told};
use crate::review::{Awaiting, Crew, Sight, Step, droughts, looks_at};
use crate::rig::{Rig, RigCommand, RigDecider};
use crate::roster::{GitHubMode, Policy};
use crate::time::{Timestamp, minutes};

pub(crate) use facts::{ada, approval, at, check, claimant, issue_ref, labelled, login, opened, sha, verdict};

/// The repository of every test.
pub(crate) const REPO: &str = "acme/web";

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<(StreamId, &'static str)>,
    /// Last heartbeats.
    pub(crate) heard: BTreeMap<AgentId, Timestamp>,
    /// Agents are told by entries in their streams.
    pub(crate) streamed: bool,
    states: BTreeMap<StreamId, StreamState>,
    lane: VecDeque<Effect>,
    /// Effects for the world outside, oldest first; nobody is there to deliver them.
    pub(crate) outside: Vec<Effect>,
    entropy: u128,
    renewals: BTreeMap<(IssueRef, u32), Timestamp>,
}

impl World {
    pub(crate) fn new(github: GitHubMode) -> Self {
        Self {
            policy: Policy::built_in(github),
            now: at(0),
            log: Vec::new(),
            heard: BTreeMap::new(),
            streamed: false,
            states: BTreeMap::new(),
            lane: VecDeque::new(),
            outside: Vec::new(),
            entropy: 1,
            renewals: BTreeMap::new(),
        }
    }

    /// #42 in that state. Where it may have a holder, that is dev-e-node, but for changes_requested; its pull request is #57.
    pub(crate) fn in_state(state: IssueState) -> Self {
        let mut world = Self::new(GitHubMode::Webhook);
        world.label(42);
        if state != IssueState::Queued {
            world.claim(42, "dev-e-node");
        }
        if !matches!(state, IssueState::Queued | IssueState::Assigned) {
            world.start(42, "dev-e-node");
        }
        let open = || opened(42, "agent/issue-42-1", "aaaa", 10);
        if !matches!(state, IssueState::Queued | IssueState::Assigned | IssueState::InProgress) {
            world.see_pull(57, open());
        }
        let merged = PrObservation { open: false, merged: true, updated_at: at(20), ..open() };
        match state {
            IssueState::Queued | IssueState::Assigned | IssueState::InProgress | IssueState::InReview => {}
            IssueState::ChangesRequested => drop(world.check(57, "aaaa", 1, "failure")),
            IssueState::ReadyToMerge => {
                drop(world.review(57, VerdictKind::Approved, "review-e-bot[bot]", "aaaa", 1));
            }
            IssueState::Deploying => {
                world.policy.repo_defaults.deploys = true;
                world.see_pull(57, merged);
            }
            IssueState::Escalated => drop(world.ask(42, &IssueCommand::Escalate { reason: "odd".into() })),
            IssueState::Done => drop(world.see_pull(57, merged)),
            IssueState::Cancelled => {
                drop(world.ask(42, &IssueCommand::Cancel { reason: "odd".into(), hand: crate::issue::Hand::Person }))
            }
        }
        assert_eq!(world.state(42), state.as_str());
        world
    }

    /// What the log knows of an agent.
    pub(crate) fn agent(&self, agent: &str) -> Option<Agent> {
        match self.states.get(&StreamId::Agent(claimant(agent).agent)) {
            Some(StreamState::Agent(agent)) => Some((**agent).clone()),
            Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Rig(_)) | None => None,
        }
    }

    /// The reviewers as they are known now.
    pub(crate) fn crew(&self) -> Crew {
        let mut states = BTreeMap::new();
        let mut awaiting = Vec::new();
        for state in self.states.values() {
            match state {
                StreamState::Agent(agent) => drop(states.insert(agent.id.clone(), (**agent).clone())),
                StreamState::PullRequest(pull) => awaiting.extend(Awaiting::of(pull)),
                StreamState::Issue(_) | StreamState::Rig(_) => {}
            }
        }
        Crew::of(&self.policy, &states, &self.heard, &droughts(&awaiting)).told_by_streams(self.streamed)
    }

    /// A pull request as the rule of dispatch sees it.
    pub(crate) fn sight(&self, number: u64) -> Sight {
        let pull = self.pull(number);
        let of = |stream: StreamId| self.states.get(&stream).cloned().map(|state| (stream, state));
        let neighbours = looks_at(&pull).into_iter().filter_map(of).collect();
        Sight { pull, neighbours }
    }

    /// What the rule of dispatch says of it now.
    pub(crate) fn review_step(&self, number: u64) -> Step {
        self.sight(number).step(&self.crew(), &self.policy, self.now)
    }

    /// The one rule of dispatch is asked about a pull request.
    pub(crate) fn see_to_review(&mut self, number: u64) -> Outcome {
        let crew = self.crew();
        self.ask_pull(number, &PullRequestCommand::SeeToReview { crew })
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    pub(crate) fn rig(&self) -> Rig {
        match self.states.get(&StreamId::Rig) {
            Some(StreamState::Rig(rig)) => (**rig).clone(),
            Some(StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_)) | None => Rig::unknown(),
        }
    }

    /// Live leases of an agent.
    pub(crate) fn held_by(&self, agent: &AgentId) -> u32 {
        let held = self.leases().filter(|lease| lease.claimant.agent == *agent).count();
        u32::try_from(held).unwrap()
    }

    fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.states.values().filter_map(|state| match state {
            StreamState::Issue(issue) => issue.lease.as_ref(),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        })
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
        self.claim_via(ClaimVia::Pull, number, agent)
    }

    /// Hands the issue out unasked.
    pub(crate) fn push(&mut self, number: u64, agent: &str) -> Outcome {
        self.claim_via(ClaimVia::Push, number, agent)
    }

    fn claim_via(&mut self, via: ClaimVia, number: u64, agent: &str) -> Outcome {
        self.now = self.now.plus(minutes(1));
        let claim = Claim { claimant: claimant(agent), via };
        self.ask(number, &IssueCommand::Claim(claim))
    }

    /// The holder of that lease gives a sign of life.
    pub(crate) fn renew(&mut self, number: u64, epoch: u32, at: Timestamp) {
        self.renewals.insert((issue_ref(number), epoch), at);
    }

    pub(crate) fn report(&mut self, number: u64, agent: &str, what: Reported) -> Outcome {
        self.ask(number, &IssueCommand::Report(HolderReport { by: claimant(agent), token: None, what }))
    }

    pub(crate) fn start(&mut self, number: u64, agent: &str) -> Outcome {
        self.report(number, agent, Reported::Started { branch: None })
    }

    pub(crate) fn tell_agent(&mut self, agent: &str, command: &AgentCommand) -> Outcome {
        self.perform::<AgentDecider>(StreamId::Agent(claimant(agent).agent), command)
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
    pub(crate) fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::StreamAt { stream, version } => self.version_of(stream) == *version,
            Guard::LeasesBelow { agent, limit } => self.held_by(agent) < *limit,
            Guard::NothingUnstarted { claimant } => {
                !self.leases().any(|lease| lease.claimant == *claimant && !lease.started())
            }
            Guard::LeaseSilentSince { issue, epoch, since } => {
                let renewed = self.renewals.get(&(issue.clone(), *epoch));
                renewed.is_none_or(|at| at <= since)
            }
        }
    }

    /// A stream with what is known of it, as decisions are handed their neighbours.
    pub(crate) fn stream(&self, stream: &StreamId) -> Option<(StreamId, StreamState)> {
        self.states.get(stream).map(|state| (stream.clone(), state.clone()))
    }

    fn version_of(&self, stream: &StreamId) -> u64 {
        u64::try_from(self.log.iter().filter(|(of, _)| of == stream).count()).unwrap()
    }

    fn drain(&mut self) {
        let mut deliveries = 0;
        while let Some(effect) = self.lane.pop_front() {
            let tell = match effect {
                Effect::Tell(tell) => tell,
                effect @ (Effect::Offer(_) | Effect::Withdraw(_) | Effect::ForgetSession(_)) => {
                    self.outside.push(effect);
                    continue;
                }
            };
            deliveries += 1;
            assert!(deliveries < 1000, "streams tell each other without end");
            match tell.read().expect("what was told reads back") {
                Told::PullRequest { issue, event, standing } => {
                    self.perform::<IssueDecider>(issue, &IssueCommand::FollowPullRequest { event, standing });
                }
                Told::Issue { pull_request, issue: StreamId::Issue(issue), event } => {
                    self.perform::<PullRequestDecider>(pull_request, &PullRequestCommand::FollowIssue { issue, event });
                }
                Told::Agent { agent, issue: StreamId::Issue(issue), .. } => {
                    let at = self.now;
                    self.perform::<AgentDecider>(agent, &AgentCommand::RanDry { issue, at });
                }
                Told::Issue { .. } | Told::Agent { .. } => panic!("only issues tell pull requests and agents"),
            }
        }
        self.check_dispatches();
        self.check_approvals();
    }
}

fn assert_reads_back(event: &crate::event::Event, kind: crate::identity::StreamKind) {
    let read = crate::event::Event::from_value(kind, event.type_name(), &event.to_value());
    assert_eq!(read.as_ref(), Ok(event), "an event reads back");
}

/// The rule that refused, or why it wasn't one.
pub(crate) fn rule_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Refused(Refusal::Rule { rule, .. }) => match rule {
            std::borrow::Cow::Borrowed(rule) => rule,
            std::borrow::Cow::Owned(rule) => unreachable!("no decider reads {rule} back from a log"),
        },
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
