//! Issues that wait for themselves: nobody would ever take them, so each is told.

use std::sync::Arc;

use conductor_actors::{Coordinator, Counters, LeaderPass, LeaderProof, Rejected, Request};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::StreamId;
use conductor_core::issue::{IssueCommand, IssueDecider};

use super::work_index::WorkIndex;

/// Issues looked at under one lock of the index, which claims wait for.
const BATCH: usize = 100;

/// The pass that tells cycles of dependencies to their members.
///
/// Here and not in a decider: one issue knows what it waits for, and only the index of all that wait knows the way round.
pub struct Cycles {
    coordinator: Coordinator,
    index: Arc<WorkIndex>,
}

impl Cycles {
    /// Looks into that index.
    #[must_use]
    pub fn new(coordinator: Coordinator, index: Arc<WorkIndex>) -> Self {
        Self { coordinator, index }
    }
}

impl LeaderPass for Cycles {
    const NAME: &'static str = "dependency-cycles";

    async fn run(&self, proof: &LeaderProof) -> Result<Counters, String> {
        let (looked_at, mut cycles) = self.index.cycles(BATCH);
        let found = cycles.len() as u64;
        while let Some((issue, members)) = cycles.pop_first() {
            let metadata = Metadata::by(Actor::Daemon(Self::NAME.to_owned()));
            let request = Request::new(IssueCommand::ReportCycle { members }, metadata);
            let told =
                self.coordinator.execute_as_leader::<IssueDecider>(proof, StreamId::Issue(issue.clone()), request);
            match told.await {
                // Refused: it is no longer what it was when it was looked at.
                Ok(_) | Err(Rejected::Refused(_)) => {}
                Err(rejected) => {
                    self.index.look_again(cycles.into_keys().chain([issue]));
                    return Err(rejected.to_string());
                }
            }
        }
        let counters = Counters::default().with("issues", looked_at as u64).with("cycles", found);
        Ok(if looked_at == BATCH { counters.and_more() } else { counters })
    }
}
