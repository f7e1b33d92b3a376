//! What is read of a delivery's JSON, and nothing more: small structs, every field optional, per event.
//!
//! Each event has its own struct, since the same name means different things in different events (`changes`, `state`,
//! `id`). GitHub adds events, actions, fields and values without notice; none of that may make a delivery unreadable.

mod check;
mod field;
mod issue;
mod pull_request;
mod repository;
mod review;

use conductor_core::github::{Subject, Webhook, Word};
use conductor_core::identity::{Login, RepoName};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads a delivery's body.
///
/// # Errors
/// When the body isn't JSON, or a field that is needed has another type than GitHub documents.
pub fn read(event: &str, body: &str) -> Result<Webhook, serde_json::Error> {
    let event = Word::new(event);
    let envelope: Envelope = serde_json::from_str(body)?;
    let subject = match event.as_str() {
        "issues" => subject::<issue::Issues>(body)?,
        "pull_request" => subject::<pull_request::PullRequests>(body)?,
        "pull_request_review" => subject::<review::Reviews>(body)?,
        "pull_request_review_thread" => subject::<review::Threads>(body)?,
        "check_run" => subject::<check::CheckRuns>(body)?,
        "check_suite" => subject::<check::CheckSuites>(body)?,
        "workflow_run" => subject::<check::WorkflowRuns>(body)?,
        "status" => subject::<check::Statuses>(body)?,
        "repository" => subject::<repository::Repositories>(body)?,
        "milestone" => subject::<repository::Milestones>(body)?,
        _ => Subject::Other,
    };
    let repository = envelope.repository.unwrap_or_default();
    Ok(Webhook {
        event,
        action: envelope.action.as_deref().map(Word::new),
        repo: repository.full_name.as_deref().and_then(RepoName::parse),
        repo_id: repository.id,
        sender: envelope.sender.and_then(Account::login),
        subject,
    })
}

fn subject<T: DeserializeOwned + Into<Subject>>(body: &str) -> Result<Subject, serde_json::Error> {
    serde_json::from_str::<T>(body).map(Into::into)
}

/// What every event has.
#[derive(Deserialize)]
struct Envelope {
    action: Option<String>,
    repository: Option<Repository>,
    sender: Option<Account>,
}

#[derive(Deserialize, Default)]
struct Repository {
    id: Option<u64>,
    full_name: Option<String>,
}

/// A user, bot or organization.
#[derive(Deserialize)]
struct Account {
    login: Option<String>,
}

impl Account {
    fn login(self) -> Option<Login> {
        self.login.as_deref().and_then(Login::parse)
    }
}

#[cfg(test)]
mod tests;
