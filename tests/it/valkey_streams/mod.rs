//! Agents that work by way of their streams: whole runs of the runtime of today, and what becomes of its deaths.
//!
//! | Module | What |
//! |---|---|
//! | [`runtime`] | the runtime, as far as the daemon can see it: group, own entries first, blocked read, signal, run, acknowledgement last |
//! | [`runs`] | success, stuck, crash and restart, review |
//! | [`deaths`] | who takes and dies, acknowledges without doing, shares its name, or dies of one entry again and again |

mod deaths;
mod runs;
mod runtime;

use conductor_e::story::IssueDelivery;
use conductor_test_support::ValkeyServer;

use crate::museum::github;
use crate::rig::{Rig, Setup};

/// A rig beside a broker, which it has reached.
async fn beside(server: &ValkeyServer, setup: Setup) -> Rig {
    let rig = setup.env("VALKEY_URL", server.url()).start().await;
    rig.eventually("/healthz/deep", "the broker to be reached", |deep| deep["overall"] == "Ok").await;
    rig
}

/// A person labels an issue at GitHub.
async fn label(rig: &Rig, number: u64) {
    let issue = IssueDelivery { action: "labeled", number, title: "x", body: "", labels: &["agent-ready"], second: 1 };
    github(rig, "issues", &issue.deliver().body).await;
}
