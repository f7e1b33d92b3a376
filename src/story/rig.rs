use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::github::{Delivery, sign};
use super::narrator::Narrator;

/// The repository of all stories.
pub(super) const REPO: &str = "acme/web";
/// A state that isn't reached within this time isn't reached.
const PATIENCE: Duration = Duration::from_secs(15);
/// From one look to the next.
const GLANCE: Duration = Duration::from_millis(20);

/// Everything outside the daemon: GitHub, agents, and a reader of the API.
#[derive(Debug)]
pub struct Rig {
    base: String,
    secret: String,
    http: Client,
    narrator: Narrator,
    told: Mutex<u64>,
}

impl Rig {
    /// A rig that talks to the daemon at `base` and signs with `secret`.
    #[must_use]
    pub fn connect(base: &str, secret: &str, narrator: Narrator) -> Self {
        let http = Client::new();
        Self { base: base.to_owned(), secret: secret.to_owned(), http, narrator, told: Mutex::new(0) }
    }

    /// Who tells the story.
    #[must_use]
    pub fn narrator(&self) -> &Narrator {
        &self.narrator
    }

    /// GitHub delivers a signed webhook; `what` is for the listener.
    ///
    /// # Errors
    /// When it isn't taken in.
    pub async fn github(&self, what: &str, delivery: Delivery) -> anyhow::Result<()> {
        self.narrator.act("GitHub", what);
        let body = delivery.body.to_string();
        let answer = self
            .http
            .post(format!("{}/api/webhook/github", self.base))
            .header("X-GitHub-Event", delivery.event)
            .header("X-GitHub-Delivery", &delivery.id)
            .header("X-Hub-Signature-256", sign(&self.secret, body.as_bytes()))
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == StatusCode::ACCEPTED, "GitHub's delivery ({what}) was answered {status}: {text}");
        Ok(())
    }

    /// An agent asks for work and must be given `issue`; gives what it was handed.
    ///
    /// # Errors
    /// When it gets something else.
    pub async fn claims(&self, agent: &str, issue: u64) -> anyhow::Result<Value> {
        let handed =
            self.next(agent).await?.with_context(|| format!("{agent} was given nothing instead of #{issue}"))?;
        ensure!(
            handed["issue"]["number"] == json!(issue),
            "{agent} was given {} instead of #{issue}",
            handed["streamId"]
        );
        let again = self.next(agent).await?;
        ensure!(again.as_ref() == Some(&handed), "asking twice gave {agent} something else");
        let (kind, branch) = (text(&handed["kind"]), text(&handed["branchHint"]));
        self.narrator.act(agent, &format!("asks for work (twice) and is handed #{issue}: {kind} on {branch}"));
        Ok(handed)
    }

    /// What an agent is handed, if anything.
    ///
    /// # Errors
    /// When the daemon doesn't answer properly.
    pub async fn next(&self, agent: &str) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/api/assignments/next?agentId={agent}", self.base);
        let answer = self.http.get(url).send().await?;
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::OK => Ok(Some(answer.json().await?)),
            status => bail!("{agent} asked for work and was answered {status}: {}", answer.text().await?),
        }
    }

    /// A reviewer asks until it is given `pull` to judge; gives what it was told.
    ///
    /// # Errors
    /// When it isn't.
    pub async fn is_asked(&self, reviewer: &str, pull: u64) -> anyhow::Result<Value> {
        let path = format!("/api/reviews/next?agentId={reviewer}");
        let what = format!("{reviewer} to be asked about #{pull}");
        let asked = self.wait(&what, &path, |asked| asked["prNumber"] == json!(pull)).await?;
        let head = text(&asked["headSha"]).get(..7).unwrap_or_default();
        self.narrator.act(reviewer, &format!("asks for a review and is handed #{pull} at {head}"));
        Ok(asked)
    }

    /// An agent reports an event; `fields` beside `type`, `repo`, `issueNumber` and `agentId`.
    ///
    /// # Errors
    /// When it isn't accepted.
    pub async fn reports(&self, agent: &str, kind: &str, issue: u64, fields: Value) -> anyhow::Result<Value> {
        let (status, answer) = self.report(agent, kind, issue, fields).await?;
        ensure!(status.is_success(), "{agent} reported {kind} and was answered {status}: {answer}");
        self.narrator.act(agent, &format!("reports {kind}"));
        Ok(answer)
    }

    /// An agent reports something that must be refused with this status.
    ///
    /// # Errors
    /// When it isn't.
    pub async fn is_refused(
        &self,
        agent: &str,
        kind: &str,
        issue: u64,
        fields: Value,
        with: u16,
    ) -> anyhow::Result<()> {
        let (status, answer) = self.report(agent, kind, issue, fields).await?;
        ensure!(
            status.as_u16() == with,
            "{agent} reported {kind} and was answered {status} instead of {with}: {answer}"
        );
        self.narrator.act(agent, &format!("reports {kind}"));
        self.narrator.refused(&format!("{with} {}", text(&answer["error"])));
        Ok(())
    }

    async fn report(&self, agent: &str, kind: &str, issue: u64, fields: Value) -> anyhow::Result<(StatusCode, Value)> {
        let mut body = json!({"type": kind, "repo": REPO, "issueNumber": issue, "agentId": agent});
        if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
            body.extend(fields);
        }
        let answer = self.http.post(format!("{}/api/events", self.base)).json(&body).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// Waits until the issue is in that state, and tells what the log said on the way.
    ///
    /// # Errors
    /// With the state that it is in instead.
    pub async fn reaches(&self, issue: u64, state: &str) -> anyhow::Result<Value> {
        let row = self
            .wait(&format!("#{issue} to be {state}"), &format!("/api/issues/{REPO}/{issue}"), |row| {
                row["state"] == json!(state)
            })
            .await?;
        let events = self.since_last_told(issue).await?;
        self.narrator.state(&events, &format!("#{issue} {state}"));
        Ok(row)
    }

    /// Waits until the pull request's row satisfies `holds`.
    ///
    /// # Errors
    /// With the row as it is instead.
    pub async fn pull_shows(&self, number: u64, what: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let find = |rows: &Value| {
            rows.as_array().is_some_and(|rows| rows.iter().any(|row| row["prNumber"] == json!(number) && holds(row)))
        };
        self.wait(&format!("pull request #{number} to show {what}"), "/api/pulls", find).await.map(|_| ())
    }

    /// Waits until an event of that type (PascalCase) is in the log of a pull request or issue.
    ///
    /// # Errors
    /// When it doesn't come.
    pub async fn logs(&self, number: u64, kind: &str) -> anyhow::Result<Value> {
        let has = |events: &Value| newest(events, kind).is_some();
        let events = self.wait(&format!("{kind} on #{number}"), &stream_path(number), has).await?;
        newest(&events, kind).cloned().context("the event that was just there")
    }

    async fn wait(&self, what: &str, path: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(path).await;
            match seen {
                Ok(seen) if holds(&seen) => return Ok(seen),
                Ok(_) | Err(_) if Instant::now() < deadline => sleep(GLANCE).await,
                Ok(seen) => bail!("waited {} s for {what}; seen instead: {seen}", PATIENCE.as_secs()),
                Err(error) => return Err(error.context(format!("waited {} s for {what}", PATIENCE.as_secs()))),
            }
        }
    }

    /// Reads a path of the API.
    ///
    /// # Errors
    /// When it isn't answered 200 with JSON.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        let status = answer.status();
        ensure!(status == StatusCode::OK, "GET {path} was answered {status}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// Event types of the issue that weren't told yet.
    async fn since_last_told(&self, issue: u64) -> anyhow::Result<Vec<String>> {
        let events = self.get(&stream_path(issue)).await?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh: Vec<&Value> =
            events.as_array().into_iter().flatten().filter(|event| event["position"].as_u64() > Some(*told)).collect();
        *told = fresh.iter().filter_map(|event| event["position"].as_u64()).max().unwrap_or(*told);
        Ok(fresh.iter().map(|event| text(&event["type"]).to_owned()).collect())
    }

    /// Prints an issue's events with their times.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn print_timeline(&self, issue: u64) -> anyhow::Result<()> {
        let events = self.get(&stream_path(issue)).await?;
        self.narrator.line(&format!("  {REPO}#{issue}"));
        for event in events.as_array().into_iter().flatten() {
            let time = text(&event["timestamp"]).get(11..23).unwrap_or_default();
            let (by, version) = (text(&event["metadata"]["actor"]), event["version"].as_u64().unwrap_or_default());
            self.narrator.line(&format!("    {version:>3}  {time}  {:<18} {by}", text(&event["type"])));
        }
        Ok(())
    }
}

fn newest<'a>(events: &'a Value, kind: &str) -> Option<&'a Value> {
    events.as_array()?.iter().rev().find(|event| event["type"] == json!(kind))
}

fn stream_path(number: u64) -> String {
    format!("/api/events/stream?id={}%23{number}", REPO.replace('/', "%2F"))
}

/// The text of a JSON value, or nothing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
