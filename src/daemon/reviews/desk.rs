//! Reads what the rule of dispatch looks at, and has the appends decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use conductor_actors::{Answer, Coordinator, LeaderProof, Rejected, Request, StateListener};
use conductor_core::agent::Agent;
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{AgentId, PrRef, StreamId};
use conductor_core::issue::Issue;
use conductor_core::port::{PortFuture, StoreFailure};
use conductor_core::pull_request::{Dispatch, PullRequest, PullRequestCommand, PullRequestDecider};
use conductor_core::review::{Crew, Sight, Step, awaits, looks_at};
use conductor_core::roster::Role;
use conductor_core::time::Timestamp;
use conductor_http::edge::Reviews;
use conductor_http::wire::{IssueView, ReviewView};

use super::super::ear::Ear;
use super::index::ReviewIndex;
use super::pass::ReviewDispatch;

/// Pull requests that one question of a reviewer looks at before it is told to come back.
const LOOKS: usize = 32;

/// Where reviewers are found for what waits.
pub struct ReviewDesk {
    coordinator: Coordinator,
    index: Arc<ReviewIndex>,
    ear: Arc<Ear>,
    /// Reviewers are told by entries in their streams.
    streamed: bool,
}

impl ReviewDesk {
    /// A desk over that index, which has to be a listener of the coordinator.
    #[must_use]
    pub fn new(coordinator: Coordinator, index: Arc<ReviewIndex>, ear: Arc<Ear>, streamed: bool) -> Self {
        Self { coordinator, index, ear, streamed }
    }

    pub(super) fn index(&self) -> &ReviewIndex {
        &self.index
    }

    pub(super) fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// The reviewers of the roster as they are known now.
    pub(super) async fn crew(&self) -> Result<Crew, StoreFailure> {
        let listening = self.ear.listen().await?.since;
        let (store, policy) = (self.coordinator.store(), self.coordinator.policy());
        let mut states: BTreeMap<AgentId, Agent> = BTreeMap::new();
        for profile in policy.roster.agents.iter().filter(|profile| profile.role == Role::Reviewer) {
            if let Some((_, StreamState::Agent(state))) = store.load(&StreamId::Agent(profile.id.clone())).await? {
                states.insert(profile.id.clone(), *state);
            }
        }
        let mut heard: BTreeMap<AgentId, Timestamp> = BTreeMap::new();
        for last in store.last_heartbeats().await? {
            let newest = heard.entry(last.claimant.agent).or_insert(last.at);
            *newest = last.at.max(*newest);
        }
        Ok(Crew::of(policy, &states, &heard, &self.index.droughts())
            .heard_since(listening)
            .told_by_streams(self.streamed))
    }

    /// A pull request and what the rule looks at beside it; `None` where nothing is known of it.
    pub(super) async fn sight(&self, reference: &PrRef) -> Result<Option<Sight>, StoreFailure> {
        let store = self.coordinator.store();
        let stream = StreamId::PullRequest(reference.clone());
        let Some((version, state)) = store.load(&stream).await? else { return Ok(None) };
        self.index.changed(&stream, version, &state);
        match state {
            StreamState::PullRequest(pull) => self.around(*pull).await.map(Some),
            StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_) => Ok(None),
        }
    }

    async fn around(&self, pull: PullRequest) -> Result<Sight, StoreFailure> {
        let mut neighbours = BTreeMap::new();
        for stream in looks_at(&pull) {
            if let Some((_, state)) = self.coordinator.store().load(&stream).await? {
                neighbours.insert(stream, state);
            }
        }
        Ok(Sight { pull, neighbours })
    }

    /// Has the append decide what is to be done about a pull request: on the leader's behalf, or because a reviewer asked.
    pub(super) async fn see_to(
        &self,
        pull: &PrRef,
        crew: Crew,
        proof: Option<&LeaderProof>,
    ) -> Result<Answer<PullRequest>, Rejected> {
        let metadata = Metadata::by(Actor::Daemon(ReviewDispatch::PART.to_owned()));
        let stream = StreamId::PullRequest(pull.clone());
        let command = PullRequestCommand::SeeToReview { crew };
        match proof {
            Some(proof) => {
                let request = Request::new(command, metadata);
                self.coordinator.execute_as_leader::<PullRequestDecider>(proof, stream, request).await
            }
            None => {
                let request = Request::new(command, metadata.because_of("reviews/next"));
                self.coordinator.execute::<PullRequestDecider>(stream, request).await
            }
        }
    }

    async fn next_for(&self, reviewer: &AgentId) -> Result<Option<ReviewView>, Rejected> {
        for pull in self.index.asked_of(reviewer) {
            if let Some(sight) = self.sight(&pull).await?
                && let Some(view) = self.hand_out(sight, reviewer).await?
            {
                return Ok(Some(view));
            }
        }
        let unasked = self.index.unasked();
        if unasked.is_empty() {
            return Ok(None);
        }
        let (policy, now) = (self.coordinator.policy(), self.coordinator.clock().now());
        let crew = self.crew().await?.with(reviewer, now);
        for pull in unasked.iter().take(LOOKS) {
            let Some(sight) = self.sight(pull).await? else { continue };
            // Push and pull are one decision: whoever else the rule would ask now is asked by the pass.
            match sight.step(&crew, policy, now) {
                Step::Ask { reviewer: chosen, .. } if chosen == *reviewer => {}
                Step::Ask { .. } | Step::GiveUp | Step::Call(_) | Step::Nothing(_) => continue,
            }
            match self.see_to(pull, crew.clone(), None).await {
                Ok(answer) => {
                    let sight = Sight { pull: (*answer.state).clone(), ..sight };
                    if let Some(view) = self.hand_out(sight, reviewer).await? {
                        return Ok(Some(view));
                    }
                }
                // Somebody was faster: the next one.
                Err(Rejected::Refused(_) | Rejected::Guarded { .. }) => {}
                Err(
                    rejected @ (Rejected::KeyReused
                    | Rejected::Busy { .. }
                    | Rejected::Draining
                    | Rejected::Unknown(_)
                    | Rejected::NotLeader
                    | Rejected::Store(_)),
                ) => return Err(rejected),
            }
        }
        Ok(None)
    }

    /// An open dispatch for its reviewer, who has it from now on, whether its entry has come or not.
    async fn hand_out(&self, mut sight: Sight, reviewer: &AgentId) -> Result<Option<ReviewView>, Rejected> {
        let on_its_way = |dispatch: &&Dispatch| dispatch.reviewer == *reviewer && dispatch.is_on_its_way();
        if let Some(dispatch) = sight.pull.dispatch.as_ref().filter(on_its_way) {
            let metadata = Metadata::by(Actor::Agent(reviewer.clone())).because_of("reviews/next");
            let request = Request::new(PullRequestCommand::Delivered { dispatch: dispatch.version }, metadata);
            let stream = StreamId::PullRequest(sight.pull.reference.clone());
            let answer = self.coordinator.execute::<PullRequestDecider>(stream, request).await?;
            sight.pull = (*answer.state).clone();
        }
        Ok(self.view(&sight, reviewer).await?)
    }

    /// An open dispatch as its reviewer is handed it; `None` when there is none of its own.
    async fn view(&self, sight: &Sight, reviewer: &AgentId) -> Result<Option<ReviewView>, StoreFailure> {
        let pull = &sight.pull;
        let Some(dispatch) = pull.dispatch.as_ref().filter(|dispatch| dispatch.reviewer == *reviewer) else {
            return Ok(None);
        };
        let issue = sight.neighbours.values().find_map(|neighbour| match neighbour {
            StreamState::Issue(issue) => Some(issue).filter(|issue| awaits(issue, pull)),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        });
        let body = match issue {
            Some(issue) => self.coordinator.store().row(&StreamId::Issue(issue.reference.clone())).await?,
            None => None,
        };
        let unknown = Issue::unknown(pull.reference.clone());
        let issue: &Issue = issue.map_or(&unknown, |issue| issue);
        let tries = pull.current_head().map_or(0, |head| head.tries.iter().filter(|tried| tried.counts()).count());
        Ok(Some(ReviewView {
            subject: IssueView {
                reference: pull.reference.clone(),
                title: pull.title.clone().unwrap_or_else(|| issue.title.clone()),
                milestone: issue.milestone.clone(),
                body: body.and_then(|row| row.body),
            },
            priority: issue.priority,
            attempt: u32::try_from(tries).unwrap_or(u32::MAX),
            stack: issue.stack.clone(),
            test_command: issue.test_command.clone(),
            build_command: issue.build_command.clone(),
            tools: issue.tools.clone(),
            branch: pull.branch.clone(),
            url: pull.url.clone(),
            head_sha: dispatch.head.clone(),
            linked_issues: pull.issues(),
            deadline: dispatch.deadline,
        }))
    }
}

impl Reviews for ReviewDesk {
    fn next(&self, reviewer: AgentId) -> PortFuture<'_, Result<Option<ReviewView>, Rejected>> {
        Box::pin(async move { self.next_for(&reviewer).await })
    }

    fn outlook(&self, pull: PullRequest) -> PortFuture<'_, Result<Step, StoreFailure>> {
        Box::pin(async move {
            let crew = self.crew().await?;
            let (policy, now) = (self.coordinator.policy(), self.coordinator.clock().now());
            Ok(self.around(pull).await?.step(&crew, policy, now))
        })
    }
}
