//! The broker that wakes agents, where one is configured.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conductor_actors::{Cadence, Coordinator, LaneSettings, Ports};
use conductor_adapters::valkey::{UrlError, ValkeyBroker, ValkeyOptions};
use conductor_core::port::Broker;
use conductor_core::reaction::Destination;
use conductor_http::leases::LeaseKeeper;

use crate::config::Settings;

use super::entries::EntryDeliverer;
use super::entry_streams::EntryStreams;

/// A broker that was emptied has its groups back, and acknowledged entries go, within this time.
const KEEP_PERIOD: Duration = Duration::from_secs(60);

/// The configured one, which connects by itself: whether it answers delays nothing here.
///
/// # Errors
/// When its URL is none.
pub fn open(settings: &Settings) -> Result<Option<Arc<dyn Broker>>, UrlError> {
    let Some(url) = &settings.valkey else { return Ok(None) };
    Ok(Some(ValkeyBroker::start(&ValkeyOptions::new(url.expose()))?))
}

/// Where effects go beside that broker.
#[must_use]
pub fn destinations(broker: Option<&Arc<dyn Broker>>) -> BTreeSet<Destination> {
    let mut destinations = Ports::inside();
    destinations.extend(broker.map(|_| Destination::Valkey));
    destinations
}

/// Starts what brings effects to the broker and keeps it in order.
pub async fn serve(broker: &Arc<dyn Broker>, coordinator: &Coordinator, leases: &LeaseKeeper, lane: Cadence) {
    let deliverer = EntryDeliverer::new(coordinator.clone(), Arc::clone(broker), leases.clone());
    coordinator.start_lane(deliverer, LaneSettings::default(), lane).await;
    let streams = EntryStreams::new(Arc::clone(broker), Arc::clone(coordinator.policy()));
    coordinator.start_leader_pass(streams, Cadence::every(KEEP_PERIOD)).await;
}
