use std::collections::BTreeSet;

use conductor_core::entry::Entry;
use conductor_core::identity::{AgentId, EventId, IssueRef};
use conductor_core::port::{BrokerFailure, EntryStreams, Offered, PortFuture, REMEMBERED, Withdrawn};

use super::{GROUP, ValkeyBroker, keys};

/// Keys looked at in one step of the search for streams: the server is held up for less than a millisecond.
const SEARCH_STEP: &str = "1000";
/// The server's word for "there is such a group already".
const BUSY_GROUP: &str = "BUSYGROUP";

impl EntryStreams for ValkeyBroker {
    fn ready<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<(), BrokerFailure>> {
        Box::pin(async {
            let from_the_first = ["CREATE", &keys::stream(agent), GROUP, "0", "MKSTREAM"].map(str::to_owned);
            match self.connection.call::<String>("XGROUP", from_the_first.into()).await {
                Err(BrokerFailure::Refused(words)) if words.starts_with(BUSY_GROUP) => Ok(()),
                made => made.map(|_| ()),
            }
        })
    }

    fn agents(&self) -> PortFuture<'_, Result<Vec<AgentId>, BrokerFailure>> {
        Box::pin(async {
            let mut agents = BTreeSet::new();
            let mut cursor = "0".to_owned();
            loop {
                let pattern = keys::any_stream();
                let search = [&*cursor, "MATCH", &pattern, "COUNT", SEARCH_STEP, "TYPE", "stream"].map(str::to_owned);
                // A search may meet a key twice.
                let (next, met): (String, Vec<String>) = self.connection.call("SCAN", search.into()).await?;
                agents.extend(met.iter().filter_map(|stream| keys::agent_of(stream)));
                if next == "0" {
                    return Ok(agents.into_iter().collect());
                }
                cursor = next;
            }
        })
    }

    fn offer<'a>(&'a self, agent: &'a AgentId, entry: &'a Entry) -> PortFuture<'a, Result<Offered, BrokerFailure>> {
        Box::pin(async {
            let keys = vec![keys::stream(agent), keys::signals(agent), keys::dispatched(entry.event_id)];
            let about = [GROUP.to_owned(), entry.event_id.to_string(), REMEMBERED.as_secs().to_string()];
            let fields = entry.fields().into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
            let added: i64 =
                self.connection.run(include_str!("offer.lua"), keys, about.into_iter().chain(fields)).await?;
            Ok(if added == 1 { Offered::Added } else { Offered::Repeated })
        })
    }

    fn withdraw<'a>(&'a self, agent: &'a AgentId, event: EventId) -> PortFuture<'a, Result<Withdrawn, BrokerFailure>> {
        Box::pin(async move {
            let keys = vec![keys::stream(agent), keys::signals(agent), keys::dispatched(event)];
            let about = [GROUP.to_owned(), event.to_string()];
            let told: String = self.connection.run(include_str!("withdraw.lua"), keys, about).await?;
            match told.as_str() {
                "removed" => Ok(Withdrawn::Removed),
                "taken" => Ok(Withdrawn::Taken),
                "missing" => Ok(Withdrawn::Missing),
                other => Err(BrokerFailure::Refused(format!("it answers {other} to a withdrawal"))),
            }
        })
    }

    fn trim<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Result<u64, BrokerFailure>> {
        Box::pin(self.connection.run(include_str!("trim.lua"), vec![keys::stream(agent)], []))
    }

    fn forget_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, Result<(), BrokerFailure>> {
        Box::pin(async { self.connection.call::<i64>("DEL", vec![keys::session(about)]).await.map(|_| ()) })
    }
}
