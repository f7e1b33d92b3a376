use conductor_actors::{Rejected, Request, Setback};
use conductor_core::decider::Outcome;
use conductor_core::event::{Actor, Metadata};
use conductor_core::github::Instruction;
use conductor_core::identity::{IssueRef, Login, PrRef, StreamId};
use conductor_core::issue::IssueCommand;
use conductor_core::port::{Clock, Delivery, EarlyChecks, KeyedAnswer, ReadModels, StoreFailure};
use conductor_core::pull_request::PullRequestCommand;
use conductor_core::rig::RigCommand;

use super::names::{Here, canonical};
use super::streams::{Asked, Streams};
use crate::repo_names::RepoNames;

/// Under which scope the keys of deliveries are kept.
const SCOPE: &str = "github-webhook";

/// The outcome of a delivery is kept for people; longer ones tell no more.
const LONGEST_OUTCOME: usize = 1000;

/// Carries out what one delivery means.
#[derive(Clone, Copy)]
pub(super) struct Carrier<'a> {
    pub(super) streams: &'a dyn Streams,
    pub(super) read_models: &'a dyn ReadModels,
    pub(super) early_checks: &'a dyn EarlyChecks,
    pub(super) clock: &'a dyn Clock,
    pub(super) names: &'a RepoNames,
    /// The repository that the delivery is of, where it names its id.
    pub(super) here: Option<&'a Here>,
    pub(super) delivery: &'a Delivery,
    /// Who did at GitHub what it tells of.
    pub(super) sender: Option<&'a Login>,
}

impl Carrier<'_> {
    /// Carries the instructions out one after the other and says what came of each. A refusal is an outcome as good as any.
    ///
    /// # Errors
    /// At the first one that could not be decided; those before it are recognised when the delivery comes again.
    pub(super) async fn carry_out(&self, instructions: Vec<Instruction>) -> Result<String, Setback> {
        let mut outcomes = Vec::new();
        for (place, instruction) in instructions.into_iter().enumerate() {
            match canonical(instruction, self.names, self.here) {
                Instruction::Issue(issue, command) => outcomes.push(self.issue(place, issue, command).await?),
                Instruction::PullRequest(pull_request, command) => {
                    outcomes.push(self.pull_request(place, pull_request, command).await?);
                }
                Instruction::Rig(command) => outcomes.push(self.rig(place, command).await?),
                Instruction::Check { repo, pull_requests, check } => {
                    outcomes.push(self.check(place, &repo, pull_requests, check).await?);
                }
                Instruction::MilestoneClosed { repo, milestone } => {
                    outcomes.push(self.milestone(place, &repo, &milestone).await?);
                }
            }
        }
        let outcome = outcomes.join("; ");
        let end = outcome.floor_char_boundary(LONGEST_OUTCOME);
        Ok(outcome[..end].to_owned())
    }

    async fn issue(&self, place: usize, issue: IssueRef, command: IssueCommand) -> Result<String, Setback> {
        let stream = StreamId::Issue(issue.clone());
        let asked = self.streams.ask_issue(issue, self.request(place, &stream, command)).await;
        Ok(said(&stream, &decided(asked)?))
    }

    pub(super) async fn rig(&self, place: usize, command: RigCommand) -> Result<String, Setback> {
        let asked = self.streams.ask_rig(self.request(place, &StreamId::Rig, command)).await;
        Ok(said(&StreamId::Rig, &decided(asked)?))
    }

    /// Asks a pull request; after an observation the checks of its head that came before it are told to it.
    async fn pull_request(
        &self,
        place: usize,
        pull_request: PrRef,
        command: PullRequestCommand,
    ) -> Result<String, Setback> {
        let observed = matches!(command, PullRequestCommand::Observe(_));
        let stream = StreamId::PullRequest(pull_request.clone());
        let request = self.request(place, &stream, command);
        let answer = decided(self.streams.ask_pull_request(pull_request.clone(), request).await)?;
        let mut outcome = said(&stream, &answer);
        if let (true, Ok(Asked { head: Some(head), .. })) = (observed, &answer) {
            let told = self.tell_early_checks(&pull_request, head).await?;
            if told > 0 {
                outcome.push_str(&format!(", {told} earlier checks told"));
            }
        }
        Ok(outcome)
    }

    /// The command with who and why, under a key that only this instruction for this stream has.
    pub(super) fn request<C>(&self, place: usize, stream: &StreamId, command: C) -> Request<C> {
        let key = format!("{}:{place}:{}", self.delivery.id, stream.key());
        let metadata = Metadata { idempotency_key: Some(key.clone()), ..self.metadata() };
        // The fingerprint says nothing: a newer build that reads the same delivery otherwise must find it done all the same.
        let key = KeyedAnswer { scope: SCOPE.to_owned(), key, fingerprint: String::new() };
        Request { command, metadata, key: Some(key) }
    }

    /// Who, and because of which delivery.
    pub(super) fn metadata(&self) -> Metadata {
        let nobody = || Actor::Daemon("webhook".to_owned());
        Metadata::by(self.sender.cloned().map_or_else(nobody, Actor::GitHub)).because_of(&self.delivery.id)
    }
}

/// A command's end: asked, or (in words) why nothing came of it for good.
pub(super) type Ended = Result<Asked, String>;

/// Tells what is settled, refusals included, from what is worth another try.
pub(super) fn decided(asked: Result<Asked, Rejected>) -> Result<Ended, Setback> {
    match asked {
        Ok(asked) => Ok(Ok(asked)),
        Err(Rejected::Refused(refusal)) => Ok(Err(format!("refused: {refusal}"))),
        Err(
            rejected @ (Rejected::KeyReused
            | Rejected::Guarded { .. }
            | Rejected::Busy { .. }
            | Rejected::Draining
            | Rejected::NotLeader
            | Rejected::Unknown(_)
            | Rejected::Store(_)),
        ) => Err(rejected.into()),
    }
}

pub(super) fn unanswered(failure: StoreFailure) -> Setback {
    Setback::Failed(failure.to_string())
}

pub(super) fn said(stream: &StreamId, ended: &Ended) -> String {
    match ended {
        Ok(Asked { outcome: Outcome::Accepted, .. }) => format!("{stream}: accepted"),
        Ok(Asked { outcome: Outcome::Unchanged { .. }, .. }) => format!("{stream}: unchanged"),
        Ok(Asked { outcome: Outcome::Refused(refusal), .. }) => format!("{stream}: refused: {refusal}"),
        Err(why) => format!("{stream}: {why}"),
    }
}
