//! The listening server: sockets, workers, time-outs. It grabs no signals; whoever started it stops it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer, web};

use crate::caller::admit;
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
            .wrap(from_fn(admit))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Daemon;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn started(daemon: &Daemon) -> (SocketAddr, ServerHandle, tokio::task::JoinHandle<io::Result<()>>) {
        let settings = ServerSettings { workers: 1, ..ServerSettings::at(SocketAddr::from(([127, 0, 0, 1], 0))) };
        let extra = |config: &mut ServiceConfig| {
            config.route("/extra", web::get().to(async || "more"));
        };
        let listening = listen(Arc::clone(&daemon.edge), &settings, extra).unwrap();
        (listening.addresses[0], listening.handle, tokio::task::spawn_local(listening.serving))
    }

    async fn talk(address: SocketAddr, request: &[u8]) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        // The server may answer and hang up before it has read everything.
        let _ = connection.write_all(request).await;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[actix_web::test]
    async fn it_picks_a_free_port_serves_and_stops_when_told() {
        let daemon = Daemon::start().await;
        let (address, handle, serving) = started(&daemon).await;
        assert_ne!(address.port(), 0);
        let health = talk(address, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(health.starts_with("HTTP/1.1 200") && health.contains("healthy"), "{health}");
        let extra = talk(address, b"GET /extra HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(extra.ends_with("more"), "{extra}");
        handle.stop(true).await;
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[actix_web::test]
    async fn hostile_requests_are_4xx_and_the_next_one_is_served() {
        let daemon = Daemon::start().await;
        let (address, handle, _serving) = started(&daemon).await;
        let huge_header = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200_000));
        let claimed = b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{".to_vec();
        for request in [
            b"\0\x01\x02 nonsense\r\n\r\n".to_vec(),
            b"GET /api/agents/%00%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            huge_header.into_bytes(),
            claimed,
        ] {
            let answer = talk(address, &request).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
        let health = talk(address, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(health.starts_with("HTTP/1.1 200"), "{health}");
        handle.stop(false).await;
    }
}
