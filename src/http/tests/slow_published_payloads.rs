//! Every payload that GitHub's users have published is accepted by the endpoint, and so is each with an action that nobody
//! knows yet: GitHub adds those without notice.
//!
//! The payloads are fetched from npm on the first run (`@octokit/webhooks-examples`, MIT) and kept below the target folder.

#![allow(clippy::unwrap_used, reason = "a test that can not read what it fetched has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::web::Data;
use conductor_core::port::{Clock, Delivery, Inbox, InboxDepth, PendingDelivery, PortFuture, Received, StoreFailure};
use conductor_core::time::Timestamp;
use conductor_http::webhook::{PATH, Reception, WebhookDoor, WebhookSecret, configure};
use serde_json::Value;

const PACKAGE: &str = "@octokit/webhooks-examples@7.6.1";
const HOW_MANY: usize = 726;

/// An inbox that keeps everything.
#[derive(Default)]
struct Kept(Mutex<Vec<Delivery>>);

impl Inbox for Kept {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        self.0.lock().unwrap().push(delivery);
        Box::pin(std::future::ready(Ok(Received::Accepted)))
    }
    fn waiting(&self, _: Timestamp, _: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn worked<'a>(&'a self, _: &'a str, _: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn stuck<'a>(&'a self, _: &'a str, _: &'a str, _: Option<Timestamp>) -> PortFuture<'a, Result<(), StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        unreachable!("the endpoint asks for no depth")
    }
}

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// One published delivery.
struct Published {
    event: String,
    body: Value,
}

fn published() -> Vec<Published> {
    let folder = fetched();
    let mut all = Vec::new();
    for host in std::fs::read_dir(folder.join("package")).unwrap().map(|entry| entry.unwrap().path()) {
        let index = host.join("index.json");
        if !index.is_file() {
            continue;
        }
        let events: Vec<Value> = serde_json::from_slice(&std::fs::read(index).unwrap()).unwrap();
        for event in events {
            let name = event["name"].as_str().unwrap();
            for body in event["examples"].as_array().unwrap() {
                all.push(Published { event: name.to_owned(), body: body.clone() });
            }
        }
    }
    all
}

/// The package, unpacked; fetched unless it is there. Locked, since both tests begin with it.
fn fetched() -> PathBuf {
    static FETCHING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("webhooks-examples-7.6.1");
    if !folder.join("complete").is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        run("npm", &["pack", "--silent", PACKAGE], &folder);
        run("tar", &["xzf", "octokit-webhooks-examples-7.6.1.tgz"], &folder);
        std::fs::write(folder.join("complete"), "").unwrap();
    }
    folder
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let ended = Command::new(program).args(arguments).current_dir(folder).output().unwrap_or_else(|error| {
        panic!("failed to run {program} ({error}): install it (Debian: apt-get install npm tar), this test fetches {PACKAGE} with it")
    });
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "failed to fetch {PACKAGE} with `{program} {}`: {errors}", arguments.join(" "));
}

/// Delivers a payload, signed, and gives the deliveries as stored.
async fn delivered(payloads: &[Published]) -> Vec<Delivery> {
    let (secret, inbox) = (WebhookSecret::new("s3cret").unwrap(), Arc::<Kept>::default());
    let door = WebhookDoor {
        secret: Some(secret.clone()),
        inbox: inbox.clone(),
        reception: Reception::default(),
        clock: Arc::new(Epoch),
        nudge: Box::new(|| ()),
    };
    let app = init_service(App::new().app_data(Data::new(door)).configure(configure)).await;
    for (number, Published { event, body }) in payloads.iter().enumerate() {
        let body = body.to_string();
        let request =
            TestRequest::post().uri(PATH).insert_header(("X-Hub-Signature-256", secret.sign(body.as_bytes())));
        let request = request.insert_header(("X-GitHub-Event", event.as_str())).set_payload(body);
        let request = request.insert_header(("X-GitHub-Delivery", format!("delivery-{number}")));
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let answer: Value = read_body_json(response).await;
        assert_eq!(status, 202, "{event} {}: {answer}", payloads[number].body["action"]);
    }
    let kept = inbox.0.lock().unwrap();
    kept.clone()
}

/// What is done about something else than by ignoring it.
fn worked_on(stored: &[Delivery]) -> BTreeSet<&str> {
    stored.iter().filter(|delivery| delivery.ignored.is_none()).map(|delivery| delivery.event.as_str()).collect()
}

#[actix_web::test]
async fn every_published_payload_is_accepted_and_understood() {
    let payloads = published();
    assert_eq!(payloads.len(), HOW_MANY);
    let stored = delivered(&payloads).await;
    assert_eq!(
        worked_on(&stored),
        BTreeSet::from([
            "check_run",
            "check_suite",
            "issues",
            "milestone",
            "pull_request",
            "pull_request_review",
            "pull_request_review_thread",
            "repository",
            "status",
            "workflow_run",
        ])
    );
    for why in stored.into_iter().filter_map(|delivery| delivery.ignored) {
        // Two old examples show an issue without its state; they change nothing about it.
        let stateless = why.starts_with("issues.pinned: ") || why.starts_with("issues.unpinned: ");
        assert!(stateless || !(why.contains("lacks") || why.contains("names no")), "{why}");
    }
}

#[actix_web::test]
async fn every_published_payload_is_accepted_and_ignored_under_an_unknown_action() {
    let mut payloads = published();
    payloads.retain(|published| published.body["action"].is_string());
    for published in &mut payloads {
        published.body["action"] = "hyperspaced".into();
    }
    let stored = delivered(&payloads).await;
    assert_eq!(worked_on(&stored), BTreeSet::new());
    for Delivery { event, ignored, .. } in stored {
        let why = ignored.unwrap();
        assert!(why.starts_with(&format!("{event}.hyperspaced: ")), "{why}");
    }
}
