//! Who calls: **the one place where a request gets its identity**.
//!
//! A request without a place in the table of [`admission`] needs a token, so an endpoint that is added later is closed until
//! somebody opens it.
//!
//! | File | What it does |
//! |---|---|
//! | [`admission`] | lets a request in, or answers 401, 403, 429: before any endpoint sees it |
//! | [`visitor`] | who was let in, and as whom it may speak |
//! | [`pass`] | what lets somebody in for longer than one request |
//! | [`secret`] · [`keyring`] · [`issue`] | what a client shows; the tokens in use, remembered for seconds; making one |
//! | [`network`] · `foreign_page` | where a request comes from, as far as that can be known |
//! | [`rates`] | how much one caller may ask |

pub mod admission;
pub mod first_token;
mod foreign_page;
pub mod issue;
pub mod keyring;
pub mod network;
pub mod pass;
pub mod rates;
pub mod secret;
#[cfg(test)]
mod tests;
pub mod visitor;

pub use admission::{Admission, AdmissionSettings, admit};
pub use pass::Pass;
pub use rates::{Rate, RateSettings};
pub use visitor::Visitor;

use conductor_core::authority::Caller;

/// The caller as one text, for scopes of idempotency keys and log lines: instances are told apart.
#[must_use]
pub fn name_of(caller: &Caller) -> String {
    match caller {
        Caller::Agent(claimant) => format!("agent:{claimant}"),
        Caller::Operator(name) => format!("operator:{name}"),
        Caller::Viewer(name) => format!("viewer:{name}"),
    }
}
