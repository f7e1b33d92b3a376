//! The listening server: sockets, workers, time-outs. It grabs no signals; whoever started it stops it.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
#[cfg(target_os = "linux")]
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer, web};

use crate::caller::admit;
use crate::edge::Edge;
use crate::endpoint::not_found;
use crate::json::{Patience, SLOWEST};
use crate::routes;
use crate::unread::hang_up;

/// Twice the agents that are foreseen, each with one connection kept alive.
pub const DEFAULT_CONNECTIONS: usize = 20_000;
/// Connections that wait for a place, which the kernel may cut to less. Beyond it a client's attempt is repeated by its kernel.
const BACKLOG: u32 = 4_096;

/// How the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Address and port; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Threads that parse and word; the work itself is elsewhere.
    pub workers: usize,
    /// From a connection's first byte to the end of a request's headers: a slow sender must not hold a connection.
    pub request_timeout: Duration,
    /// From there to the end of its body, likewise.
    pub body_timeout: Duration,
    /// Whoever takes nothing of an answer for this long has hung up without saying so: what is left for him is dropped.
    pub reader_timeout: Duration,
    /// An idle connection is kept this long for its next request. Longer than the 60 s of usual proxies, so that they hang up
    /// first and never race us.
    pub keep_alive: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Connections at once; more wait in the backlog.
    pub connections: usize,
}

impl ServerSettings {
    /// The defaults for an address.
    #[must_use]
    pub fn at(bind: SocketAddr) -> Self {
        Self {
            bind,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            request_timeout: Duration::from_secs(10),
            body_timeout: SLOWEST,
            reader_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            shutdown_timeout: Duration::from_secs(10),
            connections: DEFAULT_CONNECTIONS,
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
    let (workers, patience, reader_timeout) =
        (settings.workers.max(1), Patience(settings.body_timeout), settings.reader_timeout);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&edge))
            .app_data(patience)
            .wrap(from_fn(admit))
            .wrap(from_fn(hang_up))
            .configure(more.clone())
            .configure(routes::configure)
            .default_service(web::route().to(not_found))
    })
    .workers(workers)
    .backlog(BACKLOG)
    .max_connections((settings.connections / workers).max(1))
    .on_connect(move |connection, _| drop_who_stops_reading(connection, reader_timeout))
    .client_request_timeout(settings.request_timeout)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.shutdown_timeout.as_secs())
    .disable_signals()
    .bind(settings.bind)?;
    let addresses = server.addrs();
    let serving = server.run();
    Ok(Listening { addresses, handle: serving.handle(), serving })
}

/// The kernel ends a connection whose other end takes nothing of what waits for it. Without, an answer that nobody reads would
/// stay in memory, and its connection open, for ever: a server of HTTP waits for its socket without a deadline.
#[cfg(target_os = "linux")]
fn drop_who_stops_reading(connection: &dyn Any, after: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let millis = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, millis) {
        tracing::debug!(%error, "failed to set a time-out for a slow reader: {error}");
    }
}

/// Elsewhere there is no such option; the bound on connections remains.
#[cfg(not(target_os = "linux"))]
fn drop_who_stops_reading(_: &dyn Any, _: Duration) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Daemon;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    fn settings() -> ServerSettings {
        ServerSettings { workers: 1, ..ServerSettings::at(SocketAddr::from(([127, 0, 0, 1], 0))) }
    }

    async fn started(daemon: &Daemon) -> (SocketAddr, ServerHandle, tokio::task::JoinHandle<io::Result<()>>) {
        started_with(daemon, &settings(), |config| {
            config.route("/extra", web::get().to(async || "more"));
        })
    }

    fn started_with(
        daemon: &Daemon,
        settings: &ServerSettings,
        extra: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> (SocketAddr, ServerHandle, tokio::task::JoinHandle<io::Result<()>>) {
        let listening = listen(Arc::clone(&daemon.edge), settings, extra).unwrap();
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

    const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

    #[actix_web::test]
    async fn a_head_and_a_body_that_do_not_come_in_time_are_hung_up_on() {
        let daemon = Daemon::start().await;
        let soon = Duration::from_millis(300);
        let settings = ServerSettings { request_timeout: soon, body_timeout: soon, ..settings() };
        let (address, handle, _serving) = started_with(&daemon, &settings, |_| ());
        for begun in [
            &b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Half"[..],
            b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
            b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        ] {
            let answer = talk(address, begun).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
        handle.stop(false).await;
    }

    /// What is refused before its body is read is hung up on too: the rest of a chunked body may never come.
    #[actix_web::test]
    async fn a_chunked_body_that_nobody_reads_ends_with_the_answer() {
        let daemon = Daemon::start().await;
        let (address, handle, _serving) = started_with(&daemon, &settings(), |config| {
            config.route("/refused", web::post().to(async || actix_web::HttpResponse::Forbidden()));
        });
        for (request, status) in [
            (&b"POST /refused HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"[..], "403"),
            (b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "404"),
            (b"POST /api/events HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "401"),
        ] {
            let answer = talk(address, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
        handle.stop(false).await;
    }

    /// A chunked body that comes whole costs nobody a connection.
    #[actix_web::test]
    async fn after_a_whole_chunked_body_the_connection_serves_on() {
        let daemon = Daemon::start().await;
        let (address, handle, _serving) = started(&daemon).await;
        let heartbeat = r#"{"type":"HEARTBEAT","agentId":"dev-e-node"}"#;
        let first = format!(
            "POST /api/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{heartbeat}\r\n0\r\n\r\n",
            heartbeat.len()
        );
        let then = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answers = talk(address, format!("{first}{then}").as_bytes()).await;
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
        handle.stop(false).await;
    }

    /// An answer without end, that tells when it is dropped.
    fn endless(dropped: tokio::sync::mpsc::UnboundedSender<()>) -> actix_web::HttpResponse {
        struct Tells(tokio::sync::mpsc::UnboundedSender<()>);
        impl Drop for Tells {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let tells = Tells(dropped);
        let chunks = futures_util::stream::repeat_with(move || {
            let _ = &tells;
            Ok::<_, io::Error>(web::Bytes::from_static(&[b'x'; 64 << 10]))
        });
        actix_web::HttpResponse::Ok().streaming(chunks)
    }

    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn who_stops_reading_an_answer_is_dropped() {
        let daemon = Daemon::start().await;
        let (dropped, mut is_dropped) = tokio::sync::mpsc::unbounded_channel();
        let settings = ServerSettings { reader_timeout: Duration::from_millis(500), ..settings() };
        let (address, handle, _serving) = started_with(&daemon, &settings, move |config| {
            let dropped = dropped.clone();
            config.route("/public/endless", web::get().to(move || std::future::ready(endless(dropped.clone()))));
        });
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET /public/endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        connection.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        // Connected still, and reading nothing.
        is_dropped.recv().await.unwrap();
        drop(connection);
        handle.stop(false).await;
    }

    #[actix_web::test]
    async fn beyond_the_bound_a_connection_waits_until_another_one_ends() {
        let daemon = Daemon::start().await;
        let (address, handle, _serving) =
            started_with(&daemon, &ServerSettings { connections: 2, ..settings() }, |_| ());
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.write_all(HEALTH).await.unwrap();
            let mut answer = [0; 12];
            connection.read_exact(&mut answer).await.unwrap();
            held.push(connection);
        }
        let mut waiting = TcpStream::connect(address).await.unwrap();
        waiting.write_all(HEALTH).await.unwrap();
        for connection in &mut held {
            connection.write_all(HEALTH).await.unwrap();
            let mut answer = [0; 64];
            assert!(connection.read(&mut answer).await.unwrap() > 0);
        }
        let early = waiting.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(early.kind(), io::ErrorKind::WouldBlock, "those that are in are served, this one waits");
        held.pop();
        let mut answer = [0; 12];
        waiting.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        handle.stop(false).await;
    }
}
