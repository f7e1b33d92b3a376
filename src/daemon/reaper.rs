//! Stream entries of the dead: looks, has each judged, ends what it tells of in the log, and only then acknowledges it. Looking and
//! acting are apart, so that a test can come in between: what came meanwhile counts.

use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::decider::{Outcome, StreamState};
use conductor_core::event::{Actor, Metadata};
use conductor_core::expiry::LeaseClocks;
use conductor_core::identity::{AgentId, IssueRef, PrRef, StreamId};
use conductor_core::issue::{Issue, IssueCommand, IssueDecider, Lease, LeaseEnd};
use conductor_core::port::{Broker, BrokerFailure, ExecutionFilter, Guard, PendingEntry, StoreFailure};
use conductor_core::pull_request::{Dispatch, PullRequestCommand, PullRequestDecider};
use conductor_core::reaper::{Standing, Suspicion, Verdict, judge};
use conductor_core::roster::Timers;
use conductor_core::silence::{AgentSilence, Heard};
use conductor_core::time::Timestamp;
use conductor_http::leases::LeaseKeeper;

use super::ear::Ear;
use super::work_index::WorkIndex;

/// The longest from one look to the next.
const PERIOD: Duration = Duration::from_secs(60);
/// Entries read less long ago are not even counted: whatever their readers die of, it is found at the next look.
const FRESH: Duration = Duration::from_secs(30);
/// Pending entries of one look: five for each of 10,000 agents, where one is usual.
const MOST: usize = 50_000;

/// The pass that takes entries back from the dead.
pub struct StreamReaper {
    coordinator: Coordinator,
    broker: Arc<dyn Broker>,
    index: Arc<WorkIndex>,
    keeper: LeaseKeeper,
    ear: Arc<Ear>,
}

/// What a look found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is to be done about which entry.
    verdicts: Vec<(PendingEntry, Verdict)>,
    /// Entries that were looked at.
    pending: u64,
}

/// Why a look or an act was broken off.
enum Broken {
    /// The broker is away: health says it, and the next look finds the same.
    Away,
    /// In words.
    Failed(String),
}

impl From<BrokerFailure> for Broken {
    fn from(failure: BrokerFailure) -> Self {
        match failure {
            BrokerFailure::Away(_) => Self::Away,
            refused @ BrokerFailure::Refused(_) => Self::Failed(refused.to_string()),
        }
    }
}

impl From<StoreFailure> for Broken {
    fn from(failure: StoreFailure) -> Self {
        Self::Failed(failure.to_string())
    }
}

impl StreamReaper {
    /// Looks at the streams of that broker, by that ear's clock.
    #[must_use]
    pub fn new(
        coordinator: Coordinator,
        broker: Arc<dyn Broker>,
        index: Arc<WorkIndex>,
        keeper: LeaseKeeper,
        ear: Arc<Ear>,
    ) -> Self {
        Self { coordinator, broker, index, keeper, ear }
    }

    /// From one look to the next: of short times a fifth of the shorter one.
    #[must_use]
    pub fn period(timers: &Timers) -> Duration {
        PERIOD.min(timers.entry_idle.min(timers.offline_after) / 5)
    }

    /// What is to be done about which entry. Touches nothing.
    async fn look(&self) -> Result<Found, Broken> {
        let ear = self.ear.listen().await?;
        let store = self.coordinator.store();
        let timers = &self.coordinator.policy().timers;
        // The entries first: whoever is heard from after that is heard.
        let pending = self.broker.scan(FRESH.min(timers.entry_idle), MOST).await?;
        let heartbeats = store.last_heartbeats().await?.into_iter().map(|last| (last.claimant, last.at));
        let heard = Heard::new(Vec::new(), heartbeats, ear.since);
        let mut found = Found { pending: pending.len() as u64, ..Found::default() };
        for entry in pending {
            let silence = AgentSilence { heard: heard.last.get(&entry.agent).copied(), listening: ear.since };
            let Some(suspicion) = Suspicion::of(&entry, &silence, timers, ear.now) else { continue };
            let standing = self.standing(&entry).await?;
            let silence = match &standing {
                // Signs of work are kept for leases; of a review its run is the only one beside heartbeats.
                Standing::Asked { pull, .. } => {
                    AgentSilence { heard: silence.heard.max(self.last_word(&entry.agent, pull).await?), ..silence }
                }
                Standing::Leased { .. } | Standing::Over | Standing::Foreign => silence,
            };
            let verdict = judge(suspicion, standing, &silence, timers, ear.now);
            found.verdicts.push((entry, verdict));
        }
        Ok(found)
    }

    /// What the entry tells of, by the rows of this moment.
    async fn standing(&self, entry: &PendingEntry) -> Result<Standing, StoreFailure> {
        let (Some(event), Some(about)) = (entry.event_id, &entry.about) else { return Ok(Standing::Foreign) };
        let (store, stream) = (self.coordinator.store(), about.stream());
        let Some((_, state)) = store.load(&stream).await? else { return Ok(Standing::Foreign) };
        let tells_of = match &state {
            StreamState::Issue(issue) => issue.lease.as_ref().and_then(Lease::entry),
            StreamState::PullRequest(pull) => pull.dispatch.as_ref().map(Dispatch::entry),
            StreamState::Agent(_) | StreamState::Rig(_) => return Ok(Standing::Foreign),
        };
        let Some(tells_of) = tells_of.filter(|live| live.agent == entry.agent) else { return Ok(Standing::Over) };
        let added_for = store.read_stream(&stream, tells_of.version.saturating_sub(1), 1).await?;
        if added_for.first().is_none_or(|added_for| added_for.id != event) {
            // Of an earlier lease or dispatch of the same agent.
            return Ok(Standing::Over);
        }
        Ok(match state {
            StreamState::Issue(issue) => self.leased(&issue).await?,
            StreamState::PullRequest(pull) => Standing::Asked { pull: pull.reference, version: tells_of.version },
            StreamState::Agent(_) | StreamState::Rig(_) => Standing::Foreign,
        })
    }

    /// When a run of that agent about that pull request last told anything.
    async fn last_word(&self, agent: &AgentId, pull: &PrRef) -> Result<Option<Timestamp>, StoreFailure> {
        let its = ExecutionFilter { agent: Some(agent.clone()), ..ExecutionFilter::about(pull) };
        let latest = self.coordinator.store().executions(&its, None, 1).await?;
        Ok(latest.first().map(|run| run.last_at))
    }

    async fn leased(&self, issue: &Issue) -> Result<Standing, StoreFailure> {
        let Some(lease) = &issue.lease else { return Ok(Standing::Over) };
        let signs = self.keeper.signs_of(&**self.coordinator.store(), &issue.reference).await?;
        let last_sign = LeaseClocks::of(lease, signs.as_ref(), self.keeper.is_streamed()).heard;
        let holds = self.index.holds_of(&issue.reference);
        Ok(Standing::Leased { issue: issue.reference.clone(), epoch: lease.epoch, last_sign, holds })
    }

    /// Ends in the log what is dead, where it still is so, and acknowledges its entry after that.
    async fn act(&self, proof: &LeaderProof, found: Found) -> Result<Counters, Broken> {
        let mut counters = Counters::default().with("pending", found.pending);
        for (entry, verdict) in found.verdicts {
            let (ended, kind) = match verdict {
                Verdict::EndLease { issue, epoch, why } => (self.end_lease(proof, &issue, epoch, why).await?, "leases"),
                Verdict::EndDispatch { pull, version, silence } => {
                    (self.end_dispatch(proof, &pull, version, silence).await?, "dispatches")
                }
                Verdict::Acknowledge => (true, "stale"),
                Verdict::Poison => {
                    let (agent, id, times) = (&entry.agent, &entry.entry_id, entry.deliveries);
                    tracing::warn!(%agent, entry = id, times, "{agent} was handed entry {id} {times} times");
                    counters.add("poison", 1);
                    counters =
                        counters.saying(format!("{agent} was handed entry {id} {times} times, and may die of it"));
                    continue;
                }
                Verdict::Leave => continue,
            };
            if !ended {
                counters.add("changed_meanwhile", 1);
                continue;
            }
            counters.add(kind, 1);
            counters.add("fired", 1);
            self.acknowledge(&entry, &mut counters).await?;
        }
        Ok(counters)
    }

    async fn acknowledge(&self, entry: &PendingEntry, counters: &mut Counters) -> Result<(), BrokerFailure> {
        let (agent, id, consumer) = (&entry.agent, &entry.entry_id, &entry.consumer);
        match self.broker.acknowledge(entry).await {
            Ok(acknowledged) => {
                tracing::info!(%agent, entry = id, consumer, acknowledged, "took entry {id} of {agent} from {consumer}");
                Ok(())
            }
            // Of one agent's keys, which a person must mend; the others' entries wait for that in vain.
            Err(refused @ BrokerFailure::Refused(_)) => {
                tracing::warn!(%agent, entry = id, error = %refused, "entry {id} of {agent} stays: failed to {refused}");
                counters.add("refused", 1);
                Ok(())
            }
            Err(away @ BrokerFailure::Away(_)) => Err(away),
        }
    }

    async fn end_lease(
        &self,
        proof: &LeaderProof,
        issue: &IssueRef,
        epoch: u32,
        why: LeaseEnd,
    ) -> Result<bool, Broken> {
        let request = Request::new(IssueCommand::EndLease { epoch, why }, Self::metadata());
        let stream = StreamId::Issue(issue.clone());
        match self.coordinator.execute_as_leader::<IssueDecider>(proof, stream, request).await {
            Ok(answer) => Ok(answer.outcome == Outcome::Accepted),
            // A sign of life, or an end, came between the look and the append.
            Err(Rejected::Refused(_) | Rejected::Guarded { guard: Guard::LeaseSilentSince { .. }, .. }) => Ok(false),
            Err(rejected) => Err(Broken::Failed(format!("end lease {epoch} of {issue}: {rejected}"))),
        }
    }

    async fn end_dispatch(
        &self,
        proof: &LeaderProof,
        pull: &PrRef,
        version: u64,
        silence: AgentSilence,
    ) -> Result<bool, Broken> {
        let request = Request::new(PullRequestCommand::EndDispatch { version, silence }, Self::metadata());
        let stream = StreamId::PullRequest(pull.clone());
        match self.coordinator.execute_as_leader::<PullRequestDecider>(proof, stream, request).await {
            Ok(answer) => Ok(answer.outcome == Outcome::Accepted),
            Err(Rejected::Refused(_)) => Ok(false),
            Err(rejected) => Err(Broken::Failed(format!("end the dispatch about {pull}: {rejected}"))),
        }
    }

    fn metadata() -> Metadata {
        Metadata::by(Actor::Daemon(Self::NAME.to_owned()))
    }
}

impl LeaderPass for StreamReaper {
    const NAME: &'static str = "stream-reaper";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let done = match self.look().await {
            Ok(found) => self.act(proof, found).await,
            Err(broken) => Err(broken),
        };
        match done {
            Ok(counters) => Ok(counters),
            Err(Broken::Away) => Ok(Counters::default().with("away", 1)),
            Err(Broken::Failed(why)) => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{Inside, inside_streamed, policy};
    use conductor_adapters::memory::MemoryBroker;
    use conductor_core::event::Priority;
    use conductor_core::identity::Claimant;
    use conductor_core::issue::Reported;
    use conductor_core::time::minutes;
    use tokio::time::sleep;

    fn node() -> AgentId {
        AgentId::parse("dev-e-node").unwrap()
    }

    fn broker(rig: &Inside) -> Arc<MemoryBroker> {
        Arc::clone(rig.broker.as_ref().unwrap())
    }

    fn reaper(rig: &Inside) -> StreamReaper {
        let (index, keeper) = (Arc::clone(&rig.index), rig.keeper.clone());
        StreamReaper::new(rig.coordinator.clone(), broker(rig), index, keeper, Arc::clone(&rig.ear))
    }

    /// Time passes, and somebody listens.
    async fn for_minutes(rig: &Inside, span: u64, beating: &[&str]) {
        for _ in 0..span * 3 {
            for agent in beating {
                rig.beat(agent);
                let beat = [(Claimant::parse(agent).unwrap(), rig.now())];
                rig.coordinator.store().heard(&beat).await.unwrap();
            }
            rig.ear.listen().await.unwrap();
            sleep(Duration::from_secs(20)).await;
        }
    }

    /// A rig in which the consumer `pod-1` of dev-e-node has read the entry of issue 1.
    async fn taken(story: impl AsyncFnOnce(Inside, LeaderProof)) {
        inside_streamed(policy(), async |rig| {
            let rig = rig.pushing().await;
            let proof = rig.elected().await;
            rig.ear.listen().await.unwrap();
            rig.approve_as(1, Priority::Normal, Some("node")).await;
            sleep(Duration::from_secs(5)).await;
            assert!(broker(&rig).read(&node(), "pod-1").is_some());
            broker(&rig).pop_signal(&node());
            story(rig, proof).await;
        })
        .await;
    }

    async fn tick(rig: &Inside, proof: &LeaderProof) -> Counters {
        reaper(rig).run(proof).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_an_entry_and_dies_loses_its_lease_and_the_work_comes_again() {
        taken(async |rig, proof| {
            let first = broker(&rig).entries(&node());
            for_minutes(&rig, 9, &[]).await;
            assert_eq!(tick(&rig, &proof).await.get("fired"), 0);
            for_minutes(&rig, 2, &[]).await;
            let counters = tick(&rig, &proof).await;
            assert_eq!((counters.get("pending"), counters.get("leases"), counters.get("fired")), (1, 1, 1));
            assert_eq!(broker(&rig).pending(&node()), Some(0), "acknowledged in its place");
            sleep(Duration::from_secs(5)).await;
            let lease = rig.issue(1).await.lease.unwrap();
            assert_eq!((lease.epoch, lease.claimant.agent), (2, node()), "nobody else fits, and it may wake");
            let entries = broker(&rig).entries(&node());
            assert_eq!((entries.len(), &entries[..1]), (2, &first[..]));
            assert_eq!(broker(&rig).signals(&node()), entries[1..], "its scaler is woken once");
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_heard_from_keeps_its_entry_whichever_of_its_pods_it_is() {
        taken(async |rig, proof| {
            for_minutes(&rig, 40, &["dev-e-node/pod-2"]).await;
            let counters = tick(&rig, &proof).await;
            assert_eq!((counters.get("pending"), counters.get("fired")), (1, 0));
            assert_eq!(rig.issue(1).await.lease.unwrap().epoch, 1);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_between_the_look_and_the_act_keeps_lease_and_entry() {
        taken(async |rig, proof| {
            for_minutes(&rig, 11, &[]).await;
            let (reaper, found) = (reaper(&rig), reaper(&rig).look().await);
            let Ok(found) = found else { panic!("the look was broken off") };
            assert_eq!(found.verdicts.len(), 1);
            rig.beat("dev-e-node");
            // A sign is written with the next batch.
            sleep(Duration::from_secs(1)).await;
            let Ok(counters) = reaper.act(&proof, found).await else { panic!("the act was broken off") };
            assert_eq!((counters.get("fired"), counters.get("changed_meanwhile")), (0, 1));
            assert_eq!((broker(&rig).pending(&node()), rig.issue(1).await.epoch), (Some(1), 1));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_its_reader_left_after_the_end_of_the_lease_is_acknowledged_once_nobody_is_at_it() {
        taken(async |rig, proof| {
            let stuck = Reported::Stuck { reason: "can't".to_owned() };
            rig.report(1, "dev-e-node", stuck).await.unwrap();
            for_minutes(&rig, 11, &["dev-e-node"]).await;
            assert_eq!(tick(&rig, &proof).await.get("fired"), 0, "it may be about to acknowledge by itself");
            for_minutes(&rig, 11, &[]).await;
            let counters = tick(&rig, &proof).await;
            assert_eq!((counters.get("stale"), counters.get("leases")), (1, 0));
            assert_eq!(broker(&rig).pending(&node()), Some(0));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_without_the_store_is_nobodys_death() {
        taken(async |rig, proof| {
            sleep(minutes(60)).await;
            assert_eq!(tick(&rig, &proof).await.get("fired"), 0);
            assert!(rig.issue(1).await.lease.is_some());
        })
        .await;
    }
}
