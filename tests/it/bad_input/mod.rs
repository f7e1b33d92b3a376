//! What is refused: with a clear 4xx, without a trace in the log, and the daemon goes on.

mod api;
mod socket;
mod webhook;

use serde_json::json;

use crate::rig::{Rig, about};

/// The log of a daemon before something bad comes in.
struct Before(u64);

impl Before {
    async fn of(rig: &Rig) -> Self {
        rig.approve(1, json!({"labels": ["agent-ready"]})).await;
        Self(rig.head().await)
    }

    /// Nothing was stored meanwhile, and what is good is taken still.
    async fn still_holds(self, rig: &Rig) {
        assert_eq!(rig.head().await, self.0, "something bad was stored");
        assert_eq!(rig.row(1).await["version"], 1);
        rig.report(&about("PRIORITY_CHANGED", 1, json!({"priority": "high"}))).await;
    }
}
