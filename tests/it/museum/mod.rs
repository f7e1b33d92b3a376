//! Public failures of systems that do this job, as tests of what must hold here instead.
//!
//! Those about claims stand in [`claims`](crate::claims), those about casing in [`projections`](crate::projections).

mod dead_letters;
mod facts;
mod queue;
mod reader;
mod review;
mod zombie;

use conductor_e::story::{IssueDelivery, PullDelivery};
use serde_json::{Value, json};

use crate::rig::{Rig, head};

/// GitHub delivers something; its id is of no interest.
pub(crate) async fn github(rig: &Rig, event: &str, body: &Value) {
    let id = format!("{event}-{:x}", fingerprint(body));
    rig.deliver(event, &id, body).await.expect(202);
}

/// The same body has the same id, so that a test can't deliver something twice by mistake without noticing.
fn fingerprint(body: &Value) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    body.to_string().hash(&mut hasher);
    hasher.finish()
}

/// The label `agent-ready` on an issue.
pub(crate) async fn label(rig: &Rig, number: u64) {
    let issue = IssueDelivery { action: "labeled", number, title: "x", body: "", labels: &["agent-ready"], second: 1 };
    github(rig, "issues", &issue.deliver().body).await;
    rig.reaches(number, "queued").await;
}

/// A pull request by the developers' bot, which closes an issue.
pub(crate) fn pull<'a>(
    action: &'a str,
    number: u64,
    closes: u64,
    branch: &'a str,
    head: &'a str,
    second: u32,
) -> PullDelivery<'a> {
    PullDelivery { action, number, closes, branch, head, merged: false, second }
}

/// An issue in review by way of a webhook; gives the branch.
pub(crate) async fn in_review(rig: &Rig, number: u64, agent: &str, opened: u64) -> String {
    label(rig, number).await;
    let branch = rig.claims(agent, number).await["branchHint"].as_str().unwrap().to_owned();
    github(rig, "pull_request", &pull("opened", opened, number, &branch, &head(opened, 1), 10).deliver().body).await;
    rig.reaches(number, "in_review").await;
    branch
}

/// The row of a pull request.
async fn pull_row(rig: &Rig, number: u64) -> Value {
    let rows = rig.read("/api/pulls").await;
    let found = rows.as_array().unwrap().iter().find(|row| row["prNumber"] == json!(number)).cloned();
    found.unwrap_or_else(|| panic!("#{number} is in {rows}"))
}

/// Waits until a pull request's row holds.
async fn pull_shows(rig: &Rig, number: u64, what: &str, holds: impl Fn(&Value) -> bool) {
    let one = |rows: &Value| rows.as_array().unwrap().iter().any(|row| row["prNumber"] == json!(number) && holds(row));
    rig.eventually("/api/pulls", what, one).await;
}
