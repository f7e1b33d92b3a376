//! The feed over real connections.

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use conductor_test_support::wait_for;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use super::*;
use crate::caller::rates::Payer;
use crate::edge::Edge;
use crate::server::{ServerSettings, listen};

fn serve(edge: &Arc<Edge>) -> (SocketAddr, ServerHandle) {
    let settings = ServerSettings {
        workers: 2,
        reader_timeout: Duration::from_secs(2),
        ..ServerSettings::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    let listening = listen(Arc::clone(edge), &settings, |_: &mut ServiceConfig| {}).unwrap();
    tokio::task::spawn_local(listening.serving);
    (listening.addresses[0], listening.handle)
}

/// A client as browsers are one: it remembers the last id, and comes back with it.
struct Client {
    connection: BufReader<TcpStream>,
    head: String,
    last: Option<u64>,
    /// Positions and types of the events.
    seen: Vec<(u64, String)>,
}

impl Client {
    async fn connect(address: SocketAddr, query: &str, last: Option<u64>) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), query, last).await.expect("a stream")
    }

    /// `None` where the server is about to go.
    async fn over(mut connection: TcpStream, query: &str, last: Option<u64>) -> Option<Self> {
        let resume = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let request = format!("GET /api/events/live{query} HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n");
        connection.write_all(request.as_bytes()).await.ok()?;
        let (mut connection, mut head) = (BufReader::new(connection), String::new());
        while !head.ends_with("\r\n\r\n") {
            connection.read_line(&mut head).await.ok().filter(|read| *read > 0)?;
        }
        head.starts_with("HTTP/1.1 200").then_some(Self { connection, head, last, seen: Vec::new() })
    }

    /// Reads to the next event; `false` where the connection ends. The lengths of chunks, which stand between the lines, have
    /// no colon.
    async fn event(&mut self) -> bool {
        let (mut line, mut kind) = (String::new(), String::new());
        loop {
            line.clear();
            if !matches!(self.connection.read_line(&mut line).await, Ok(1..)) {
                return false;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => self.last = Some(id.parse().unwrap()),
                Some(("event", name)) => kind = name.to_owned(),
                Some(("data", data)) => {
                    let event: Value = serde_json::from_str(data).unwrap();
                    assert_eq!((event["position"].as_u64(), event["type"].as_str()), (self.last, Some(kind.as_str())));
                    self.seen.push((self.last.unwrap(), kind));
                    return true;
                }
                Some(_) | None => {}
            }
        }
    }

    async fn events(&mut self, count: usize) -> Vec<u64> {
        let reading = async {
            while self.seen.len() < count {
                assert!(self.event().await, "the connection ended after {:?}", self.seen);
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the events come");
        self.seen.iter().map(|(position, _)| *position).collect()
    }
}

#[actix_web::test]
async fn the_endpoint_filters_in_both_spellings_and_resumes_from_where_the_client_was() {
    let daemon = Daemon::start().await;
    let (address, _server) = serve(&daemon.edge);
    approve(&daemon, 1..=3).await;
    escalate(&daemon, 1).await;
    let mut client = Client::connect(address, "?after=0", None).await;
    for line in
        ["HTTP/1.1 200 OK", "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"]
    {
        assert!(client.head.contains(&format!("{line}\r\n")), "{}", client.head);
    }
    assert_eq!(client.events(4).await, [1, 2, 3, 4]);
    assert_eq!(client.seen[3].1, "Escalated");
    assert_eq!(Client::connect(address, "?after=0", Some(2)).await.events(2).await, [3, 4], "the header goes first");
    for query in ["?after=0&type=ESCALATED,MERGED", "?type=Escalated&type=Merged&after=1", "?after=3"] {
        assert_eq!(Client::connect(address, query, None).await.events(1).await, [4], "{query}");
    }
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_before_a_stream_begins() {
    let daemon = Daemon::start().await;
    let problem = daemon.get("/api/events/live?type=ISSUE_EATEN").await.refused(400, "unknown_event_type");
    assert_eq!(problem, "Unknown event type: ISSUE_EATEN");
    for query in ["after=-1", "after=x", "after=99", "after=0&after=0", "type=%00"] {
        daemon.get(&format!("/api/events/live?{query}")).await.refused(400, "malformed");
    }
    for id in ["x", "-1", "99", "99999999999999999999"] {
        let request = actix_web::test::TestRequest::get().uri("/api/events/live").insert_header(("Last-Event-ID", id));
        daemon.send(request).await.refused(400, "malformed");
    }
    daemon.edge.live.close();
    daemon.get("/api/events/live").await.refused(503, "draining");
}

#[actix_web::test]
async fn a_thousand_readers_at_once_get_every_event_in_order() {
    const READERS: usize = 1_000;
    allow_open_files();
    let daemon = Daemon::start().await;
    let (address, _server) = serve(&daemon.edge);
    let mut clients = Vec::new();
    for _ in 0..READERS {
        clients.push(Client::connect(address, "", None).await);
    }
    assert_eq!(daemon.edge.live.readers(), READERS);
    let reading = join_all(clients.iter_mut().map(|client| client.events(5)));
    let (seen, ()) = tokio::join!(reading, approve(&daemon, 1..=5));
    assert!(seen.iter().all(|positions| *positions == [1, 2, 3, 4, 5]), "{seen:?}");
    drop(clients);
    // Whoever hangs up is noticed when something is sent to it.
    wait_for("every place to be free again", PATIENCE, || async {
        let changed = json!({ "type": "PRIORITY_CHANGED", "repo": "acme/web", "issueNumber": 1, "priority": "high" });
        let back = json!({ "type": "PRIORITY_CHANGED", "repo": "acme/web", "issueNumber": 1, "priority": "normal" });
        daemon.report(&changed).await;
        daemon.report(&back).await;
        (daemon.edge.live.readers() == 0).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn one_token_takes_no_more_than_its_share_of_the_places() {
    let daemon = Daemon::start().await;
    let (address, _server) = serve(&daemon.edge);
    let (secret, greedy) = daemon.token("viewer", "eve").await;
    let mut held = Vec::new();
    for _ in 0..crate::live::DEFAULT_READERS / 4 {
        let caller = Payer::Token(greedy.id.clone());
        let reader = daemon.edge.live.read(Some(&caller), None, LogFilter::default()).await;
        held.push(reader.unwrap_or_else(|no| panic!("{no:?}")));
    }
    let ask = || {
        let bearer = ("Authorization", format!("Bearer {secret}"));
        daemon.send(actix_web::test::TestRequest::get().uri("/api/events/live").insert_header(bearer))
    };
    let refused = ask().await;
    let problem = refused.refused(429, "too_many_own_readers");
    assert!(problem.contains("500 times") && refused.headers.contains_key("retry-after"), "{refused:?}");
    // Without a token: somebody else.
    Client::connect(address, "", None).await;
    drop(held);
    daemon.edge.live.close();
    ask().await.refused(503, "draining");
}

/// Both ends of each connection are in this process, which may begin with room for 1,024 files.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.current.map(|current| current.max(4_096).min(limit.maximum.unwrap_or(u64::MAX)));
    setrlimit(Resource::Nofile, Rlimit { current: wanted, ..limit }).unwrap();
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn a_reader_that_does_not_read_is_cut_off_while_others_go_on() {
    let daemon = Daemon::start().await;
    let (address, _server) = serve(&daemon.edge);
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.set_recv_buffer_size(4_096).unwrap();
    let mut deaf = Client::over(deaf.connect(address).await.unwrap(), "", None).await.expect("a stream");
    let mut other = Client::connect(address, "", None).await;
    // More than the buffers of any connection hold.
    const EVENTS: u64 = 150;
    let write = async {
        for number in 1..=EVENTS {
            let body = "x".repeat(60_000);
            let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": number, "title": "x", "body": body });
            daemon.report(&approval).await;
        }
    };
    // On a machine that is busy enough this one stalls too; then it comes back, as every client does.
    let read = async {
        while other.seen.len() < EVENTS as usize {
            if !other.event().await {
                let seen = std::mem::take(&mut other.seen);
                other = Client { seen, ..Client::connect(address, "", other.last).await };
            }
        }
    };
    tokio::join!(async { tokio::time::timeout(PATIENCE, read).await.expect("the other one goes on") }, write);
    let seen: Vec<u64> = other.seen.iter().map(|(position, _)| *position).collect();
    assert_eq!(seen, (1..=EVENTS).collect::<Vec<_>>());
    let one_left = || std::future::ready((daemon.edge.live.readers() == 1).then_some(()));
    wait_for("the place of the deaf reader to be free again", PATIENCE, one_left).await;
    approve(&daemon, EVENTS + 1..=EVENTS + 1).await;
    assert_eq!(other.events(EVENTS as usize + 1).await.last(), Some(&(EVENTS + 1)));
    // What it finds when it looks at last: a beginning, without gap, and the end of the connection.
    while deaf.event().await {}
    let found: Vec<u64> = deaf.seen.iter().map(|(position, _)| *position).collect();
    assert!(
        found.len() < EVENTS as usize && found.iter().zip(1..).all(|(found, expected)| *found == expected),
        "{found:?}"
    );
}

#[actix_web::test]
async fn no_gap_and_no_repeat_across_reconnects_replicas_and_a_restart_while_others_write() {
    const EVENTS: u64 = 300;
    let daemon = Daemon::start().await;
    // Replicas: each has a feed of its own over the one log.
    let (stable, fragile) = (daemon.replica(), daemon.replica());
    let ((first, _server), (second, handle)) = (serve(&stable), serve(&fragile));
    let write = join_all((0..6).map(|part| {
        let daemon = &daemon;
        async move { approve(daemon, part * EVENTS / 6 + 1..=(part + 1) * EVENTS / 6).await }
    }));
    let restart = async {
        let halfway = || async { (daemon.stored().await.len() as u64 > EVENTS / 2).then_some(()) };
        wait_for("half of the events", PATIENCE, halfway).await;
        fragile.live.close();
        handle.stop(true).await;
    };
    let readers = join_all((1..=8_usize).map(|index| async move {
        let (mut seen, mut last, mut round) = (Vec::new(), Some(0), index);
        while seen.len() < EVENTS as usize {
            round += 1;
            let address = if round % 2 == 0 { first } else { second };
            // The replica may be gone, or about to go: the other one knows the same log.
            let Ok(connection) = TcpStream::connect(address).await else { continue };
            let Some(mut client) = Client::over(connection, "", last).await else { continue };
            // Some leave after each event, some stay until they are sent away.
            while client.seen.len() < 7 * index && seen.len() + client.seen.len() < EVENTS as usize {
                if !client.event().await {
                    break;
                }
            }
            last = client.last;
            seen.extend(client.seen.into_iter().map(|(position, _)| position));
        }
        seen
    }));
    let everything = async { tokio::join!(readers, write, restart).0 };
    let seen = tokio::time::timeout(PATIENCE, everything).await.expect("the readers come to the end");
    for (index, positions) in seen.into_iter().enumerate() {
        assert_eq!(positions, (1..=EVENTS).collect::<Vec<_>>(), "reader {index}");
    }
}

#[actix_web::test]
async fn a_server_that_stops_waits_for_no_reader() {
    let daemon = Daemon::start().await;
    let (address, server) = serve(&daemon.edge);
    let mut client = Client::connect(address, "", None).await;
    daemon.edge.live.close();
    let began = std::time::Instant::now();
    server.stop(true).await;
    assert!(!client.event().await);
    let mut rest = Vec::new();
    client.connection.read_to_end(&mut rest).await.unwrap();
    assert!(began.elapsed() < ServerSettings::at(address).shutdown_timeout, "{:?}", began.elapsed());
}
