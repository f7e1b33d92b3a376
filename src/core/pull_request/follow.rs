//! What a pull request makes of what happens on its issues.

use crate::decider::{Decision, Given};
use crate::event::{IssueEvent, OwnIssueEvent, PrCreated, PrReported, PrUpdated, PullRequestEvent, PullRequestState};
use crate::identity::IssueRef;

use super::PullRequest;
use super::draft::Draft;

pub(super) fn decide(
    pull: &PullRequest,
    issue: &IssueRef,
    event: &IssueEvent,
    given: &Given<'_>,
) -> Decision<PullRequestEvent> {
    let mut draft = Draft::of(pull, given);
    match event {
        IssueEvent::Own(OwnIssueEvent::PrReported(reported)) => report(&mut draft, issue, reported),
        IssueEvent::Own(_) => {}
        IssueEvent::Pr(fact) => {
            if let PullRequestEvent::Superseded(superseded) = fact.event.as_ref()
                && pull.shown_state() == PullRequestState::Open
            {
                draft.fact(superseded.clone());
            }
        }
    }
    if !crate::review::is_awaited(&draft.pull, given.neighbours) {
        draft.end_dispatch("no issue of it is in review");
    }
    draft.accept_or_unchanged(pull.state_version)
}

/// A holder's report is a link, also without a closing keyword. Without GitHub it is all that is known of the change.
fn report(draft: &mut Draft<'_>, issue: &IssueRef, reported: &PrReported) {
    let linked = draft.pull.issues().contains(issue);
    if reported.provisional {
        if !linked {
            draft.fact(PrUpdated { reported_for: Some(issue.clone()), ..PrUpdated::nothing() });
        }
    } else if !draft.pull.known {
        draft.fact(PrCreated {
            agent: reported.agent.clone(),
            author: reported.author.clone(),
            author_association: None,
            pr_repo: reported.pr_repo.clone(),
            pr_number: reported.pr_number,
            pr_url: reported.pr_url.clone(),
            title: None,
            branch: reported.branch.clone(),
            head_sha: reported.head_sha.clone(),
            draft: false,
            labels: Vec::new(),
            linked_issues: vec![issue.clone()],
            updated_at: None,
        });
    } else {
        let head_sha = reported.head_sha.clone().filter(|sha| draft.pull.head.as_ref() != Some(sha));
        if !linked || head_sha.is_some() {
            let reported_for = Some(issue.clone()).filter(|_| !linked);
            draft.fact(PrUpdated { reported_for, head_sha, ..PrUpdated::nothing() });
        }
    }
}
