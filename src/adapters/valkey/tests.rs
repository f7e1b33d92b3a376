//! The contract, and what only a server can do: hold something else, be away, come back, be full.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use conductor_core::entry::{Entry, Job};
use conductor_core::event::Priority;
use conductor_core::identity::{AgentId, EventId, IssueRef};
use conductor_core::port::{Broker, BrokerFailure, EntryStreams, LogChannels, Offered, PortFuture};
use conductor_test_support::{Reply, ValkeyServer, valkey_url, wait_for};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;
use crate::contract::broker::{BrokerSubject, Consumers, Read};

/// A consumer by the plain commands of the protocol, on connections of its own.
struct PlainConsumers(Connection);

impl PlainConsumers {
    fn start() -> Self {
        Self(Connection::start(&ValkeyOptions::new(valkey_url())).unwrap())
    }

    async fn ask<T: fred::types::FromValue>(&self, command: &'static str, args: &[&str]) -> Result<T, BrokerFailure> {
        self.0.call(command, args.iter().map(ToString::to_string).collect()).await
    }
}

type Entries = Vec<(String, Vec<String>)>;

fn fields(flat: &[String]) -> BTreeMap<String, String> {
    flat.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn events(ids: &[String]) -> Vec<EventId> {
    ids.iter().map(|id| EventId::parse(id).unwrap()).collect()
}

impl Consumers for PlainConsumers {
    fn read<'a>(&'a self, agent: &'a AgentId, consumer: &'a str) -> PortFuture<'a, Option<Read>> {
        Box::pin(async move {
            let stream = format!("assignments:{agent}");
            let next = ["GROUP", "agents", consumer, "COUNT", "1", "STREAMS", &stream, ">"];
            let read: Option<Vec<(String, Entries)>> = self.ask("XREADGROUP", &next).await.unwrap();
            let (id, flat) = read?.pop()?.1.pop()?;
            Some(Read { id, fields: fields(&flat) })
        })
    }

    fn pop<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<EventId>> {
        Box::pin(async move {
            let popped: Option<String> = self.ask("LPOP", &[&format!("signal:{agent}")]).await.unwrap();
            popped.and_then(|id| EventId::parse(&id))
        })
    }

    fn signals<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>> {
        Box::pin(async move {
            let all: Vec<String> = self.ask("LRANGE", &[&format!("signal:{agent}"), "0", "-1"]).await.unwrap();
            events(&all)
        })
    }

    fn entries<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Vec<EventId>> {
        Box::pin(async move {
            let all: Entries = self.ask("XRANGE", &[&format!("assignments:{agent}"), "-", "+"]).await.unwrap();
            let ids: Vec<String> = all.iter().map(|(_, flat)| fields(flat)["eventId"].clone()).collect();
            events(&ids)
        })
    }

    fn pending<'a>(&'a self, agent: &'a AgentId) -> PortFuture<'a, Option<usize>> {
        Box::pin(async move {
            let stream = format!("assignments:{agent}");
            let all: Result<fred::types::Value, _> = self.ask("XPENDING", &[&stream, "agents", "-", "+", "100"]).await;
            match all {
                Ok(all) => Some(all.into_array().len()),
                Err(BrokerFailure::Refused(words)) if words.starts_with("NOGROUP") => None,
                Err(failure) => panic!("failed to {failure}"),
            }
        })
    }

    fn keep_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, ()> {
        Box::pin(async move {
            let _: String = self.ask("SET", &[&format!("session:{about}"), "{}", "EX", "60"]).await.unwrap();
        })
    }

    fn has_session<'a>(&'a self, about: &'a IssueRef) -> PortFuture<'a, bool> {
        Box::pin(async move { self.ask::<i64>("EXISTS", &[&format!("session:{about}")]).await.unwrap() == 1 })
    }
}

/// On the server of all tests, under names that no other test has.
async fn fresh() -> BrokerSubject {
    static SUBJECTS: AtomicU32 = AtomicU32::new(0);
    let number = SUBJECTS.fetch_add(1, Ordering::Relaxed);
    let broker = ValkeyBroker::start(&ValkeyOptions::new(valkey_url())).unwrap();
    let consumers = PlainConsumers::start();
    for connection in [&broker.connection, &consumers.0] {
        reached(connection).await;
    }
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    BrokerSubject { broker, consumers: Arc::new(consumers), prefix: format!("t{since_epoch:x}-{number}") }
}

async fn reached(connection: &Connection) {
    wait_for("a connection", Duration::from_secs(10), || async {
        connection.call::<String>("PING", Vec::new()).await.ok()
    })
    .await;
}

crate::broker_contract!(super::fresh);

fn entry(number: u64) -> Entry {
    Entry {
        event_id: EventId(number.into()),
        job: Job::Review {
            pr: IssueRef::parse("acme/web#57").unwrap(),
            head: conductor_core::identity::Sha::parse("aaaa").unwrap(),
        },
        title: String::new(),
        priority: Priority::Normal,
        body: String::new(),
        stack: None,
        test_command: None,
        build_command: None,
        tools: Vec::new(),
        attempt: 1,
    }
}

fn agent() -> AgentId {
    AgentId::parse("review-e").unwrap()
}

fn to(server: &ValkeyServer) -> ValkeyOptions {
    ValkeyOptions { command_timeout: Duration::from_millis(500), ..ValkeyOptions::new(server.url()) }
}

async fn is_away(broker: &ValkeyBroker) -> Option<()> {
    matches!(broker.ping().await, Err(BrokerFailure::Away(_))).then_some(())
}

async fn offered(broker: &ValkeyBroker, entry: &Entry) -> Offered {
    wait_for("an offer to be taken", Duration::from_secs(20), || async { broker.offer(&agent(), entry).await.ok() })
        .await
}

async fn length(server: &ValkeyServer, key: &str) -> i64 {
    let command = if key.starts_with("signal") { "LLEN" } else { "XLEN" };
    let Reply::Number(number) = server.ask(&[command, key]).await else { panic!("{key} has no length") };
    number
}

/// Nobody waits for a server that isn't there, and nothing is kept for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_started_before_its_server_fails_at_once_and_connects_by_itself() {
    let mut server = ValkeyServer::down();
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    let began = Instant::now();
    for _ in 0..1000 {
        assert!(matches!(broker.offer(&agent(), &entry(1)).await, Err(BrokerFailure::Away(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(20), "a thousand refusals took {:?}", began.elapsed());
    server.restart().await;
    assert_eq!(offered(&broker, &entry(2)).await, Offered::Added);
    assert_eq!(length(&server, "assignments:review-e").await, 1, "of what was refused nothing came later");
}

/// The script needs no care after a restart, nor does the group.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_and_is_back_empty_is_served_on() {
    let mut server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    assert_eq!(offered(&broker, &entry(1)).await, Offered::Added);
    server.kill9();
    wait_for("the loss to be noticed", Duration::from_secs(20), || is_away(&broker)).await;
    server.restart().await;
    assert_eq!(offered(&broker, &entry(2)).await, Offered::Added);
    assert_eq!(length(&server, "assignments:review-e").await, 1);
    server.flush().await;
    assert_eq!(broker.offer(&agent(), &entry(2)).await, Ok(Offered::Added), "it forgot that it had it");
    assert_eq!(length(&server, "signal:review-e").await, 1);
}

/// What timed out may have happened: the repeat finds out, and adds nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_away_within_the_time_out_and_an_offer_repeated_after_it_adds_one_entry() {
    let server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    offered(&broker, &entry(1)).await;
    server.pause();
    let began = Instant::now();
    assert!(matches!(broker.offer(&agent(), &entry(2)).await, Err(BrokerFailure::Away(_))));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    server.go_on();
    offered(&broker, &entry(2)).await;
    assert_eq!(length(&server, "assignments:review-e").await, 2);
    assert_eq!(length(&server, "signal:review-e").await, 2);
}

/// Refused as a whole: neither an entry without a signal nor a mark that would hide it from the repeat.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_holds_something_else_refuses_the_whole_offer() {
    let server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    reached(&broker.connection).await;
    server.ask(&["SET", "signal:review-e", "1"]).await;
    let refused = broker.offer(&agent(), &entry(1)).await;
    assert!(matches!(&refused, Err(BrokerFailure::Refused(why)) if why.contains("signal:review-e")), "{refused:?}");
    assert_eq!(length(&server, "assignments:review-e").await, 0);
    server.ask(&["DEL", "signal:review-e"]).await;
    assert_eq!(broker.offer(&agent(), &entry(1)).await, Ok(Offered::Added), "once a person has mended it");
    server.ask(&["SET", "assignments:dev-e-node", "1"]).await;
    let other = AgentId::parse("dev-e-node").unwrap();
    assert!(matches!(broker.ready(&other).await, Err(BrokerFailure::Refused(_))));
}

/// A full memory is a matter of time, and half of an offer is never written.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_takes_the_offer_later_and_whole() {
    let server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    reached(&broker.connection).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let refused = broker.offer(&agent(), &entry(1)).await;
    assert!(matches!(&refused, Err(BrokerFailure::Away(why)) if why.starts_with("OOM")), "{refused:?}");
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(broker.offer(&agent(), &entry(1)).await, Ok(Offered::Added));
    assert_eq!((length(&server, "assignments:review-e").await, length(&server, "signal:review-e").await), (1, 1));
}

/// Its mark outlives every outage that an effect waits out, and not the server's memory.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_remembered_for_seven_days() {
    let server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    offered(&broker, &entry(1)).await;
    let Reply::Number(left) = server.ask(&["TTL", &format!("dispatched:{}", EventId(1))]).await else { panic!() };
    assert!((604_700..=604_800).contains(&left), "{left} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_log_reaches_whoever_listens() {
    let server = ValkeyServer::start().await;
    let broker = ValkeyBroker::start(&to(&server)).unwrap();
    reached(&broker.connection).await;
    assert_eq!(broker.publish_log(&agent(), "said to nobody").await, Ok(0));
    let mut listener = TcpStream::connect(broker.location()).await.unwrap();
    listener.write_all(b"SUBSCRIBE logs:review-e\r\n").await.unwrap();
    let heard = wait_for("a listener", Duration::from_secs(10), || async {
        broker.publish_log(&agent(), "hello").await.ok().filter(|heard| *heard > 0)
    });
    assert_eq!(heard.await, 1);
    drop(broker);
    server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    let mut told = String::new();
    listener.read_to_string(&mut told).await.unwrap();
    assert!(told.contains("hello") && !told.contains("nobody"), "{told}");
}
