//! The listening server: sockets, workers, time-outs. It grabs no signals; whoever started it stops it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer, web};

use crate::edge::Edge;
use crate::endpoint::not_found;
use crate::routes;

/// How the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Address and port; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Threads that parse and word; the work itself is elsewhere.
    pub workers: usize,
    /// From a connection's first byte to the end of a request's headers: a slow sender must not hold a connection.
    pub request_timeout: Duration,
    /// An idle connection is kept this long for its next request. Longer than the 60 s of usual proxies, so that they hang up
    /// first and never race us.
    pub keep_alive: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Connections of one worker at once; more wait in the backlog.
    pub connections_per_worker: usize,
}

impl ServerSettings {
    /// The defaults for an address.
    #[must_use]
    pub fn at(bind: SocketAddr) -> Self {
        Self {
            bind,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            request_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            shutdown_timeout: Duration::from_secs(10),
            connections_per_worker: 10_000,
        }
    }
}

/// A server that listens. It serves while its future is polled.
pub struct Listening {
    /// Where it really listens.
    pub addresses: Vec<SocketAddr>,
    /// Stops it: `handle.stop(true)` lets requests under way finish.
    pub handle: ServerHandle,
    /// Ends when the server has stopped.
    pub serving: Server,
}

/// Binds, and serves the API and what `more` adds (endpoints with a crate state of their own, such as the webhook).
///
/// # Errors
/// When the address can't be bound.
pub fn listen<C>(edge: Arc<Edge>, settings: &ServerSettings, more: C) -> io::Result<Listening>
where
    C: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let edge = Data::from(edge);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&edge))
            .configure(more.clone())
            .configure(routes::configure)
            .default_service(web::route().to(not_found))
    })
    .workers(settings.workers.max(1))
    .max_connections(settings.connections_per_worker)
    .client_request_timeout(settings.request_timeout)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.shutdown_timeout.as_secs())
    .disable_signals()
    .bind(settings.bind)?;
    let addresses = server.addrs();
    let serving = server.run();
    Ok(Listening { addresses, handle: serving.handle(), serving })
}
