use std::future::Future;
use std::sync::Arc;

use crate::periodic::{Counters, Pass};

use super::{LeaderProof, Leadership};

/// Something to be done again and again by one process of all that share a store.
pub trait LeaderPass: Send + Sync + 'static {
    /// Its name, on the board and for nudges.
    const NAME: &'static str;

    /// Does what is to be done now, and says what that was. Is cut off at any await once the proof holds no more; asks the
    /// proof itself right before each act.
    ///
    /// # Errors
    /// In words; the pass then rests, longer with each failure in a row.
    fn run(&self, proof: &LeaderProof) -> impl Future<Output = Result<Counters, String>>;
}

/// Runs a [`LeaderPass`] where and while there is a proof, and stands by otherwise.
pub(crate) struct UnderProof<P> {
    pass: P,
    leadership: Arc<Leadership>,
}

impl<P: LeaderPass> UnderProof<P> {
    pub(crate) fn new(pass: P, leadership: Arc<Leadership>) -> Self {
        Self { pass, leadership }
    }
}

impl<P: LeaderPass> Pass for UnderProof<P> {
    const NAME: &'static str = P::NAME;

    async fn run(&self) -> Result<Counters, String> {
        let Some(proof) = self.leadership.proof() else { return Ok(Counters::standing_by()) };
        let ran = proof.whilst(self.pass.run(&proof)).await;
        ran.unwrap_or_else(|| {
            tracing::warn!(pass = P::NAME, term = proof.term(), "cut {} off: term {} is over", P::NAME, proof.term());
            Ok(Counters::standing_by())
        })
    }
}
