//! The one handle to the actors.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::agent::AgentDecider;
use conductor_core::decider::Decider;
use conductor_core::identity::StreamId;
use conductor_core::issue::IssueDecider;
use conductor_core::port::{Clock, Store};
use conductor_core::pull_request::PullRequestDecider;
use conductor_core::reaction::Destination;
use conductor_core::rig::RigDecider;
use conductor_core::roster::Policy;

use crate::arbiters::Arbiters;
use crate::board::BoardSnapshot;
use crate::drain::{DrainReport, drained_within};
use crate::lane::{Deliver, LaneSettings, OutboxLane, is_led, lane};
use crate::leader::{Elections, LeaderPass, LeaderProof, UnderProof};
use crate::periodic::{Cadence, Pass};
use crate::ports::Ports;
use crate::request::{Answer, Rejected, Request};
use crate::ring::{Circumstances, Ring};
use crate::settings::Settings;

/// Typed, bounded entry to the actors. Clones share everything; no call panics, and every call answers.
#[derive(Clone)]
pub struct Coordinator {
    inner: Arc<Inner>,
}

struct Inner {
    with: Circumstances,
    rings: Rings,
    arbiters: Arbiters,
}

/// One ring per kind of stream.
pub struct Rings {
    issues: Ring<IssueDecider>,
    pull_requests: Ring<PullRequestDecider>,
    agents: Ring<AgentDecider>,
    rig: Ring<RigDecider>,
}

/// A decider whose streams have actors here. Sealed: the list is the closed one of [`conductor_core::decider::StreamState`].
pub trait Routed: Decider + sealed::Sealed {
    /// The ring of its streams.
    #[doc(hidden)]
    fn ring(rings: &Rings) -> sealed::RingOf<'_, Self>
    where
        Self: Sized;
}

mod sealed {
    pub trait Sealed {}

    /// Keeps the crate's own type out of a public signature.
    pub struct RingOf<'a, D: conductor_core::decider::Decider>(pub(super) &'a crate::ring::Ring<D>);
}

macro_rules! routed {
    ($($decider:ty => $ring:ident),* $(,)?) => { $(
        impl sealed::Sealed for $decider {}
        impl Routed for $decider {
            fn ring(rings: &Rings) -> sealed::RingOf<'_, Self> {
                sealed::RingOf(&rings.$ring)
            }
        }
    )* };
}
routed! {
    IssueDecider => issues,
    PullRequestDecider => pull_requests,
    AgentDecider => agents,
    RigDecider => rig,
}

impl Coordinator {
    /// Starts the shards; passes are started one by one with [`Coordinator::start_pass`].
    pub async fn start(ports: Ports, settings: Settings, arbiters: Arbiters) -> Self {
        let with = Circumstances::new(ports, settings);
        let places = arbiters.shards();
        let rings = Rings {
            issues: Ring::start(places, &with.gate, &with).await,
            pull_requests: Ring::start(places, &with.gate, &with).await,
            agents: Ring::start(places, &with.agents_gate, &with).await,
            // The rig is one stream: one shard is enough.
            rig: Ring::start(&places[..1], &with.gate, &with).await,
        };
        Self { inner: Arc::new(Inner { with, rings, arbiters }) }
    }

    /// Performs a command on a stream: decided on its current state, durable when this returns `Ok`.
    ///
    /// Dropping the future withdraws nothing: what was admitted is worked off.
    ///
    /// # Errors
    /// See [`Rejected`]; after `Unknown` and after a failed store it is unknown whether the command happened.
    pub async fn execute<D: Routed>(
        &self,
        stream: StreamId,
        request: Request<D::Command>,
    ) -> Result<Answer<D::State>, Rejected> {
        D::ring(&self.inner.rings).0.execute(stream, request).await
    }

    /// Starts a periodic pass; its first tick is at once.
    pub async fn start_pass<P: Pass>(&self, pass: P, cadence: Cadence) {
        let Circumstances { settings, passes, board, .. } = &self.inner.with;
        passes.start(pass, cadence, self.inner.arbiters.passes(), settings, board).await;
    }

    /// Starts a periodic pass that runs only where and while this process is the leader; elsewhere it stands by. The first of
    /// them makes this process stand for election.
    pub async fn start_leader_pass<P: LeaderPass>(&self, pass: P, cadence: Cadence) {
        let Circumstances { settings, passes, leadership, .. } = &self.inner.with;
        let first = leadership.enlist(P::NAME);
        self.start_pass(UnderProof::new(pass, Arc::clone(leadership)), cadence).await;
        if first {
            let elections = Elections::new(Arc::clone(leadership), Arc::clone(passes));
            self.start_pass(elections, Elections::cadence(&settings.leader)).await;
        }
    }

    /// Starts the lane that brings effects to a destination.
    pub async fn start_lane<D: Deliver>(&self, deliverer: D, settings: LaneSettings, cadence: Cadence) {
        let lane = OutboxLane::new(self.inner.with.ports.clone(), deliverer, settings);
        if is_led(D::DESTINATION) {
            self.start_leader_pass(lane, cadence).await;
        } else {
            self.start_pass(lane, cadence).await;
        }
    }

    /// Wakes the lanes that the leader works on: for whoever learns that another process has appended.
    pub fn nudge_led_lanes(&self) {
        let led = self.destinations().iter().filter(|destination| is_led(**destination));
        led.for_each(|destination| self.nudge(lane(*destination)));
    }

    /// Performs a command that nobody asked for but the time: on the leader's behalf, as long as its proof holds.
    ///
    /// # Errors
    /// [`Rejected::NotLeader`] where it holds no more, and then nothing is done; else as [`Coordinator::execute`].
    pub async fn execute_as_leader<D: Routed>(
        &self,
        proof: &LeaderProof,
        stream: StreamId,
        request: Request<D::Command>,
    ) -> Result<Answer<D::State>, Rejected> {
        if !proof.still_holds() {
            return Err(Rejected::NotLeader);
        }
        self.execute::<D>(stream, request).await
    }

    /// Wakes the pass of that name now. Nudges during a tick amount to one tick after it; unknown names are passed over.
    pub fn nudge(&self, pass: &str) {
        self.inner.with.passes.nudge(pass);
    }

    /// What every actor is doing; answers even when actors hang.
    #[must_use]
    pub fn board(&self) -> BoardSnapshot {
        self.inner.with.board.snapshot(self.inner.with.ports.clock.now())
    }

    /// The store that the actors write to.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.with.ports.store
    }

    /// The configuration that they decide by.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.inner.with.ports.policy
    }

    /// Where their effects go.
    #[must_use]
    pub fn destinations(&self) -> &BTreeSet<Destination> {
        &self.inner.with.ports.destinations
    }

    /// The clock that they live by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.with.ports.clock
    }

    /// Refuses new requests, finishes those that were admitted, ends the passes after their current tick, and says honestly
    /// what was left when the deadline came. Calling it again waits for the same end.
    pub async fn drain(&self, deadline: Duration) -> DrainReport {
        let Inner { with, rings, .. } = &*self.inner;
        with.passes.expect_the_end();
        with.gate.close();
        with.agents_gate.close();
        let everything = async {
            tokio::join!(
                rings.issues.drain(),
                rings.pull_requests.drain(),
                rings.agents.drain(),
                rings.rig.drain(),
                with.passes.stop(),
            );
            // At the very end: nothing of this process acts any more.
            with.leadership.resign().await;
        };
        drained_within(deadline, everything, with).await
    }

    /// Ends the threads of the actors; for after a drain.
    pub fn stop(&self) {
        self.inner.arbiters.stop();
    }
}

impl std::fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").field("ports", &self.inner.with.ports).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use conductor_core::agent::AgentCommand;
    use conductor_core::identity::AgentId;

    use super::*;
    use crate::testing::{Call, Fault, issue, metadata, play, settle};
    use conductor_core::decider::Refusal;
    use conductor_core::event::{AgentQuotaReported, IssueApproved, Priority};
    use conductor_core::identity::Claimant;
    use conductor_core::issue::{Claim, ClaimVia, Hand, IssueCommand};
    use conductor_core::overrule::{Reason, Ruling};

    #[tokio::test(start_paused = true)]
    async fn agents_are_heard_while_all_other_room_is_taken() {
        play(Settings::default(), async |stage| {
            let settings = Settings { requests: 2, ..Settings::default() };
            let coordinator = Coordinator::start(stage.with.ports.clone(), settings, Arbiters::here(2)).await;
            stage.store.fail(Call::Load, [Fault::HangBefore, Fault::HangBefore]);
            let order = |number| {
                let (coordinator, unassign) =
                    (coordinator.clone(), IssueCommand::Unassign { agent: None, reason: "enough".to_owned() });
                tokio::task::spawn_local(async move {
                    coordinator.execute::<IssueDecider>(issue(number), Request::new(unassign, metadata())).await
                })
            };
            let hanging = [order(1), order(2)];
            settle().await;
            let refused = order(3).await.unwrap().unwrap_err();
            assert!(matches!(refused, Rejected::Busy { .. }), "{refused:?}");
            let agent = StreamId::Agent(AgentId::parse("dev-e-node").unwrap());
            let quota = AgentQuotaReported { five_hour_pct: Some(40.0), weekly_pct: None };
            let report = AgentCommand::Report(Box::new(quota.into()));
            coordinator.execute::<AgentDecider>(agent, Request::new(report, metadata())).await.unwrap();
            assert!(hanging.iter().all(|asked| !asked.is_finished()));
        })
        .await;
    }

    fn approved() -> IssueCommand {
        let approval = IssueApproved {
            title: "Broken".to_owned(),
            url: None,
            body: None,
            priority: Priority::Normal,
            depends_on: Vec::new(),
            stack: None,
            escalate: Vec::new(),
            tools: Vec::new(),
            test_command: None,
            build_command: None,
            milestone: None,
            labels: Vec::new(),
            source: "test".to_owned(),
            new_life: false,
            updated_at: None,
        };
        IssueCommand::Approve { approval: Box::new(approval), hand: Hand::Person }
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_process_wrote_of_an_agent_counts_though_this_one_remembers_it_otherwise() {
        play(Settings::default(), async |stage| {
            let start = || Coordinator::start(stage.with.ports.clone(), Settings::default(), Arbiters::here(2));
            let (ours, theirs) = (start().await, start().await);
            let agent = AgentId::parse("dev-e-node").unwrap();
            let pause = async |paused| {
                let reason = Reason::parse("release day").unwrap();
                let by = Ruling { operator: "ada".to_owned(), reason };
                let hold = Request::new(AgentCommand::Pause { paused, by }, metadata());
                theirs.execute::<AgentDecider>(StreamId::Agent(agent.clone()), hold).await.unwrap();
            };
            let ask = async |number, command| {
                ours.execute::<IssueDecider>(issue(number), Request::new(command, metadata())).await
            };
            let claim = async |number| {
                ask(number, approved()).await.unwrap();
                let claim = Claim { claimant: Claimant::bare(agent.clone()), via: ClaimVia::Push };
                ask(number, IssueCommand::Claim(claim)).await
            };
            // Seen at work, then paused elsewhere: an append that was decided on the past fails.
            claim(1).await.unwrap();
            ask(1, IssueCommand::Unassign { agent: None, reason: "room for another".to_owned() }).await.unwrap();
            pause(true).await;
            let refused = claim(2).await.unwrap_err();
            assert!(
                matches!(&refused, Rejected::Refused(Refusal::Rule { rule, .. }) if rule == "paused"),
                "{refused:?}"
            );
            // Seen paused, then let go on elsewhere: a refusal is no append, so it is told on what the log says.
            pause(false).await;
            claim(3).await.unwrap();
        })
        .await;
    }
}
