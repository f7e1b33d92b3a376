//! How much waits in each lane, and for how long: where something outside is away, this is what grows.

use std::collections::{BTreeMap, BTreeSet};

use conductor_core::port::{InboxDepth, OutboxDepth, Store, StoreFailure};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::wire::{INBOX, lanes};

/// How much waits in a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaneReport {
    /// `inbox`, or where its effects go.
    #[schemars(schema_with = "lanes")]
    lane: &'static str,
    /// To be done.
    waiting: u64,
    /// Given up on: `GET /api/dead-letters`.
    dead: u64,
    /// Age of the oldest one that waits, in seconds.
    oldest_seconds: Option<u64>,
}

/// Every lane: the inbox, the configured destinations, and others for which something is left.
///
/// # Errors
/// When the store can't say.
pub async fn backlog(
    store: &dyn Store,
    configured: &BTreeSet<Destination>,
    now: Timestamp,
) -> Result<Vec<LaneReport>, StoreFailure> {
    let (inbox, outbox) = (store.inbox_depth().await?, store.outbox_depth().await?);
    let report = |lane, waiting, dead, oldest: Option<Timestamp>| LaneReport {
        lane,
        waiting,
        dead,
        oldest_seconds: oldest.map(|since| now.since(since).as_secs()),
    };
    let InboxDepth { waiting, dead, oldest } = inbox;
    let mut lanes = vec![report(INBOX, waiting, dead, oldest)];
    let mut depths: BTreeMap<Destination, (u64, u64, Option<Timestamp>)> =
        configured.iter().map(|destination| (*destination, (0, 0, None))).collect();
    depths.extend(
        outbox
            .into_iter()
            .map(|OutboxDepth { destination, pending, dead, oldest }| (destination, (pending, dead, oldest))),
    );
    lanes.extend(
        depths
            .into_iter()
            .map(|(destination, (pending, dead, oldest))| report(destination.as_str(), pending, dead, oldest)),
    );
    Ok(lanes)
}

/// What a person has to know of that beside.
#[must_use]
pub fn warning(lanes: &[LaneReport]) -> Option<String> {
    let dead: u64 = lanes.iter().map(|lane| lane.dead).sum();
    (dead > 0).then(|| {
        format!("{dead} of what came in or was to go out was given up on: GET /api/dead-letters, and retry there")
    })
}

#[cfg(test)]
mod tests {
    use conductor_core::port::Delivery;
    use serde_json::json;

    use crate::testing::Daemon;

    #[actix_web::test]
    async fn depth_and_age_of_each_lane_are_shown_and_dead_letters_warned_of() {
        let daemon = Daemon::start().await;
        let idle = json!([
            { "lane": "inbox", "waiting": 0, "dead": 0, "oldestSeconds": null },
            { "lane": "internal", "waiting": 0, "dead": 0, "oldestSeconds": null },
        ]);
        let deep = daemon.get("/healthz/deep").await.expect(200);
        assert_eq!((&deep["lanes"], &deep["warnings"]), (&idle, &serde_json::Value::Null));
        for (id, error) in [("a", None), ("b", Some("nobody understands it"))] {
            let delivery = Delivery {
                id: id.to_owned(),
                event: "issues".to_owned(),
                ordering_key: String::new(),
                body: "{}".to_owned(),
                received_at: daemon.edge.now(),
                ignored: None,
            };
            daemon.store().receive(delivery).await.unwrap();
            if let Some(error) = error {
                daemon.store().stuck(id, error, None).await.unwrap();
            }
        }
        daemon.clock.advance(std::time::Duration::from_secs(90));
        let deep = daemon.get("/healthz/deep").await.expect(200);
        let inbox = json!({ "lane": "inbox", "waiting": 1, "dead": 1, "oldestSeconds": 90 });
        assert_eq!((&deep["lanes"][0], &deep["overall"]), (&inbox, &json!("Ok")));
        assert!(deep["warnings"][0].as_str().unwrap().contains("/api/dead-letters"), "{deep}");
        daemon.store().close().await;
        assert_eq!(daemon.get("/healthz/deep").await.expect(503)["lanes"], json!(null));
    }
}
