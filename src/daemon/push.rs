//! Work that nobody asked for is handed out: to a fitting agent with the freshest heartbeat, or to one that is scaled to zero
//! and wakes up by it.
//!
//! Push and pull are one decision: the same index proposes, and the same rules and guards of the issue's own append decide. What
//! no agent may have now stays queued; whatever changes that wakes this pass.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::decider::Refusal;
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{AgentId, Claimant, IssueRef, StreamId};
use conductor_core::issue::{Claim, ClaimVia, IssueCommand, IssueDecider};
use conductor_core::port::Guard;
use conductor_core::time::Timestamp;
use tokio::time::Instant;

use super::dispatch::{Dispatch, Offer};
use super::work_index::WorkIndex;

/// Heartbeats only order those who would do anyway: they needn't be read at every approval.
const HEARTBEATS_KEEP: Duration = Duration::from_secs(10);
/// Issues handed out in one tick; the next one follows at once.
const BATCH: u64 = 500;

/// The pass that hands work out.
pub struct Push {
    coordinator: Coordinator,
    index: Arc<WorkIndex>,
    dispatch: Arc<Dispatch>,
    heard: Mutex<Option<(Instant, BTreeMap<AgentId, Timestamp>)>>,
}

/// What became of one attempt.
enum Handed {
    /// The agent holds it.
    Done,
    /// Not this issue; maybe another one.
    NotThis,
    /// This agent takes nothing more now.
    Full,
}

impl Push {
    /// Hands out what that index proposes.
    #[must_use]
    pub fn new(coordinator: Coordinator, index: Arc<WorkIndex>, dispatch: Arc<Dispatch>) -> Self {
        Self { coordinator, index, dispatch, heard: Mutex::default() }
    }

    /// One for each agent, again and again, until nobody gets another one: work is spread before it is heaped.
    async fn hand_out(&self, proof: &LeaderProof) -> Result<Counters, String> {
        self.dispatch.look_dependencies_up().await;
        let heard = self.last_heard().await?;
        let mut takers = self.index.takers(self.coordinator.policy(), &heard, self.coordinator.clock().now());
        let mut counters = Counters::default();
        // What was offered in vain stays out of reach until this tick ends.
        let mut offers = Vec::new();
        while !takers.is_empty() && counters.get("handed_out") < BATCH {
            let mut again = Vec::new();
            for agent in takers {
                if self.next_of(proof, &agent, &mut offers, &mut counters).await? {
                    again.push(agent);
                }
            }
            takers = again;
        }
        Ok(if takers.is_empty() { counters } else { counters.and_more() })
    }

    /// Hands one issue to the agent; false where it takes nothing more.
    async fn next_of<'a>(
        &'a self,
        proof: &LeaderProof,
        agent: &AgentId,
        offers: &mut Vec<Offer<'a>>,
        counters: &mut Counters,
    ) -> Result<bool, String> {
        let (policy, clock) = (self.coordinator.policy(), self.coordinator.clock());
        while let Some(issue) = self.index.push(agent, policy, clock.now()) {
            offers.push(Offer::new(&self.index, issue.clone()));
            match self.claim(proof, agent, &issue, counters).await? {
                Handed::Done => return Ok(true),
                Handed::NotThis => {}
                Handed::Full => return Ok(false),
            }
        }
        Ok(false)
    }

    async fn claim(
        &self,
        proof: &LeaderProof,
        agent: &AgentId,
        issue: &IssueRef,
        counters: &mut Counters,
    ) -> Result<Handed, String> {
        let claim = Claim { claimant: Claimant::bare(agent.clone()), via: ClaimVia::Push };
        let request = Request::new(IssueCommand::Claim(claim), Metadata::by(Actor::Daemon(Self::NAME.to_owned())));
        let stream = StreamId::Issue(issue.clone());
        match self.coordinator.execute_as_leader::<IssueDecider>(proof, stream, request).await {
            Ok(_) => {
                tracing::info!(%issue, %agent, "{issue} goes to {agent}");
                counters.add("handed_out", 1);
                Ok(Handed::Done)
            }
            Err(Rejected::Refused(refusal)) => {
                tracing::info!(%issue, %agent, %refusal, "{agent} does not get {issue}: {refusal}");
                counters.add(rule_of(&refusal), 1);
                // The index was behind: without this it would propose the same again.
                self.dispatch.refresh(issue).await.map_err(|rejected| rejected.to_string())?;
                Ok(Handed::NotThis)
            }
            Err(Rejected::Guarded { guard: Guard::LeasesBelow { .. }, .. }) => {
                tracing::info!(%issue, %agent, "{agent} does not get {issue}: it holds as much as it may");
                counters.add("capacity", 1);
                Ok(Handed::Full)
            }
            Err(
                rejected @ (Rejected::Guarded { .. }
                | Rejected::NotLeader
                | Rejected::KeyReused
                | Rejected::Busy { .. }
                | Rejected::Draining
                | Rejected::Unknown(_)
                | Rejected::Store(_)),
            ) => Err(format!("hand {issue} to {agent}: {rejected}")),
        }
    }

    async fn last_heard(&self) -> Result<BTreeMap<AgentId, Timestamp>, String> {
        let known = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, heard)) = known.filter(|(read, _)| read.elapsed() < HEARTBEATS_KEEP) {
            return Ok(heard);
        }
        let mut heard = BTreeMap::new();
        for last in self.coordinator.store().last_heartbeats().await.map_err(|error| error.to_string())? {
            let known = heard.entry(last.claimant.agent).or_insert(last.at);
            *known = last.at.max(*known);
        }
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), heard.clone()));
        Ok(heard)
    }
}

impl LeaderPass for Push {
    const NAME: &'static str = "dispatch";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        self.hand_out(proof).await
    }
}

/// What a refusal is counted as.
fn rule_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Rule { rule: Cow::Borrowed(rule), .. } => rule,
        // Read back from the log; what is pushed has no key, so nothing is.
        Refusal::Rule { rule: Cow::Owned(_), .. } => "refused_before",
        Refusal::LostRace { .. } => "lost_race",
        Refusal::Forbidden { .. } => "forbidden",
        Refusal::StaleLease { .. }
        | Refusal::Inapplicable { .. }
        | Refusal::Unknown { .. }
        | Refusal::Malformed { .. } => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{Inside, inside, policy};
    use conductor_core::agent::AgentCommand;
    use conductor_core::event::{AgentQuotaReported, Priority};
    use conductor_core::issue::Reported;
    use tokio::time::sleep;

    /// Lets the pass have its turn, well before its period.
    async fn soon() {
        sleep(Duration::from_secs(2)).await;
    }

    async fn pushing(policy: conductor_core::roster::Policy, story: impl AsyncFnOnce(Inside)) {
        inside(policy, async |rig| {
            let rig = rig.pushing().await;
            soon().await;
            story(rig).await;
        })
        .await;
    }

    fn held<const N: usize>(held: [&str; N]) -> std::collections::BTreeSet<String> {
        held.map(str::to_owned).into()
    }

    #[tokio::test(start_paused = true)]
    async fn approved_work_goes_to_a_fitting_agent_at_once_and_the_rest_waits_for_room() {
        pushing(policy(), async |rig| {
            rig.approve_as(1, Priority::Normal, Some("python")).await;
            rig.approve_as(2, Priority::Normal, Some("python")).await;
            rig.approve_as(3, Priority::Normal, Some("ios")).await;
            soon().await;
            assert_eq!(rig.held(1..=3).await, held(["dev-e-python 1", "ibuild-e 3"]));
            rig.report(1, "dev-e-python", Reported::Stuck { reason: "can't".to_owned() }).await.unwrap();
            soon().await;
            assert_eq!(rig.held(1..=3).await, held(["dev-e-python 2", "ibuild-e 3"]), "room for the next one");
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_heard_from_last_is_asked_first_and_work_is_spread() {
        pushing(policy(), async |rig| {
            let beat = [(Claimant::parse("dev-e-dotnet/a").unwrap(), rig.now())];
            rig.coordinator.store().heard(&beat).await.unwrap();
            sleep(HEARTBEATS_KEEP).await;
            rig.approve(1).await;
            soon().await;
            assert_eq!(rig.held(1..=1).await, held(["dev-e-dotnet 1"]));
            for number in 2..=4 {
                rig.approve(number).await;
            }
            soon().await;
            assert_eq!(rig.held(1..=4).await.len(), 4, "one for each of four agents");
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_handed_anything_while_a_pause_or_a_quota_says_no_and_at_once_afterwards() {
        pushing(policy(), async |rig| {
            let quota = |used| {
                let report = AgentQuotaReported { five_hour_pct: Some(used), weekly_pct: None };
                AgentCommand::Report(Box::new(report.into()))
            };
            rig.tell_agent("dev-e-node", quota(100.0)).await;
            rig.approve_as(1, Priority::Normal, Some("node")).await;
            soon().await;
            assert_eq!(rig.held(1..=1).await, held([]));
            assert_eq!(rig.issue(1).await.attempt, 0, "waiting burns no attempt");
            rig.tell_agent("dev-e-node", quota(20.0)).await;
            soon().await;
            assert_eq!(rig.held(1..=1).await, held(["dev-e-node 1"]));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn critical_work_goes_one_above_an_agents_capacity_and_not_two() {
        pushing(policy(), async |rig| {
            rig.approve_as(1, Priority::Normal, Some("node")).await;
            soon().await;
            rig.approve_as(2, Priority::Critical, Some("node")).await;
            rig.approve_as(3, Priority::Critical, Some("node")).await;
            soon().await;
            assert_eq!(rig.held(1..=3).await, held(["dev-e-node 1", "dev-e-node 2"]));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_strike_somebody_else_is_asked_and_after_two_nobody() {
        pushing(policy(), async |rig| {
            rig.approve(1).await;
            soon().await;
            let first = rig.issue(1).await.lease.unwrap().claimant;
            let stuck = || Reported::Stuck { reason: "can't".to_owned() };
            rig.report(1, &first.to_string(), stuck()).await.unwrap();
            soon().await;
            let lease = rig.issue(1).await.lease.unwrap();
            assert_ne!(lease.claimant, first);
            assert!(lease.pushed && lease.branch_hint == "agent/issue-1-2", "{lease:?}");
            rig.report(1, &lease.claimant.to_string(), stuck()).await.unwrap();
            sleep(Duration::from_secs(600)).await;
            assert_eq!((rig.state(1).await, rig.held(1..=1).await), ("escalated", held([])));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_gets_what_was_pushed_to_it() {
        use conductor_http::edge::Claims;
        pushing(policy(), async |rig| {
            rig.approve_as(1, Priority::Normal, Some("node")).await;
            soon().await;
            let dispatch = Dispatch::new(rig.coordinator.clone(), Arc::clone(&rig.index), rig.keeper.clone());
            let pulled = dispatch.next(Claimant::parse("dev-e-node").unwrap()).await.unwrap().unwrap();
            assert_eq!(pulled.lease.token, rig.issue(1).await.lease.unwrap().token);
            assert_eq!(rig.issue(1).await.epoch, 1);
        })
        .await;
    }
}
