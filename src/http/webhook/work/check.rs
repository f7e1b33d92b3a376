//! A check belongs to every pull request that has its commit; where none has, it waits for one.

use conductor_actors::{Request, Setback};
use conductor_core::event::CheckRecorded;
use conductor_core::identity::{PrRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::EarlyCheck;
use conductor_core::pull_request::PullRequestCommand;

use super::instruction::{Carrier, decided, said, unanswered};

impl Carrier<'_> {
    /// Tells a check to the known pull requests that the delivery names or that have its commit as their head; keeps it where
    /// none has.
    ///
    /// Race: the pull request's own delivery may be worked on at the same time. It creates the stream and *then* reads what
    /// was kept; here it is kept and *then* asked again who has that head. Whichever comes last finds the other's.
    pub(super) async fn check(
        &self,
        place: usize,
        repo: &RepoName,
        named: Vec<PrRef>,
        check: CheckRecorded,
    ) -> Result<String, Setback> {
        let mut heads = self.pulls_with(repo, &check.head_sha).await?;
        let mut outcomes = Vec::new();
        if heads.is_empty() {
            let kept = EarlyCheck { repo: repo.clone(), check: check.clone() };
            self.early_checks.keep_check(&kept, self.clock.now()).await.map_err(unanswered)?;
            heads = self.pulls_with(repo, &check.head_sha).await?;
            outcomes.push(format!("{} of {} kept for its pull request", check.name, check.head_sha));
        }
        for pull_request in named {
            if !heads.contains(&pull_request) && self.is_known(&pull_request).await? {
                heads.push(pull_request);
            }
        }
        for pull_request in heads {
            let stream = StreamId::PullRequest(pull_request.clone());
            let request = self.request(place, &stream, PullRequestCommand::RecordCheck(check.clone()));
            let ended = decided(self.streams.ask_pull_request(pull_request, request).await)?;
            outcomes.push(said(&stream, &ended));
        }
        Ok(outcomes.join("; "))
    }

    /// Tells a pull request the checks of its head that were kept; gives their number.
    ///
    /// Without keys: a check that it has changes nothing, and the same kept ones are told after every observation.
    pub(super) async fn tell_early_checks(&self, pull_request: &PrRef, head: &Sha) -> Result<usize, Setback> {
        let kept = self.early_checks.checks_of(&pull_request.repo, head).await.map_err(unanswered)?;
        let told = kept.len();
        for EarlyCheck { check, .. } in kept {
            let request = Request::new(PullRequestCommand::RecordCheck(check), self.metadata());
            // A refusal is the pull request's last word on it.
            let _settled = decided(self.streams.ask_pull_request(pull_request.clone(), request).await)?;
        }
        Ok(told)
    }

    async fn pulls_with(&self, repo: &RepoName, head: &Sha) -> Result<Vec<PrRef>, Setback> {
        self.read_models.pulls_with_head(repo, head).await.map_err(unanswered)
    }

    /// Whether the log has it as a pull request: a stream must not begin with a check.
    async fn is_known(&self, pull_request: &PrRef) -> Result<bool, Setback> {
        let kind = self.read_models.kind_of(pull_request).await.map_err(unanswered)?;
        Ok(kind == Some(StreamKind::PullRequest))
    }
}
