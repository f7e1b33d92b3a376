use std::time::Duration;

use conductor_core::entry;
use conductor_core::identity::EventId;
use conductor_core::port::{BrokerFailure, EntryStreams, PendingEntries, PendingEntry, PortFuture};
use fred::types::Value;

use super::{GROUP, ValkeyBroker, keys};

/// As `pending.lua` gives one: id, consumer, idle milliseconds, deliveries, event, kind, repository, number.
type Found = (String, String, u64, u64, String, String, String, String);

impl PendingEntries for ValkeyBroker {
    fn scan(&self, idle: Duration, limit: usize) -> PortFuture<'_, Result<Vec<PendingEntry>, BrokerFailure>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for agent in self.agents().await? {
                if found.len() >= limit {
                    break;
                }
                let stream = keys::stream(&agent);
                let about = [GROUP.to_owned(), idle.as_millis().to_string(), (limit - found.len()).to_string()];
                let entries: Vec<Value> = self.connection.run(include_str!("pending.lua"), vec![stream], about).await?;
                for entry in entries {
                    let found_entry: Found =
                        entry.convert().map_err(|error| BrokerFailure::Refused(error.details().to_owned()))?;
                    let (entry_id, consumer, idle, deliveries, event, kind, repo, number) = found_entry;
                    found.push(PendingEntry {
                        agent: agent.clone(),
                        entry_id,
                        consumer,
                        idle: Duration::from_millis(idle),
                        deliveries,
                        event_id: EventId::parse(&event),
                        about: entry::about(&kind, &repo, &number),
                    });
                }
            }
            Ok(found)
        })
    }

    fn acknowledge<'a>(&'a self, entry: &'a PendingEntry) -> PortFuture<'a, Result<bool, BrokerFailure>> {
        Box::pin(async {
            let keys = vec![keys::stream(&entry.agent), keys::signals(&entry.agent)];
            let event = entry.event_id.map(|event| event.to_string()).unwrap_or_default();
            let about = [GROUP.to_owned(), entry.entry_id.clone(), event];
            let acknowledged: i64 = self.connection.run(include_str!("acknowledge.lua"), keys, about).await?;
            Ok(acknowledged == 1)
        })
    }
}
