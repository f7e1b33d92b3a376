//! Hands out work: the index proposes, the issue's own append decides.

use std::sync::Arc;

use conductor_actors::{Coordinator, Rejected, Request, StateListener};
use conductor_core::decider::{Refusal, StreamState};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{Claimant, IssueRef, StreamId};
use conductor_core::issue::{Claim, ClaimVia, Issue, IssueCommand, IssueDecider};
use conductor_core::port::{Guard, PortFuture};
use conductor_core::roster::UnknownAgents;
use conductor_http::edge::{Claims, QueueView, Waiting};
use conductor_http::leases::LeaseKeeper;
use conductor_http::wire::{AssignmentView, IssueView, LeaseView};

use super::work_index::{Proposal, WorkIndex};

/// Races that a claimant may lose in one call before it is told to come back.
const ROUNDS: usize = 32;

/// The dispatcher.
pub struct Dispatch {
    coordinator: Coordinator,
    index: Arc<WorkIndex>,
    keeper: LeaseKeeper,
}

/// Gives a proposal back, however the claim ends; a claim that won has changed the issue, and giving back does nothing then.
pub(super) struct Offer<'a> {
    index: &'a WorkIndex,
    issue: IssueRef,
}

impl<'a> Offer<'a> {
    /// Of an issue that the index has just proposed.
    pub(super) fn new(index: &'a WorkIndex, issue: IssueRef) -> Self {
        Self { index, issue }
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        self.index.give_back(&self.issue);
    }
}

impl Dispatch {
    /// A dispatcher over that index, which has to be a listener of the coordinator.
    #[must_use]
    pub fn new(coordinator: Coordinator, index: Arc<WorkIndex>, keeper: LeaseKeeper) -> Self {
        Self { coordinator, index, keeper }
    }

    async fn next_for(&self, claimant: &Claimant) -> Result<Option<AssignmentView>, Rejected> {
        let policy = self.coordinator.policy();
        if policy.roster.agent(&claimant.agent).is_none() {
            match policy.unknown_agents {
                UnknownAgents::Allow => {}
                UnknownAgents::Hook | UnknownAgents::Refuse => {
                    let why = format!("{} is not in the roster, so it is never handed work", claimant.agent);
                    return Err(Rejected::Refused(Refusal::Forbidden { why }));
                }
            }
        }
        self.look_dependencies_up().await;
        // What was offered in vain stays out of this call's reach until it ends.
        let mut offers = Vec::new();
        for _ in 0..ROUNDS {
            let issue = match self.index.propose(claimant, policy, self.coordinator.clock().now()) {
                Proposal::Nothing => return Ok(None),
                Proposal::Held(issue) => match self.held(&issue, claimant).await? {
                    Some(view) => return Ok(Some(view)),
                    // The index was behind; reading the row has brought it up to date.
                    None => continue,
                },
                Proposal::Claim(issue) => issue,
            };
            offers.push(Offer::new(&self.index, issue.clone()));
            let stream = StreamId::Issue(issue.clone());
            // Its body, which no state holds, is read while the claim is decided; who loses has read in vain.
            let (claimed, row) = tokio::join!(self.claim(&issue, claimant), self.coordinator.store().row(&stream));
            match claimed {
                Ok(state) => match row {
                    Ok(row) => return Ok(assignment(&state, claimant, row.and_then(|row| row.body))),
                    Err(_) => return self.held(&issue, claimant).await,
                },
                // Lost, or no longer to be had: the next one.
                Err(Rejected::Refused(refusal)) => {
                    tracing::debug!(%claimant, %issue, %refusal, "{claimant} does not get {issue}: {refusal}");
                    if matches!(refusal, Refusal::LostRace { .. }) {
                        // The index was behind: without this it would propose the same for ever.
                        self.refresh(&issue).await?;
                    }
                }
                Err(Rejected::Guarded { guard: Guard::NothingUnstarted { .. }, held: Some(StreamId::Issue(held)) }) => {
                    return self.held(&held, claimant).await;
                }
                // Full (another replica knew first).
                Err(Rejected::Guarded { .. }) => return Ok(None),
                Err(
                    rejected @ (Rejected::KeyReused
                    | Rejected::Busy { .. }
                    | Rejected::Draining
                    | Rejected::NotLeader
                    | Rejected::Unknown(_)
                    | Rejected::Store(_)),
                ) => return Err(rejected),
            }
        }
        Ok(None)
    }

    /// Claims; gives the issue as the claim left it.
    async fn claim(&self, issue: &IssueRef, claimant: &Claimant) -> Result<Arc<Issue>, Rejected> {
        let metadata = Metadata::by(Actor::Agent(claimant.agent.clone())).because_of("assignments/next");
        let claim = Claim { claimant: claimant.clone(), via: ClaimVia::Pull };
        let request = Request::new(IssueCommand::Claim(claim), metadata);
        self.coordinator
            .execute::<IssueDecider>(StreamId::Issue(issue.clone()), request)
            .await
            .map(|answer| answer.state)
    }

    /// The claimant's assignment of an issue, if it is (still) its own and not started.
    async fn held(&self, issue: &IssueRef, claimant: &Claimant) -> Result<Option<AssignmentView>, Rejected> {
        let Some((mut state, body)) = self.refresh(issue).await? else { return Ok(None) };
        let signs = self.keeper.signs_of(&**self.coordinator.store(), issue).await?;
        self.keeper.show_renewed(&mut state, signs.as_ref());
        Ok(assignment(&state, claimant, body))
    }

    /// Reads an issue's row and brings the index up to it.
    pub(super) async fn refresh(&self, issue: &IssueRef) -> Result<Option<(Box<Issue>, Option<String>)>, Rejected> {
        let stream = StreamId::Issue(issue.clone());
        let Some(row) = self.coordinator.store().row(&stream).await? else { return Ok(None) };
        self.index.changed(&stream, row.version, &row.state);
        match row.state {
            StreamState::Issue(state) => Ok(Some((state, row.body))),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => Ok(None),
        }
    }

    /// Looks up what is asked about and not known. One that can't be looked up keeps its dependants back: it fails closed.
    pub(super) async fn look_dependencies_up(&self) {
        for dependency in self.index.unknown() {
            let stream = StreamId::Issue(dependency.clone());
            match self.coordinator.store().row(&stream).await {
                Ok(row) => {
                    let frees = row.is_some_and(|row| match row.state {
                        StreamState::Issue(issue) => issue.frees_dependants(),
                        StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => false,
                    });
                    self.index.learn_dependency(&dependency, frees);
                }
                Err(error) => {
                    tracing::warn!(%dependency, %error, "failed to look up {dependency}: {error}");
                }
            }
        }
    }
}

/// An issue as its holder is handed it; `None` when the claimant doesn't hold it, or has started it.
fn assignment(issue: &Issue, claimant: &Claimant, body: Option<String>) -> Option<AssignmentView> {
    let lease = issue.lease.as_ref().filter(|lease| lease.claimant == *claimant && !lease.started())?;
    let pull = issue.current_pull();
    Some(AssignmentView {
        issue: IssueView {
            reference: issue.reference.clone(),
            title: issue.title.clone(),
            milestone: issue.milestone.clone(),
            body,
        },
        priority: issue.priority,
        attempt: issue.attempt,
        lease: LeaseView { token: lease.token.clone(), epoch: lease.epoch, expires_at: lease.expires_at },
        stack: issue.stack.clone(),
        test_command: issue.test_command.clone(),
        build_command: issue.build_command.clone(),
        tools: issue.tools.clone(),
        kind: lease.kind,
        branch_hint: lease.branch_hint.clone(),
        pr_repo: pull.map(|pull| pull.standing.pr.repo.clone()),
        pr_number: pull.map(|pull| pull.standing.pr.number),
        head_sha: pull.and_then(|pull| pull.standing.head_sha.clone()),
        feedback: pull.and_then(|pull| pull.standing.feedback.clone()).or_else(|| issue.feedback.clone()),
    })
}

impl Claims for Dispatch {
    fn next(&self, claimant: Claimant) -> PortFuture<'_, Result<Option<AssignmentView>, Rejected>> {
        Box::pin(async move { self.next_for(&claimant).await })
    }
}

impl QueueView for Dispatch {
    fn waiting(&self) -> PortFuture<'_, Result<Vec<Waiting>, Rejected>> {
        Box::pin(async move {
            self.look_dependencies_up().await;
            Ok(self.index.waiting(self.coordinator.clock().now()))
        })
    }
}
