use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use conductor_e::story::{IssueDelivery, PullDelivery, sign};
use conductor_test_support::wait_for;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Audit, PATIENCE, Reply, Rig, SECRET, SIGNATURE, about, head};

/// Agents that report at once.
const WORKERS: u64 = 6;
/// GitHubs that deliver at once, where there is a webhook.
const DELIVERERS: u64 = 2;
/// Issues that GitHub labels are numbered from here on, their pull requests from here on again; nobody is handed these.
const LABELLED: u64 = 100_000_000;
const PULLS: u64 = 200_000_000;
/// Numbers that each caller has to itself.
const OWN: u64 = 10_000;

/// What a worker does when it is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Goes home: the daemon is gone.
    Ends,
    /// Asks again under the same key, as 503 says, until it is answered.
    Repeats,
}

/// Agents and GitHub at work, until they are told to stop or are no longer answered.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    workers: Vec<JoinHandle<Share>>,
}

/// What was said, and what came back.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// Answered 200: the report, its key, the answer.
    pub(crate) answered: Vec<(Value, String, Value)>,
    /// Not answered: the report and its key. Whether it happened is unknown.
    pub(crate) unknown: Vec<(Value, String)>,
    /// Issues that GitHub labelled and opened a pull request for, both answered.
    pub(crate) delivered: Vec<u64>,
    /// Deliveries that were not answered: event, id, body, and the issue that they are about.
    pub(crate) undelivered: Vec<(&'static str, String, Value, u64)>,
}

impl Share {
    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.unknown.extend(other.unknown);
        self.delivered.extend(other.delivered);
        self.undelivered.extend(other.undelivered);
    }

    /// Repeats everything that was not answered, under its key; everything is answered then.
    pub(crate) async fn repeat_unanswered(&mut self, rig: &Rig) {
        for (report, key) in std::mem::take(&mut self.unknown) {
            let answer = rig.post_keyed(&report, &key).await.expect(200);
            assert_eq!(rig.post_keyed(&report, &key).await.expect(200), answer, "the first answer again");
            self.answered.push((report, key, answer));
        }
        for (event, id, body, issue) in std::mem::take(&mut self.undelivered) {
            rig.deliver(event, &id, &body).await.expect(202);
            if event == "pull_request" {
                self.delivered.push(issue);
            }
        }
    }

    /// The answers alone.
    pub(crate) fn answers(&self) -> Vec<Value> {
        self.answered.iter().map(|(_, _, answer)| answer.clone()).collect()
    }

    /// Each answer stands in the log, and each key had one effect.
    pub(crate) fn is_in(&self, audit: &Audit) {
        audit.has_all(&self.answers());
        let mut effects: HashMap<(&str, &str), usize> = HashMap::new();
        for event in &audit.log {
            if let Some(key) = &event.metadata.idempotency_key {
                *effects.entry((key, event.event.type_name())).or_default() += 1;
            }
        }
        for (report, key, answer) in &self.answered {
            let count = effects.get(&(key.as_str(), report["type"].as_str().unwrap())).copied();
            assert_eq!(count, Some(1), "effects of {report} under {key}, answered {answer}");
        }
    }
}

impl Load {
    /// Sets everybody to work; `round` keeps names and keys of one test apart.
    pub(crate) fn start(rig: &Rig, round: u64, unanswered: Unanswered) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let caller = |id| Caller {
            id: round * 100 + id,
            base: rig.daemon.url(),
            http: rig.http.clone(),
            stop: Arc::clone(&stop),
            answered: Arc::clone(&answered),
            unanswered,
            share: Share::default(),
        };
        let mut workers: Vec<_> = (0..WORKERS).map(|id| tokio::spawn(caller(id).work())).collect();
        if rig.setup.has_github() {
            workers.extend((WORKERS..WORKERS + DELIVERERS).map(|id| tokio::spawn(caller(id).deliver())));
        }
        Self { stop, answered, workers }
    }

    /// Waits until that many requests were answered.
    pub(crate) async fn answered(&self, count: u64) {
        let enough = || std::future::ready((self.answered.load(Ordering::SeqCst) >= count).then_some(()));
        wait_for("requests to be answered", PATIENCE, enough).await;
    }

    /// How many requests were answered so far.
    pub(crate) fn count(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// Everybody finishes what they are at.
    pub(crate) async fn stop(self) -> Share {
        self.stop.store(true, Ordering::SeqCst);
        let mut share = Share::default();
        for worker in self.workers {
            share.add(worker.await.unwrap());
        }
        share
    }
}

struct Caller {
    id: u64,
    base: String,
    http: Client,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    unanswered: Unanswered,
    share: Share,
}

/// The daemon doesn't answer any more.
struct Gone;

impl Caller {
    /// Approve, claim, start, branch, talk, cancel: a bit of everything that is appended.
    async fn work(mut self) -> Share {
        let agent = format!("worker-{}", self.id);
        let mut round = 0;
        while !self.stop.load(Ordering::SeqCst) && self.work_once(&agent, round).await.is_ok() {
            round += 1;
        }
        self.share
    }

    async fn work_once(&mut self, agent: &str, round: u64) -> Result<(), Gone> {
        assert!(round < OWN, "numbers of workers don't run into each other");
        let number = 1 + round + OWN * self.id;
        self.say(about("ISSUE_APPROVED", number, json!({"title": "x", "body": format!("by {agent}")}))).await?;
        if let Some(handed) = self.next(agent).await? {
            let number = handed["issue"]["number"].as_u64().unwrap();
            let mine =
                json!({"agentId": agent, "leaseToken": handed["lease"]["token"], "branch": format!("b/{number}")});
            self.say(about("WORK_STARTED", number, mine)).await?;
            self.say(json!({"type": "CLI_PROGRESS", "agentId": agent, "message": "on it"})).await?;
            self.say(about("ISSUE_CANCELLED", number, json!({"reason": "enough"}))).await?;
        }
        Ok(())
    }

    async fn say(&mut self, report: Value) -> Result<(), Gone> {
        let key = format!("{}-{}", self.id, self.share.answered.len());
        let request = || {
            let request = self.http.post(format!("{}/api/events", self.base)).header("Idempotency-Key", &key);
            request.body(report.to_string())
        };
        match self.ask(request).await {
            Ok(reply) => {
                let answer = reply.expect(200);
                self.share.answered.push((report, key, answer));
                Ok(())
            }
            Err(Gone) => {
                self.share.unknown.push((report, key));
                Err(Gone)
            }
        }
    }

    async fn next(&mut self, agent: &str) -> Result<Option<Value>, Gone> {
        let reply = self.ask(|| self.http.get(format!("{}/api/assignments/next?agentId={agent}", self.base))).await?;
        Ok((reply.status != 204).then(|| reply.expect(200)))
    }

    /// An issue that nobody is handed, and a person's pull request for it.
    async fn deliver(mut self) -> Share {
        let mut round = 0;
        while !self.stop.load(Ordering::SeqCst) && self.deliver_once(round).await.is_ok() {
            round += 1;
        }
        self.share
    }

    async fn deliver_once(&mut self, round: u64) -> Result<(), Gone> {
        assert!(round < OWN, "numbers of deliverers don't run into each other");
        let issue = LABELLED + OWN * self.id + round;
        let pull = PULLS + OWN * self.id + round;
        let labels = &["agent-ready"];
        let label =
            IssueDelivery { action: "labeled", number: issue, title: "x", body: "Depends on: #1", labels, second: 1 };
        let head = head(pull, 1);
        let opened = PullDelivery {
            action: "opened",
            number: pull,
            closes: issue,
            branch: "a-persons",
            head: &head,
            merged: false,
            second: 2,
        };
        let mut opened = opened.deliver().body;
        opened["pull_request"]["user"] = json!({"login": "alice", "type": "User"});
        opened["pull_request"]["author_association"] = json!("OWNER");
        opened["pull_request"]["labels"] = json!([{"name": "needs-review"}]);
        let both = [("issues", label.deliver().body), ("pull_request", opened)];
        for (at, (event, body)) in both.iter().enumerate() {
            let id = format!("{event}-{issue}");
            let text = body.to_string();
            let request = || {
                let request =
                    self.http.post(format!("{}/api/webhook/github", self.base)).header("X-GitHub-Event", *event);
                let signature = sign(SECRET, text.as_bytes());
                request.header("X-GitHub-Delivery", &id).header(SIGNATURE, signature).body(text.clone())
            };
            match self.ask(request).await {
                Ok(reply) => drop(reply.expect(202)),
                Err(Gone) => {
                    let rest = both[at..]
                        .iter()
                        .map(|(event, body)| (*event, format!("{event}-{issue}"), body.clone(), issue));
                    self.share.undelivered.extend(rest);
                    return Err(Gone);
                }
            }
        }
        self.share.delivered.push(issue);
        Ok(())
    }

    /// Asks, and asks again where that is wanted and nothing is known of the first time.
    async fn ask(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Result<Reply, Gone> {
        let once = || async { Reply::try_of(request()).await.ok().filter(|reply| reply.status != 503) };
        let reply = match self.unanswered {
            Unanswered::Ends => once().await.ok_or(Gone)?,
            Unanswered::Repeats => wait_for("an answer", 2 * PATIENCE, once).await,
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(reply)
    }
}
