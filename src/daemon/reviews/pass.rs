use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Counters, LeaderPass, LeaderProof, Rejected};
use conductor_core::decider::Outcome;
use conductor_core::identity::PrRef;
use conductor_core::review::{Plan, plan};

use super::desk::ReviewDesk;

/// Pull requests read before the first of them is acted upon.
const BATCH: usize = 100;
/// A tick is no sooner than this after the one before, whatever is due: a moment that is due "now" by another clock isn't spun on.
const SHORTEST_REST: Duration = Duration::from_millis(10);

/// The pass that sees to it that what is in review gets its verdict: asks, gives up at the deadline, calls a person.
///
/// It decides nothing by itself: it looks at what waits ([`plan`]), and every append decides again on what is so then.
pub struct ReviewDispatch {
    desk: Arc<ReviewDesk>,
}

impl ReviewDispatch {
    /// The part of the daemon that dispatches are said to be by, whoever's question made them.
    pub const PART: &'static str = <Self as LeaderPass>::NAME;
    /// With its nudges this is how late it may notice what time alone doesn't tell: a pause's end, a heartbeat, a quota.
    pub const PERIOD: Duration = Duration::from_secs(60);

    /// Over that desk.
    #[must_use]
    pub fn new(desk: Arc<ReviewDesk>) -> Self {
        Self { desk }
    }

    /// Looks, and touches nothing.
    async fn look(&self, pulls: &[PrRef]) -> Result<Plan, String> {
        let desk = &self.desk;
        let mut sights = Vec::with_capacity(pulls.len());
        for pull in pulls {
            sights.extend(desk.sight(pull).await.map_err(|error| error.to_string())?);
        }
        let crew = desk.crew().await.map_err(|error| error.to_string())?;
        Ok(plan(&sights, &crew, desk.coordinator().policy(), desk.coordinator().clock().now()))
    }

    /// Has the appends decide about what is due, as they find it then.
    async fn act(&self, due: &[PrRef], proof: &LeaderProof) -> Result<u64, String> {
        if due.is_empty() {
            return Ok(0);
        }
        let crew = self.desk.crew().await.map_err(|error| error.to_string())?;
        let mut decided = 0;
        for pull in due {
            match self.desk.see_to(pull, crew.clone(), Some(proof)).await {
                Ok(answer) => decided += u64::from(answer.outcome == Outcome::Accepted),
                // It is no longer what it was when it was looked at.
                Err(Rejected::Refused(_) | Rejected::Guarded { .. }) => {}
                Err(rejected) => return Err(rejected.to_string()),
            }
        }
        Ok(decided)
    }
}

impl LeaderPass for ReviewDispatch {
    const NAME: &'static str = "review-dispatch";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let awaiting = self.desk.index().awaiting();
        let mut counters = Counters::default().with("awaiting", awaiting.len() as u64);
        let (mut soonest, mut decided) = (None, 0);
        for pulls in awaiting.chunks(BATCH) {
            let plan = self.look(pulls).await?;
            decided += self.act(&plan.due, proof).await?;
            soonest = [soonest, plan.soonest].into_iter().flatten().min();
        }
        counters.add("decided", decided);
        if decided > 0 {
            // What was decided may make the next step due: another is asked at once where one was given up on.
            return Ok(counters.again_in(SHORTEST_REST));
        }
        let now = self.desk.coordinator().clock().now();
        let rest = soonest.map_or(Self::PERIOD, |soonest| soonest.since(now)).clamp(SHORTEST_REST, Self::PERIOD);
        Ok(counters.again_in(rest))
    }
}
