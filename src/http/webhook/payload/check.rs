use conductor_core::github::{Check, CheckKind, NamedPullRequest, Subject, Word};
use serde::Deserialize;

use super::field::{Text, sha, text, time};

/// `check_run`
#[derive(Deserialize)]
pub(super) struct CheckRuns {
    check_run: Option<RunFields>,
}

#[derive(Deserialize)]
struct RunFields {
    id: Option<u64>,
    name: Option<Text>,
    head_sha: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    pull_requests: Option<Vec<PullRequestStub>>,
}

impl CheckRuns {
    fn read(self) -> Option<Check> {
        let run = self.check_run?;
        Some(Check {
            kind: CheckKind::Run,
            name: text(run.name)?,
            head: sha(run.head_sha.as_deref())?,
            id: run.id?,
            attempt: None,
            status: run.status.as_deref().map(Word::new),
            conclusion: run.conclusion.as_deref().map(Word::new),
            at: time(run.completed_at.as_deref()).or(time(run.started_at.as_deref())),
            trigger: None,
            pull_requests: named(run.pull_requests),
        })
    }
}

/// `check_suite`
#[derive(Deserialize)]
pub(super) struct CheckSuites {
    check_suite: Option<SuiteFields>,
}

#[derive(Deserialize)]
struct SuiteFields {
    id: Option<u64>,
    head_sha: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    updated_at: Option<String>,
    app: Option<App>,
    pull_requests: Option<Vec<PullRequestStub>>,
}

#[derive(Deserialize)]
struct App {
    /// Older servers send none.
    slug: Option<Text>,
    name: Option<Text>,
}

impl CheckSuites {
    fn read(self) -> Option<Check> {
        let suite = self.check_suite?;
        let app = suite.app?;
        Some(Check {
            kind: CheckKind::Suite,
            name: text(app.slug.or(app.name))?,
            head: sha(suite.head_sha.as_deref())?,
            id: suite.id?,
            attempt: None,
            status: suite.status.as_deref().map(Word::new),
            conclusion: suite.conclusion.as_deref().map(Word::new),
            at: time(suite.updated_at.as_deref()),
            trigger: None,
            pull_requests: named(suite.pull_requests),
        })
    }
}

/// `workflow_run`
#[derive(Deserialize)]
pub(super) struct WorkflowRuns {
    workflow_run: Option<WorkflowFields>,
}

#[derive(Deserialize)]
struct WorkflowFields {
    id: Option<u64>,
    name: Option<Text>,
    path: Option<Text>,
    head_sha: Option<String>,
    run_attempt: Option<u32>,
    status: Option<String>,
    conclusion: Option<String>,
    updated_at: Option<String>,
    event: Option<String>,
    pull_requests: Option<Vec<PullRequestStub>>,
}

impl WorkflowRuns {
    fn read(self) -> Option<Check> {
        let run = self.workflow_run?;
        Some(Check {
            kind: CheckKind::Workflow,
            // A workflow without name goes by its file.
            name: text(run.name.or(run.path))?,
            head: sha(run.head_sha.as_deref())?,
            id: run.id?,
            attempt: run.run_attempt,
            status: run.status.as_deref().map(Word::new),
            conclusion: run.conclusion.as_deref().map(Word::new),
            at: time(run.updated_at.as_deref()),
            trigger: run.event.as_deref().map(Word::new),
            pull_requests: named(run.pull_requests),
        })
    }
}

/// `status`, whose fields stand beside those of the envelope.
#[derive(Deserialize)]
pub(super) struct Statuses {
    id: Option<u64>,
    context: Option<Text>,
    sha: Option<String>,
    state: Option<String>,
    updated_at: Option<String>,
}

impl Statuses {
    fn read(self) -> Option<Check> {
        Some(Check {
            kind: CheckKind::Status,
            name: text(self.context)?,
            head: sha(self.sha.as_deref())?,
            id: self.id?,
            attempt: None,
            status: None,
            conclusion: Some(Word::new(&self.state?)),
            at: time(self.updated_at.as_deref()),
            trigger: None,
            pull_requests: Vec::new(),
        })
    }
}

/// A pull request in a few words.
#[derive(Deserialize)]
struct PullRequestStub {
    number: Option<u64>,
    base: Option<Base>,
}

#[derive(Deserialize)]
struct Base {
    repo: Option<BaseRepo>,
}

#[derive(Deserialize)]
struct BaseRepo {
    id: Option<u64>,
}

fn named(stubs: Option<Vec<PullRequestStub>>) -> Vec<NamedPullRequest> {
    let read = |stub: PullRequestStub| {
        let repo_id = stub.base.and_then(|base| base.repo).and_then(|repo| repo.id);
        stub.number.map(|number| NamedPullRequest { number, repo_id })
    };
    stubs.unwrap_or_default().into_iter().filter_map(read).collect()
}

/// `From` for each kind: complete, or what it lacks.
macro_rules! subjects {
    ($($payload:ident lacks $lacks:literal),* $(,)?) => {$(
        impl From<$payload> for Subject {
            fn from(read: $payload) -> Self {
                read.read().map_or(Subject::Incomplete { lacks: $lacks }, |check| Subject::Check(Box::new(check)))
            }
        }
    )*};
}
subjects! {
    CheckRuns lacks "a check run with id, name and head_sha",
    CheckSuites lacks "a check suite with id, app and head_sha",
    WorkflowRuns lacks "a workflow run with id, name and head_sha",
    Statuses lacks "id, context, sha or state",
}
