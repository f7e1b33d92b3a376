//! GitHub's webhook: deliveries are verified and stored before they are answered, and worked off after.
//!
//! A *delivery* is one signed HTTP request of GitHub, known by its id; it may come twice, late and out of order.
//!
//! ```text
//!   POST /api/webhook/github ── endpoint: signature, size, headers ──▶ Inbox::receive ──▶ 202
//!                                                                         │ nudge
//!   inbox pass ──▶ GitHubInbox: payload::read ──▶ core::github::interpret ──▶ instructions ──▶ streams
//! ```
//!
//! Architecture invariant: nothing is decided here. What a delivery means stands in `conductor_core::github`, what follows
//! from it in the deciders; this module knows JSON, HTTP, and where a check without pull request waits.

mod delivery;
mod endpoint;
mod ordering;
pub mod payload;
mod reception;
mod signature;
pub mod work;

pub(crate) use endpoint::endpoints;
pub use endpoint::{BODY_LIMIT, PATH, WebhookDoor, configure};
pub use ordering::ordering_key;
pub use reception::Reception;
pub use signature::WebhookSecret;
pub use work::GitHubInbox;
