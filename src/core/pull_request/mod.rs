//! The pull request: the **change**. Head, checks, reviews, gates, merge – once, however many issues it closes.
//!
//! Architecture invariant: facts are kept per head as they come, also for heads that are not (or no longer) current, and
//! never dropped for coming early. What the pull request amounts to ([`PullRequest::standing`]) is computed from the facts of
//! the current head alone, so the order of deliveries doesn't enter.

mod checks;
mod command;
mod decide;
mod dispatch;
mod draft;
mod entries;
mod evolve;
mod follow;
mod head;
mod merge;
mod observe;
pub(crate) mod producer;
mod review;
mod standing;
mod state;
mod tries;

pub use checks::{CheckOutcome, ci_of};
pub use command::{PrObservation, PullRequestCommand, ReviewReport, Verdict, VerdictKind};
pub use decide::PullRequestDecider;
pub use head::{CheckFact, Head, VerdictFact};
pub use state::{Dispatch, Gate, GateWait, LastReport, PullRequest};
pub use tries::{Try, TryEnd};

#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod tests;
