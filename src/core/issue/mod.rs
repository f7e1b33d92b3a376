//! The issue: the **work**. Queue, lease, attempts, strikes, state.
//!
//! Words that carry the rules here:
//! - The *current pull request* is the one that the issue's state follows; there is at most one.
//! - A *lease* is one claimant's exclusive right to work, with a secret token and an epoch. There is at most one.
//! - The *phase* is what pull request and lease don't say: not yet approved, open, deploying, or out of the daemon's hands.
//!
//! Architecture invariant: the state that people see is **computed** ([`Issue::state`]) from phase, current pull request and
//! lease, never set. So no event can leave an issue `queued` with a pull request, or a lease on one that is in review.

mod claim;
mod command;
mod decide;
mod draft;
mod entries;
mod evolve;
mod evolve_pull;
mod follow;
mod lease;
mod lease_end;
mod observe;
mod overrule;
mod pull;
mod report;
mod settle;
mod state;

pub use command::{
    Claim, ClaimVia, Hand, HolderReport, IssueAction, IssueCommand, IssueObservation, IssueOverride, Reported,
};
pub use decide::IssueDecider;
pub use lease::Lease;
pub use lease_end::LeaseEnd;
pub use pull::{KnownPull, ReworkCause};
pub use state::{Issue, Phase, READY_LABEL, StuckReport, priority_of_labels};
pub(crate) use state::{NEEDS_REVIEW, digest, has_label};

#[cfg(test)]
mod deployment_tests;
#[cfg(test)]
mod fencing_tests;
#[cfg(test)]
mod hand_tests;
#[cfg(test)]
mod lease_end_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod observation_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod overrule_tests;
#[cfg(test)]
mod progress_tests;
#[cfg(test)]
mod tests;
