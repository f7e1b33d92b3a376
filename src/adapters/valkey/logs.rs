use conductor_core::identity::AgentId;
use conductor_core::port::{BrokerFailure, LogChannels, PortFuture};

use super::{ValkeyBroker, keys};

impl LogChannels for ValkeyBroker {
    fn publish_log<'a>(&'a self, agent: &'a AgentId, line: &'a str) -> PortFuture<'a, Result<u64, BrokerFailure>> {
        Box::pin(self.connection.call("PUBLISH", vec![keys::logs(agent), line.to_owned()]))
    }
}
