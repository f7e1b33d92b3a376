//! Everything outside the daemon: who starts it, asks it, ends it, and looks into its store afterwards.

mod audit;
mod load;
mod reader;
mod reply;
mod setup;

use std::time::{Duration, Instant};

use conductor_test_support::{Daemon, execute, wait_for};
use reqwest::{Client, Method};
use serde_json::{Value, json};

pub(crate) use audit::Audit;
pub(crate) use load::{Load, Unanswered};
pub(crate) use reader::LiveReader;
pub(crate) use reply::Reply;
pub(crate) use setup::{ANSWER_WITHIN, SECRET, Setup};

/// The repository of all tests.
pub(crate) const REPO: &str = "acme/web";
/// A fact that isn't there after this long isn't coming; for a debug build on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A drain takes at most this long (the daemon's own deadlines are 10 s and 15 s).
const DRAIN: Duration = Duration::from_secs(40);

/// A running daemon with a client.
pub(crate) struct Rig {
    pub(crate) daemon: Daemon,
    pub(crate) setup: Setup,
    pub(crate) http: Client,
}

impl Rig {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.daemon.url())
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(self.url(path))).await
    }

    /// What is answered 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        self.get(path).await.expect(200)
    }

    /// Sends a body, whatever it is, as a report.
    pub(crate) async fn send(&self, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.http.post(self.url("/api/events")).header("Content-Type", "application/json");
        Reply::of(request.body(body)).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str) -> Reply {
        Reply::of(self.http.request(method, self.url(path))).await
    }

    pub(crate) async fn post(&self, report: &Value) -> Reply {
        self.send(report.to_string()).await
    }

    /// A report under an `Idempotency-Key`.
    pub(crate) async fn post_keyed(&self, report: &Value, key: &str) -> Reply {
        let request = self.http.post(self.url("/api/events")).header("Idempotency-Key", key);
        Reply::of(request.body(report.to_string())).await
    }

    /// A report that is taken; gives the answer.
    pub(crate) async fn report(&self, report: &Value) -> Value {
        self.post(report).await.expect(200)
    }

    /// Anything else than a report.
    pub(crate) async fn post_to(&self, path: &str, body: &Value) -> Reply {
        let request = self.http.post(self.url(path)).header("Content-Type", "application/json");
        Reply::of(request.body(body.to_string())).await
    }

    /// Overrules something.
    pub(crate) async fn overrule(&self, body: &Value) -> Reply {
        Reply::of(self.http.post(self.url("/api/admin/overrides")).body(body.to_string())).await
    }

    /// Approves an issue, with more properties than its title.
    pub(crate) async fn approve(&self, number: u64, more: Value) -> Value {
        self.report(&about("ISSUE_APPROVED", number, merged(json!({"title": format!("Issue {number}")}), more))).await
    }

    /// What an agent is handed.
    pub(crate) async fn next(&self, agent: &str) -> Option<Value> {
        let reply = self.get(&format!("/api/assignments/next?agentId={agent}")).await;
        if reply.status == 204 { None } else { Some(reply.expect(200)) }
    }

    /// What an agent is handed, which must be this issue.
    pub(crate) async fn claims(&self, agent: &str, number: u64) -> Value {
        let handed = self.next(agent).await.unwrap_or_else(|| panic!("{agent} was given nothing instead of #{number}"));
        assert_eq!(handed["issue"]["number"], number, "{agent} was given {handed}");
        handed
    }

    /// An issue that an agent works on.
    pub(crate) async fn in_progress(&self, number: u64, agent: &str) -> Value {
        self.approve(number, json!({})).await;
        let handed = self.claims(agent, number).await;
        self.report(&about("WORK_STARTED", number, json!({"agentId": agent}))).await;
        handed
    }

    /// An issue with a pull request that an agent has reported; there once both streams know of each other.
    pub(crate) async fn in_review(&self, number: u64, agent: &str, pull: u64) -> Value {
        let handed = self.in_progress(number, agent).await;
        self.report(&about("PR_CREATED", number, created(agent, pull, &head(pull, 1)))).await;
        self.reaches(number, "in_review").await;
        self.pull_is_known(pull, number).await;
        handed
    }

    /// Waits until a reviewer is asked for its verdict on that pull request; gives what it is told.
    pub(crate) async fn is_asked(&self, reviewer: &str, pull: u64) -> Value {
        let path = format!("/api/reviews/next?agentId={reviewer}");
        self.eventually(&path, &format!("{reviewer} to be asked about #{pull}"), |asked| asked["prNumber"] == pull)
            .await
    }

    /// Waits until some reviewer is asked for its verdict on that pull request; gives whom.
    pub(crate) async fn who_is_asked(&self, pull: u64) -> String {
        let asked = |row: &Value| row["review"] == "requested" && row["deadline"].is_string();
        let path = format!("/api/issues/{REPO}/{pull}");
        let row = self.eventually(&path, &format!("somebody to be asked about #{pull}"), asked).await;
        row["reviewer"].as_str().or(row["reviewers"][0].as_str()).unwrap_or_else(|| panic!("{row}")).to_owned()
    }

    /// Waits until a reported pull request has a stream of its own, which closes that issue.
    pub(crate) async fn pull_is_known(&self, pull: u64, number: u64) {
        let known = |row: &Value| row["linkedIssues"] == json!([format!("{REPO}#{number}")]);
        self.eventually(&format!("/api/issues/{REPO}/{pull}"), &format!("#{pull} to be known"), known).await;
    }

    pub(crate) async fn row(&self, number: u64) -> Value {
        self.read(&format!("/api/issues/{REPO}/{number}")).await
    }

    /// Waits until an issue is in that state; gives the row.
    pub(crate) async fn reaches(&self, number: u64, state: &str) -> Value {
        let path = format!("/api/issues/{REPO}/{number}");
        self.eventually(&path, &format!("#{number} {state}"), |row| row["state"] == state).await
    }

    /// Waits until what is read there holds; gives it.
    pub(crate) async fn eventually(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        wait_for(what, PATIENCE + ANSWER_WITHIN, || async {
            let reply = self.get(path).await;
            if reply.status == 200 && holds(&reply.json()) {
                return Some(reply.json());
            }
            let late = began.elapsed() > PATIENCE;
            assert!(!late, "waited in vain for {what} at {path}; seen instead: {}", reply.text);
            None
        })
        .await
    }

    /// The events of an issue or pull request.
    pub(crate) async fn stream(&self, number: u64) -> Vec<Value> {
        let events = self.read(&format!("/api/events/stream?id={}%23{number}", REPO.replace('/', "%2F"))).await;
        events.as_array().unwrap().clone()
    }

    /// The types of those events.
    pub(crate) async fn types(&self, number: u64) -> Vec<String> {
        self.stream(number).await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The whole log, page by page.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let after = events.last().map_or(0, |last| last["position"].as_u64().unwrap());
            let page = self.read(&format!("/api/events?after={after}&limit=1000")).await;
            let page = page.as_array().unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page.iter().cloned());
        }
    }

    /// The position of the last event.
    pub(crate) async fn head(&self) -> u64 {
        self.log().await.last().map_or(0, |last| last["position"].as_u64().unwrap())
    }

    /// The position of the last event that somebody else than the daemon caused: its passes have something to say at any time.
    pub(crate) async fn last_caused(&self) -> u64 {
        let ours = |event: &&Value| event["metadata"]["actor"].as_str().unwrap().starts_with("daemon:");
        self.log().await.iter().rfind(|event| !ours(event)).map_or(0, |last| last["position"].as_u64().unwrap())
    }

    /// GitHub delivers a signed webhook.
    pub(crate) async fn deliver(&self, event: &str, id: &str, body: &Value) -> Reply {
        let body = body.to_string();
        let signature = conductor_e::story::sign(SECRET, body.as_bytes());
        self.deliver_raw(&[("X-GitHub-Event", event), ("X-GitHub-Delivery", id), (SIGNATURE, &signature)], body).await
    }

    /// Bytes at the webhook's door.
    pub(crate) async fn deliver_raw(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Reply {
        let request = self.http.post(self.url("/api/webhook/github")).header("Content-Type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Reply::of(request.body(body)).await
    }

    /// Does that in the daemon's PostgreSQL, behind its back.
    pub(crate) async fn sql(&self, statements: &str) {
        execute(self.setup.database_url(), statements).await;
    }

    /// Ends the daemon in order and fails for what nobody asserted.
    pub(crate) async fn close(self) {
        self.everybody_is_well().await;
        self.end().await.holds();
    }

    /// The same after faults, of which actors and log may tell: only the end, and what is left behind, must be in order.
    pub(crate) async fn end(mut self) -> Audit {
        let status = self.daemon.sigterm(DRAIN).await;
        assert!(status.success(), "the daemon ended with {status}");
        assert!(!self.daemon.log().contains("panicked at"), "something panicked");
        self.audit().await
    }

    /// Reads the store of a daemon that has ended, however it has.
    pub(crate) async fn audit(&self) -> Audit {
        let store = self.setup.open_store(self.daemon.data()).await;
        let audit = Audit::of(&*store).await;
        store.close().await;
        audit
    }

    /// No actor was restarted, none is unwell, no pass met an error.
    pub(crate) async fn everybody_is_well(&self) {
        let board = self.read("/healthz/actors").await;
        assert_eq!(board["healthy"], true, "{board}");
        for actor in board["actors"].as_array().unwrap() {
            assert_eq!(actor["restarts"], json!({"panic": 0, "error": 0, "frozen": 0}), "{actor}");
            assert_eq!(actor["lastError"], Value::Null, "{actor}");
        }
        let log = self.daemon.log();
        let wrong: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// The header of GitHub's signatures.
pub(crate) const SIGNATURE: &str = "X-Hub-Signature-256";

/// A report about an issue of [`REPO`].
pub(crate) fn about(kind: &str, number: u64, more: Value) -> Value {
    merged(json!({"type": kind, "repo": REPO, "issueNumber": number}), more)
}

/// The properties of a PR_CREATED by an agent.
pub(crate) fn created(agent: &str, pull: u64, head: &str) -> Value {
    json!({
        "agentId": agent, "prRepo": REPO, "prNumber": pull, "headSha": head,
        "prUrl": format!("https://github.com/{REPO}/pull/{pull}"), "branch": format!("agent/pull-{pull}"),
    })
}

/// The nth head of a pull request.
pub(crate) fn head(pull: u64, nth: u64) -> String {
    format!("{:040x}", pull * 1000 + nth)
}

/// Two objects as one; the second one's properties win.
pub(crate) fn merged(mut into: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("properties are an object, not {more}") };
    into.as_object_mut().unwrap().extend(more);
    into
}
