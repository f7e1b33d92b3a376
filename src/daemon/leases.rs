//! Leases whose time is up: looks, has it judged, and asks the issues to end them. Looking and acting are apart, so that a test
//! can come in between: what came meanwhile counts.

use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::decider::Outcome;
use conductor_core::event::{Actor, Metadata};
use conductor_core::expiry::{Ending, plan};
use conductor_core::identity::StreamId;
use conductor_core::issue::{IssueCommand, IssueDecider};
use conductor_core::port::Guard;
use conductor_core::roster::Timers;
use conductor_http::leases::LeaseKeeper;

use super::ear::Ear;
use super::work_index::WorkIndex;

/// The longest from one look to the next; a lease ends at most so late.
const PERIOD: Duration = Duration::from_secs(60);

/// The pass that ends leases.
pub struct Leases {
    coordinator: Coordinator,
    index: Arc<WorkIndex>,
    keeper: LeaseKeeper,
    ear: Arc<Ear>,
}

impl Leases {
    /// Looks at the leases of that index, and at what that keeper has heard.
    #[must_use]
    pub fn new(coordinator: Coordinator, index: Arc<WorkIndex>, keeper: LeaseKeeper, ear: Arc<Ear>) -> Self {
        Self { coordinator, index, keeper, ear }
    }

    /// From one look to the next: of short leases a tenth of their length.
    #[must_use]
    pub fn period(timers: &Timers) -> Duration {
        PERIOD.min(timers.lease / 10)
    }

    /// The leases that ought to end.
    ///
    /// # Errors
    /// When the store can't answer: nobody listens then, so nobody is silent.
    pub async fn look(&self) -> Result<Vec<Ending>, String> {
        let heard = self.ear.listen().await.map_err(|error| error.to_string())?;
        let store = &**self.coordinator.store();
        let signs = self.keeper.signs(store).await.map_err(|error| error.to_string())?;
        let heartbeats = store.last_heartbeats().await.map_err(|error| error.to_string())?;
        let snapshot = self.index.snapshot(signs, heartbeats, heard.since, self.keeper.is_streamed());
        Ok(plan(&snapshot, &self.coordinator.policy().timers, heard.now))
    }

    /// Has them ended, where it is still so.
    ///
    /// # Errors
    /// When an issue can't be asked; the next look finds what was left.
    pub async fn act(&self, proof: &LeaderProof, endings: Vec<Ending>) -> Result<Counters, String> {
        let mut counters = Counters::default();
        for Ending { issue, epoch, why } in endings {
            let metadata = Metadata::by(Actor::Daemon(Self::NAME.to_owned()));
            let request = Request::new(IssueCommand::EndLease { epoch, why }, metadata);
            let stream = StreamId::Issue(issue.clone());
            match self.coordinator.execute_as_leader::<IssueDecider>(proof, stream, request).await {
                Ok(answer) if answer.outcome == Outcome::Accepted => {
                    tracing::info!(%issue, epoch, why = why.reason(), "ended lease {epoch} of {issue}: {}", why.reason());
                    counters.add(why.reason(), 1);
                }
                // A sign of life, a start, an end came between the look and the append.
                Ok(_) | Err(Rejected::Guarded { guard: Guard::LeaseSilentSince { .. }, .. }) => {
                    tracing::debug!(%issue, epoch, "lease {epoch} of {issue} is no longer what it was looked at for");
                    counters.add("changed_meanwhile", 1);
                }
                Err(Rejected::Refused(refusal)) => {
                    tracing::warn!(%issue, epoch, %refusal, "lease {epoch} of {issue} was not ended: {refusal}");
                    counters.add("refused", 1);
                }
                Err(
                    rejected @ (Rejected::NotLeader
                    | Rejected::KeyReused
                    | Rejected::Guarded { .. }
                    | Rejected::Busy { .. }
                    | Rejected::Draining
                    | Rejected::Unknown(_)
                    | Rejected::Store(_)),
                ) => return Err(format!("end lease {epoch} of {issue}: {rejected}")),
            }
        }
        Ok(counters)
    }
}

impl LeaderPass for Leases {
    const NAME: &'static str = "leases";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let endings = self.look().await?;
        self.act(proof, endings).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{Inside, inside, policy};
    use conductor_core::issue::LeaseEnd;
    use conductor_core::time::minutes;
    use tokio::time::sleep;

    async fn for_minutes(rig: &Inside, span: u64, beating: &[&str]) {
        for _ in 0..span * 2 {
            beating.iter().for_each(|agent| rig.beat(agent));
            sleep(Duration::from_secs(30)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_silent_lose_their_work_and_the_lively_keep_it_for_four_hours() {
        inside(policy(), async |rig| {
            let rig = rig.watched().await;
            rig.in_progress(1, "dev-e-node").await;
            rig.in_progress(2, "dev-e-python").await;
            for_minutes(&rig, 29, &["dev-e-python"]).await;
            assert_eq!(rig.state(1).await, "in_progress");
            for_minutes(&rig, 3, &["dev-e-python"]).await;
            assert_eq!((rig.state(1).await, rig.state(2).await), ("queued", "in_progress"));
            for_minutes(&rig, 206, &["dev-e-python"]).await;
            assert_eq!(rig.state(2).await, "in_progress");
            for_minutes(&rig, 4, &["dev-e-python"]).await;
            let struck = rig.issue(2).await;
            assert_eq!((rig.state(2).await, struck.strikes), ("queued", 1));
        })
        .await;
    }

    /// Elsewhere a clock that was set took all work away at once.
    #[tokio::test(start_paused = true)]
    async fn museum_a_clock_that_jumps_expires_nothing_and_begins_every_clock_anew() {
        for jump in [180, -180] {
            inside(policy(), async |rig| {
                let rig = rig.watched().await;
                for number in 1..=3 {
                    rig.in_progress(number, ["dev-e-node", "dev-e-python", "dev-e-dotnet"][number as usize - 1]).await;
                }
                for_minutes(&rig, 20, &[]).await;
                rig.set_the_clock(jump);
                for_minutes(&rig, 29, &[]).await;
                assert_eq!(rig.held(1..=3).await.len(), 3, "{jump} minutes");
                for_minutes(&rig, 3, &[]).await;
                // Set back, what was assigned lies ahead: whatever the clock says, a length of silence ends it in the end.
                let left = if jump > 0 { 0 } else { 3 };
                assert_eq!(rig.held(1..=3).await.len(), left, "{jump} minutes");
                for_minutes(&rig, 180, &[]).await;
                assert_eq!(rig.held(1..=3).await.len(), 0);
            })
            .await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_between_the_look_and_the_act_counts() {
        inside(policy(), async |rig| {
            let (proof, leases) = (rig.elected().await, rig.leases());
            rig.in_progress(1, "dev-e-node").await;
            rig.in_progress(2, "dev-e-python").await;
            assert_eq!(leases.look().await.unwrap(), []);
            for _ in 0..minutes(32).as_secs() / 20 {
                sleep(Duration::from_secs(20)).await;
                rig.ear.listen().await.unwrap();
            }
            let endings = leases.look().await.unwrap();
            assert!(endings.iter().all(|ending| matches!(ending.why, LeaseEnd::Silent { .. })), "{endings:?}");
            assert_eq!(endings.len(), 2);
            rig.beat("dev-e-python");
            // A sign is written with the next batch.
            sleep(Duration::from_secs(1)).await;
            let counters = leases.act(&proof, endings).await.unwrap();
            assert_eq!((counters.get("silent"), counters.get("changed_meanwhile")), (1, 1));
            assert_eq!((rig.state(1).await, rig.state(2).await), ("queued", "in_progress"));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_nobodys_silence() {
        inside(policy(), async |rig| {
            let leases = rig.leases();
            rig.in_progress(1, "dev-e-node").await;
            leases.look().await.unwrap();
            sleep(minutes(120)).await;
            assert_eq!(leases.look().await.unwrap(), [], "nobody listened for two hours");
        })
        .await;
    }
}
