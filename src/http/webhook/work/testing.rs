//! A small world for a carrier: streams that write down what they are asked, rows and early checks in memory.

use std::collections::VecDeque;
use std::sync::Mutex;

use conductor_actors::{Rejected, Request, Setback};
use conductor_core::decider::{Outcome, StreamState};
use conductor_core::event::{CheckRecorded, Metadata};
use conductor_core::github::Instruction;
use conductor_core::identity::{IssueRef, Login, PrRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::issue::{Issue, IssueCommand, Phase};
use conductor_core::port::{
    Clock, Cursor, Delivery, EarlyCheck, EarlyChecks, KeyedAnswer, PortFuture, ReadModels, RowFilter, StoreFailure,
    StoredRow,
};
use conductor_core::pull_request::PullRequestCommand;
use conductor_core::rig::RigCommand;
use conductor_core::time::Timestamp;

use super::instruction::Carrier;
use super::streams::{Asked, Streams};
use crate::repo_names::RepoNames;

/// A command as a stream got it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) stream: String,
    pub(super) command: Command,
    pub(super) metadata: Metadata,
    pub(super) key: Option<KeyedAnswer>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Issue(IssueCommand),
    PullRequest(PullRequestCommand),
    Rig(RigCommand),
}

/// The world; what isn't set is empty, and every stream accepts.
#[derive(Default)]
pub(super) struct World {
    pub(super) asks: Mutex<Vec<Ask>>,
    /// Answers in order; then `Accepted`.
    pub(super) answers: Mutex<VecDeque<Result<Outcome, Rejected>>>,
    /// The head that every pull request answers with.
    pub(super) head: Option<Sha>,
    pub(super) known_pulls: Vec<PrRef>,
    /// Answers to "who has this head", in order; the last one stays.
    pub(super) heads: Mutex<VecDeque<Vec<PrRef>>>,
    pub(super) early: Mutex<Vec<EarlyCheck>>,
    pub(super) issues: Vec<Issue>,
    /// What repositories are called.
    pub(super) names: RepoNames,
}

impl World {
    pub(super) async fn carry_out(&self, instructions: Vec<Instruction>) -> Result<String, Setback> {
        let delivery = Delivery {
            id: "d1".to_owned(),
            event: "test".to_owned(),
            ordering_key: String::new(),
            body: "{}".to_owned(),
            received_at: Timestamp::default(),
            ignored: None,
        };
        let sender = Login::parse("octo");
        let carrier = Carrier {
            streams: self,
            read_models: self,
            early_checks: self,
            clock: self,
            names: &self.names,
            here: None,
            delivery: &delivery,
            sender: sender.as_ref(),
        };
        carrier.carry_out(instructions).await
    }

    /// What was asked of which stream, in order.
    pub(super) fn asked(&self) -> Vec<(String, Command)> {
        self.asks.lock().unwrap().iter().map(|ask| (ask.stream.clone(), ask.command.clone())).collect()
    }

    fn ask<C>(&self, stream: &StreamId, request: Request<C>, command: fn(C) -> Command) -> Result<Asked, Rejected> {
        let Request { command: asked, metadata, key } = request;
        let ask = Ask { stream: stream.to_string(), command: command(asked), metadata, key };
        self.asks.lock().unwrap().push(ask);
        let outcome = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Outcome::Accepted))?;
        let head = self.head.clone().filter(|_| stream.kind() == StreamKind::PullRequest);
        Ok(Asked { outcome, head })
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> PortFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Streams for World {
    fn ask_issue(&self, issue: IssueRef, request: Request<IssueCommand>) -> PortFuture<'_, Result<Asked, Rejected>> {
        ready(self.ask(&StreamId::Issue(issue), request, Command::Issue))
    }
    fn ask_pull_request(
        &self,
        pull_request: PrRef,
        request: Request<PullRequestCommand>,
    ) -> PortFuture<'_, Result<Asked, Rejected>> {
        ready(self.ask(&StreamId::PullRequest(pull_request), request, Command::PullRequest))
    }
    fn ask_rig(&self, request: Request<RigCommand>) -> PortFuture<'_, Result<Asked, Rejected>> {
        ready(self.ask(&StreamId::Rig, request, Command::Rig))
    }
}

impl ReadModels for World {
    fn rows<'a>(
        &'a self,
        _: StreamKind,
        _: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>> {
        let row = |issue: &Issue| StoredRow {
            stream: StreamId::Issue(issue.reference.clone()),
            version: 1,
            state: StreamState::Issue(Box::new(issue.clone())),
            body: None,
        };
        let behind = |issue: &&Issue| after.is_none_or(|after| issue.reference.number > after.number);
        ready(Ok(self.issues.iter().filter(behind).take(limit).map(row).collect()))
    }
    fn row<'a>(&'a self, _: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>> {
        unreachable!("a carrier reads no single row")
    }
    fn pulls_with_head<'a>(
        &'a self,
        _: &'a RepoName,
        _: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>> {
        let mut heads = self.heads.lock().unwrap();
        let answer = if heads.len() > 1 { heads.pop_front() } else { heads.front().cloned() };
        ready(Ok(answer.unwrap_or_default()))
    }
    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>> {
        ready(Ok(self.known_pulls.contains(reference).then_some(StreamKind::PullRequest)))
    }
}

impl EarlyChecks for World {
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, _: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.early.lock().unwrap().push(check.clone());
        ready(Ok(()))
    }
    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>> {
        let early = self.early.lock().unwrap();
        let of_head = |kept: &&EarlyCheck| kept.repo == *repo && kept.check.head_sha == *head;
        ready(Ok(early.iter().filter(of_head).cloned().collect()))
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

pub(super) fn repo(name: &str) -> RepoName {
    RepoName::parse(name).unwrap()
}

pub(super) fn reference(text: &str) -> IssueRef {
    IssueRef::parse(text).unwrap()
}

pub(super) fn sha() -> Sha {
    Sha::parse("a1b2c3d4").unwrap()
}

pub(super) fn check() -> CheckRecorded {
    let (name, head_sha) = ("build".to_owned(), sha());
    CheckRecorded { name, head_sha, run_id: 1, attempt: 1, conclusion: Some("success".to_owned()), at: None }
}

/// An issue of the milestone `v1`.
pub(super) fn issue(number: u64, phase: Phase) -> Issue {
    let reference = reference(&format!("acme/web#{number}"));
    Issue { phase, milestone: Some("v1".to_owned()), ..Issue::unknown(reference) }
}
