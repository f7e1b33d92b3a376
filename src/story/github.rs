//! GitHub's side of a story: deliveries with the fields that its documentation names, and nothing copied from it.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::rig::REPO;

/// A webhook delivery, not yet signed.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `X-GitHub-Event`.
    pub event: &'static str,
    /// `X-GitHub-Delivery`.
    pub id: String,
    /// The payload.
    pub body: Value,
}

/// `X-Hub-Signature-256` of these bytes.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn delivery(event: &'static str, body: Value) -> Delivery {
    Delivery { event, id: uuid::Uuid::now_v7().to_string(), body }
}

fn repository() -> Value {
    json!({"id": 1, "full_name": REPO, "name": "web", "default_branch": "main", "owner": {"login": "acme"}})
}

/// A second of the story's own calendar, as GitHub writes times. It lies behind every real clock, as deliveries do.
fn time(second: u32) -> String {
    format!("2026-01-05T10:{:02}:{:02}Z", second / 60, second % 60)
}

/// A delivery about an issue.
#[derive(Debug, Clone)]
pub struct IssueDelivery<'a> {
    /// `labeled`, `closed` …
    pub action: &'a str,
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: &'a str,
    /// Its body.
    pub body: &'a str,
    /// All its labels.
    pub labels: &'a [&'a str],
    /// When.
    pub second: u32,
}

impl IssueDelivery<'_> {
    /// The delivery.
    #[must_use]
    pub fn deliver(&self) -> Delivery {
        let closed = self.action == "closed";
        let labels: Vec<Value> = self.labels.iter().map(|name| json!({"name": name})).collect();
        let mut body = json!({
            "action": self.action,
            "issue": {
                "number": self.number,
                "title": self.title,
                "body": self.body,
                "html_url": format!("https://github.com/{REPO}/issues/{}", self.number),
                "state": if closed { "closed" } else { "open" },
                "state_reason": if closed { json!("completed") } else { Value::Null },
                "labels": labels,
                "milestone": null,
                "user": {"login": "alice"},
                "created_at": time(0),
                "updated_at": time(self.second),
            },
            "repository": repository(),
            "sender": {"login": "alice"},
        });
        if self.action == "labeled"
            && let Some(label) = self.labels.last()
        {
            body["label"] = json!({"name": label});
        }
        delivery("issues", body)
    }
}

/// A delivery about a pull request of the developers' bot.
#[derive(Debug, Clone)]
pub struct PullDelivery<'a> {
    /// `opened`, `synchronize`, `closed` …
    pub action: &'a str,
    /// Its number.
    pub number: u64,
    /// The issue that it closes.
    pub closes: u64,
    /// Its branch.
    pub branch: &'a str,
    /// Its head.
    pub head: &'a str,
    /// Merged by closing it.
    pub merged: bool,
    /// When.
    pub second: u32,
}

impl PullDelivery<'_> {
    /// The delivery.
    #[must_use]
    pub fn deliver(&self) -> Delivery {
        let body = json!({
            "action": self.action,
            "number": self.number,
            "pull_request": self.pull_request(),
            "repository": repository(),
            "sender": {"login": "dev-e-bot[bot]"},
        });
        delivery("pull_request", body)
    }

    fn pull_request(&self) -> Value {
        json!({
            "number": self.number,
            "title": "Mend the login",
            "body": format!("Closes #{}", self.closes),
            "html_url": format!("https://github.com/{REPO}/pull/{}", self.number),
            "state": if self.action == "closed" { "closed" } else { "open" },
            "draft": false,
            "merged": self.merged,
            "merge_commit_sha": if self.merged { json!("feedfacefeedfacefeedfacefeedfacefeedface") } else { Value::Null },
            "mergeable": null,
            "user": {"login": "dev-e-bot[bot]", "type": "Bot"},
            "author_association": "NONE",
            "labels": [],
            "head": {"ref": self.branch, "sha": self.head, "repo": repository()},
            "base": {"ref": "main", "repo": repository()},
            "created_at": time(0),
            "updated_at": time(self.second),
            "changed_files": 2,
            "additions": 20,
            "deletions": 4,
        })
    }
}

/// A delivery about a finished check.
#[derive(Debug, Clone)]
pub struct Check<'a> {
    /// Its name.
    pub name: &'a str,
    /// The head that it ran on.
    pub head: &'a str,
    /// Its id; a rerun has a higher one.
    pub id: u64,
    /// `success`, `failure` …
    pub conclusion: &'a str,
    /// The pull request that it belongs to.
    pub pull: u64,
    /// When.
    pub second: u32,
}

impl Check<'_> {
    /// The delivery.
    #[must_use]
    pub fn deliver(&self) -> Delivery {
        let api = format!("https://api.github.com/repos/{REPO}");
        let body = json!({
            "action": "completed",
            "check_run": {
                "id": self.id,
                "name": self.name,
                "head_sha": self.head,
                "status": "completed",
                "conclusion": self.conclusion,
                "started_at": time(self.second),
                "completed_at": time(self.second),
                "app": {"slug": "github-actions"},
                "pull_requests": [{
                    "number": self.pull,
                    "head": {"sha": self.head, "repo": {"id": 1, "name": "web", "url": api}},
                    "base": {"repo": {"id": 1, "name": "web", "url": api}},
                }],
            },
            "repository": repository(),
            "sender": {"login": "github-actions[bot]"},
        });
        delivery("check_run", body)
    }
}

/// A delivery about a submitted review.
#[derive(Debug, Clone)]
pub struct ReviewDelivery<'a> {
    /// The pull request as it is.
    pub pull: PullDelivery<'a>,
    /// Who reviews.
    pub reviewer: &'a str,
    /// `approved`, `changes_requested`, `commented`.
    pub state: &'a str,
    /// GitHub's id of the review.
    pub id: u64,
}

impl ReviewDelivery<'_> {
    /// The delivery.
    #[must_use]
    pub fn deliver(&self) -> Delivery {
        let body = json!({
            "action": "submitted",
            "review": {
                "id": self.id,
                "state": self.state,
                "body": "Looked at every line.",
                "commit_id": self.pull.head,
                "submitted_at": time(self.pull.second),
                "user": {"login": self.reviewer},
            },
            "pull_request": self.pull.pull_request(),
            "repository": repository(),
            "sender": {"login": self.reviewer},
        });
        delivery("pull_request_review", body)
    }
}
