use std::collections::BTreeMap;

use conductor_test_support::{Reply, ValkeyServer, wait_for};
use serde_json::{Value, json};

use crate::rig::{PATIENCE, REPO, Rig, about};

/// How long the server holds a read that finds nothing, in milliseconds.
const BLOCK: &str = "500";
/// A conversation is kept for a week.
const SESSION_SECONDS: &str = "604800";

/// The runtime of one agent, in one pod. It sends no token, retries nothing, and takes most answers for granted.
pub(crate) struct Runtime<'a> {
    rig: &'a Rig,
    server: &'a ValkeyServer,
    agent: &'static str,
    pod: &'static str,
}

/// An entry that it read, and the run that it began for it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The server's name for it.
    pub(crate) id: String,
    /// Its fields.
    pub(crate) entry: BTreeMap<String, String>,
}

impl Job {
    /// A field of it.
    pub(crate) fn says(&self, field: &str) -> &str {
        &self.entry[field]
    }

    /// The issue, or of a review the pull request.
    pub(crate) fn number(&self) -> u64 {
        self.says("issueNumber").parse().unwrap()
    }
}

impl<'a> Runtime<'a> {
    pub(crate) fn new(rig: &'a Rig, server: &'a ValkeyServer, agent: &'static str, pod: &'static str) -> Self {
        Self { rig, server, agent, pod }
    }

    /// The process begins: it says so, makes sure of its group, and looks for what an earlier process of its name left.
    pub(crate) async fn starts(&self) -> Vec<Job> {
        self.heartbeat(true).await;
        let made = self.server.ask(&["XGROUP", "CREATE", &self.stream(), "agents", "0", "MKSTREAM"]).await;
        assert!(
            made == Reply::Text("OK".to_owned()) || matches!(&made, Reply::Error(why) if why.starts_with("BUSYGROUP")),
            "{made:?}"
        );
        let own = ["XREADGROUP", "GROUP", "agents", self.agent, "STREAMS", &self.stream(), "0"];
        jobs(&self.server.ask(&own).await)
    }

    /// Its timer: "idle", whatever it does.
    pub(crate) async fn beats(&self) {
        self.heartbeat(false).await;
    }

    async fn heartbeat(&self, startup: bool) {
        let who = format!("{}/{}", self.agent, self.pod);
        let beat =
            json!({"type": "HEARTBEAT", "agentId": who, "status": "idle", "startup": startup, "uptimeSeconds": 1});
        self.rig.report(&beat).await;
    }

    /// A blocked read, and the signal of what it found.
    pub(crate) async fn reads(&self) -> Job {
        let job = wait_for(&format!("an entry for {}", self.agent), PATIENCE, || async {
            let stream = self.stream();
            let next =
                ["XREADGROUP", "GROUP", "agents", self.agent, "COUNT", "1", "BLOCK", BLOCK, "STREAMS", &stream, ">"];
            jobs(&self.server.ask(&next).await).pop()
        })
        .await;
        let signal = self.server.ask(&["LPOP", &format!("signal:{}", self.agent)]).await;
        assert!(matches!(signal, Reply::Text(_)), "one signal for each entry, not {signal:?}");
        job
    }

    /// A run begins: its log, what the repository taught others, the conversation of last time.
    pub(crate) async fn begins(&self, job: &Job) -> String {
        let run = json!({
            "repo": job.says("repo"), "issueNumber": job.number(), "agentId": self.agent, "status": "running",
            "model": "large-3", "steps": [{"type": "clone", "status": "done", "detail": job.says("repo")}],
        });
        let run = self.rig.post_to("/api/execution-logs", &run).await.expect(201);
        self.rig.read(&format!("/api/repo-learnings?repo={}", job.says("repo"))).await;
        self.server.ask(&["GET", &session(job.number())]).await;
        let line =
            json!({"ts": "2026-01-05T10:00:00Z", "agentId": self.agent, "level": "progress", "message": "began"});
        self.rig.post_to("/api/agent-logs", &json!({"agentId": self.agent, "entries": [line]})).await.expect(200);
        run["id"].as_str().unwrap().to_owned()
    }

    /// A line of its run, and nothing else.
    pub(crate) async fn logs(&self, run: &str) {
        let line = json!([{"timestamp": "2026-01-05T10:00:01Z", "level": "info", "message": "at it"}]);
        self.rig.post_to(&format!("/api/execution-logs/{run}/logs"), &line).await.expect(200);
    }

    /// What it says of an issue; gives the status.
    pub(crate) async fn says(&self, kind: &str, number: u64, more: Value) -> u16 {
        let report = crate::rig::merged(json!({"agentId": self.agent}), more);
        self.rig.post(&about(kind, number, report)).await.status
    }

    /// The run ends: "completed" even after giving up. The entry is acknowledged last; false where somebody had done that.
    pub(crate) async fn ends(&self, job: &Job, run: &str) -> bool {
        let at = format!("/api/execution-logs/{run}");
        let step = json!({"type": "turn", "status": "done", "detail": "looked", "costUsd": 0.25, "turns": 3});
        self.rig.post_to(&format!("{at}/steps"), &step).await.expect(200);
        self.logs(run).await;
        let spent = json!({"agentId": self.agent, "model": "large-3", "inputTokens": 1000, "outputTokens": 100, "costUsd": 0.25, "category": "work"});
        self.rig.report(&about("TOKEN_USAGE", job.number(), spent)).await;
        let learned = json!({"repo": REPO, "key": "tests", "value": "npm test -- --ci", "agentId": self.agent});
        self.rig.post_to("/api/repo-learnings", &learned).await.expect(200);
        let end = json!({"status": "completed", "totalCostUsd": 0.25, "totalTurns": 3});
        self.rig.post_to(&format!("{at}/complete"), &end).await.expect(200);
        self.server.ask(&["SET", &session(job.number()), "{}", "EX", SESSION_SECONDS]).await;
        self.acknowledges(job).await
    }

    pub(crate) async fn acknowledges(&self, job: &Job) -> bool {
        self.server.ask(&["XACK", &self.stream(), "agents", &job.id]).await == Reply::Number(1)
    }

    /// What a scaler asks: signals waiting, entries pending.
    pub(crate) async fn is_asked_for(&self) -> (i64, i64) {
        let Reply::Number(signals) = self.server.ask(&["LLEN", &format!("signal:{}", self.agent)]).await else {
            panic!("the signals of {} are no list", self.agent)
        };
        let Reply::List(summary) = self.server.ask(&["XPENDING", &self.stream(), "agents"]).await else {
            panic!("the group of {} is missing", self.agent)
        };
        let Reply::Number(pending) = summary[0] else { panic!("{summary:?}") };
        (signals, pending)
    }

    /// Waits until nobody needs it any more.
    pub(crate) async fn is_not_needed(&self) {
        wait_for(&format!("{} to be needed no more", self.agent), PATIENCE, || async {
            (self.is_asked_for().await == (0, 0)).then_some(())
        })
        .await;
    }

    /// Waits for something of the daemon, alive meanwhile.
    pub(crate) async fn beats_until<T>(&self, what: &str, holds: impl AsyncFn() -> Option<T>) -> T {
        wait_for(what, PATIENCE, || async {
            self.beats().await;
            holds().await
        })
        .await
    }

    fn stream(&self) -> String {
        format!("assignments:{}", self.agent)
    }
}

/// The key of a conversation.
pub(crate) fn session(number: u64) -> String {
    format!("session:{REPO}#{number}")
}

/// The entries of an answer to XREADGROUP: of one stream a list of ids with their fields.
fn jobs(read: &Reply) -> Vec<Job> {
    let streams = match read {
        Reply::Nil => return Vec::new(),
        Reply::List(streams) => streams,
        other @ (Reply::Text(_) | Reply::Number(_) | Reply::Error(_)) => panic!("read: {other:?}"),
    };
    let Some(Reply::List(stream)) = streams.first() else { return Vec::new() };
    let [_, Reply::List(entries)] = &stream[..] else { panic!("read: {stream:?}") };
    let job = |entry: &Reply| {
        let texts = entry.texts();
        let fields = texts[1..].chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Job { id: texts[0].clone(), entry: fields }
    };
    entries.iter().map(job).collect()
}
