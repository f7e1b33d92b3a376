use conductor_actors::Setback;
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, MilestoneComplete, RigEvent};
use conductor_core::identity::{RepoName, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::port::{Cursor, RowFilter};
use conductor_core::rig::RigCommand;

use super::instruction::{Carrier, unanswered};

/// Rows read at once.
const PAGE: usize = 500;

/// How far a milestone is. What was given up (`cancelled`) is no part of it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Progress {
    done: u32,
    left: u32,
}

impl Progress {
    fn count(&mut self, issue: &Issue, milestone: &str) {
        if issue.milestone.as_deref() != Some(milestone) {
            return;
        }
        match issue.state() {
            Some(IssueState::Done) => self.done += 1,
            Some(IssueState::Cancelled) | None => {}
            Some(
                IssueState::Queued
                | IssueState::Assigned
                | IssueState::InProgress
                | IssueState::InReview
                | IssueState::ChangesRequested
                | IssueState::ReadyToMerge
                | IssueState::Deploying
                | IssueState::Escalated,
            ) => self.left += 1,
        }
    }
}

impl Carrier<'_> {
    /// Records that a closed milestone is complete, if at least one of its issues is done and none is left.
    pub(super) async fn milestone(&self, place: usize, repo: &RepoName, title: &str) -> Result<String, Setback> {
        let Progress { done, left } = self.progress(repo, title).await?;
        if done == 0 || left > 0 {
            return Ok(format!("milestone {title} of {repo}: {done} issues done, {left} left"));
        }
        let complete = MilestoneComplete { milestone: title.to_owned(), repo: Some(repo.clone()), issue_count: done };
        self.rig(place, RigCommand::Record(Box::new(RigEvent::MilestoneComplete(complete)))).await
    }

    async fn progress(&self, repo: &RepoName, title: &str) -> Result<Progress, Setback> {
        let filter = RowFilter { repo: Some(repo.clone()), ..RowFilter::default() };
        let (mut progress, mut after) = (Progress::default(), None::<Cursor>);
        loop {
            let page = self.read_models.rows(StreamKind::Issue, &filter, after.as_ref(), PAGE);
            let page = page.await.map_err(unanswered)?;
            for row in &page {
                if let StreamState::Issue(issue) = &row.state {
                    progress.count(issue, title);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.cursor()),
                Some(_) | None => return Ok(progress),
            }
        }
    }
}
