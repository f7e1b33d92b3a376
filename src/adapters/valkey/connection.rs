use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conductor_core::port::BrokerFailure;
use fred::clients::{Client, WithOptions};
use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::config::{Options, ReconnectPolicy, Server, UnresponsiveConfig};
use fred::types::{Builder, ClusterHash, CustomCommand, FromValue};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{AbortHandle, JoinHandle};

use super::failure::failure;
use super::options::{UrlError, ValkeyOptions};

/// From the end of a connection that the client gave up to a new one. It gives up only on what it takes for a matter of settings.
const START_AGAIN: Duration = Duration::from_secs(1);

/// One connection to the server. It is made in the background, from the first moment on and again whenever it is lost.
pub(super) struct Connection {
    client: WithOptions<Client>,
    location: String,
    closed: AtomicBool,
    tasks: [AbortHandle; 2],
}

impl Connection {
    pub(super) fn start(options: &ValkeyOptions) -> Result<Self, UrlError> {
        let mut config = options.config()?;
        // The first try is no other than those after it.
        config.fail_fast = false;
        let location = config.server.hosts().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let longest_rest = u32::try_from(options.longest_rest.as_millis()).unwrap_or(u32::MAX);
        let client = Builder::from_config(config)
            .with_connection_config(|connection| {
                connection.connection_timeout = options.unresponsive_after;
                connection.internal_command_timeout = options.unresponsive_after;
                connection.max_command_buffer_len = options.queue;
                // A password that the server learns later is one reason more to try again.
                connection.reconnect_on_auth_error = true;
                connection.tcp.nodelay = Some(true);
                connection.unresponsive = UnresponsiveConfig {
                    max_timeout: Some(options.unresponsive_after),
                    interval: options.unresponsive_after / 5,
                };
            })
            .set_policy(ReconnectPolicy::new_exponential(0, 100, longest_rest, 2))
            .build()
            .map_err(|_| UrlError::Malformed)?;
        let tasks = [
            tokio::spawn(tell(client.error_rx(), client.reconnect_rx(), location.clone())).abort_handle(),
            tokio::spawn(keep(client.clone())).abort_handle(),
        ];
        // Nothing queues: without a connection a command fails at once, and one that was under way when it broke isn't sent twice.
        let at_once = Options {
            fail_fast: true,
            max_attempts: Some(1),
            timeout: Some(options.command_timeout),
            ..Options::default()
        };
        Ok(Self { client: client.with_options(&at_once), location, closed: AtomicBool::new(false), tasks })
    }

    /// Host and port.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Runs one command.
    pub(super) async fn call<T: FromValue>(
        &self,
        command: &'static str,
        args: Vec<String>,
    ) -> Result<T, BrokerFailure> {
        if self.closed.load(Ordering::Acquire) {
            return Err(BrokerFailure::Away("it was closed".to_owned()));
        }
        let command = CustomCommand::new_static(command, ClusterHash::FirstKey, false);
        self.client.custom(command, args).await.map_err(|error| failure(&error))
    }

    /// Runs a script on those keys.
    pub(super) async fn run<T: FromValue>(
        &self,
        script: &'static str,
        keys: Vec<String>,
        args: impl IntoIterator<Item = String>,
    ) -> Result<T, BrokerFailure> {
        let mut all = vec![script.to_owned(), keys.len().to_string()];
        all.extend(keys);
        all.extend(args);
        self.call("EVAL", all).await
    }

    /// Lets go of it; what is under way runs into its time-out.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A task that ends with whoever holds this.
struct Ending(JoinHandle<Result<(), Error>>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects, and begins anew should that ever end.
async fn keep(client: Client) {
    loop {
        let mut connected = Ending(client.connect());
        match (&mut connected.0).await {
            Ok(Ok(())) => tracing::warn!("the connection to the broker ended by itself: connecting again"),
            Ok(Err(error)) => tracing::warn!(%error, "failed to connect to the broker, beginning anew: {error}"),
            Err(lost) => tracing::error!(error = %lost, "failed to keep the connection to the broker: {lost}"),
        }
        tokio::time::sleep(START_AGAIN).await;
    }
}

/// Says when the server is lost and when it is back, once each, however many tries lie between.
async fn tell(mut errors: Receiver<(Error, Option<Server>)>, mut reached: Receiver<Server>, location: String) {
    let mut there = None;
    loop {
        tokio::select! {
            found = reached.recv() => match found {
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    if there != Some(true) {
                        tracing::info!(location, "reached the broker at {location}");
                    }
                    there = Some(true);
                }
                Err(RecvError::Closed) => return,
            },
            lost = errors.recv() => match lost {
                Ok((error, _)) => {
                    if there != Some(false) {
                        tracing::warn!(location, %error, "failed to reach the broker at {location}, trying on: {error}");
                    }
                    there = Some(false);
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}
