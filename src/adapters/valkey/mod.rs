//! Redis or Valkey, standing alone or behind one address (no cluster: the scripts touch an agent's keys together).
//!
//! | File | What it is |
//! |---|---|
//! | `connection` | one connection that comes and goes by itself; while it is away every command fails at once |
//! | `keys` | the names of the keys, which consumers and scalers know |
//! | `entries`, `pending`, `logs` | the ports, each a script or a command |
//! | `failure` | whether repeating helps |
//!
//! **Architecture invariant: whatever changes more than one key is one script**, so that nobody ever sees an entry without its
//! signal, or a signal without its entry. Scripts are sent as text each time: they are small, and a server that was emptied or
//! restarted needs no care.

mod connection;
mod entries;
mod failure;
mod keys;
mod logs;
mod options;
mod pending;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use conductor_core::port::{Broker, BrokerFailure, PortFuture};

use connection::Connection;

pub use options::{UrlError, ValkeyOptions};

/// The group whose members read agents' streams.
const GROUP: &str = "agents";

/// The broker.
pub struct ValkeyBroker {
    connection: Connection,
}

impl ValkeyBroker {
    /// Begins to connect and returns at once, whether or not the server is there. Has to be called on a Tokio runtime.
    ///
    /// # Errors
    /// When the URL is none, never because of the server.
    pub fn start(options: &ValkeyOptions) -> Result<Arc<Self>, UrlError> {
        Ok(Arc::new(Self { connection: Connection::start(options)? }))
    }
}

impl Broker for ValkeyBroker {
    fn location(&self) -> String {
        self.connection.location().to_owned()
    }

    fn ping(&self) -> PortFuture<'_, Result<(), BrokerFailure>> {
        Box::pin(async { self.connection.call::<String>("PING", Vec::new()).await.map(|_| ()) })
    }

    fn close(&self) -> PortFuture<'_, ()> {
        self.connection.close();
        Box::pin(std::future::ready(()))
    }
}
