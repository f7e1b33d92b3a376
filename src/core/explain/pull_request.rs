//! Why a pull request is where it is.

use crate::event::{PullRequestState, ReviewState};
use crate::identity::StreamId;
use crate::issue::Issue;
use crate::pull_request::PullRequest;
use crate::review::{NotWanted, Step, Wait};
use crate::roster::{GitHubMode, Policy};

use super::{Explanation, gate};

/// Explains a pull request; `issues` are those that it names, as far as the log knows them, and `review` is what the rule of
/// dispatch says of it now.
#[must_use]
pub fn pull_request(pull: &PullRequest, issues: &[Issue], policy: &Policy, review: &Step) -> Explanation {
    let subject = StreamId::PullRequest(pull.reference.clone());
    if !pull.known {
        let mut told = Explanation::new(subject, "unknown", pull.version)
            .says("facts of it came, and it did not: it is judged once it is known");
        told.waits("pull_request", "word of it");
        told.moved(match policy.github {
            GitHubMode::None => "PR_CREATED by the holder of its issue",
            GitHubMode::Webhook | GitHubMode::Connected => "GitHub's delivery pull_request",
        });
        return told;
    }
    let state = pull.shown_state();
    let decided = if pull.state_version > 0 { pull.state_version } else { pull.created_version };
    let mut told = Explanation::new(subject, state.as_str(), decided);
    match state {
        PullRequestState::Open => open(&mut told, pull, issues, policy, review),
        PullRequestState::Superseded => {
            told.summary = "it is out of the play: another took its place, or its lease had ended".to_owned();
            told.moved(match policy.github {
                GitHubMode::None => "nothing: an issue of it goes on without it",
                GitHubMode::Webhook | GitHubMode::Connected => "its end at GitHub; an issue of it goes on without it",
            });
        }
        PullRequestState::Merged => told.summary = "it is merged, and waits for nothing".to_owned(),
        PullRequestState::Closed => {
            told.summary = "it is closed without a merge, and waits for nothing".to_owned();
            told.moved("reopening it, where its issue has neither a holder nor another pull request");
        }
    }
    told
}

fn open(told: &mut Explanation, pull: &PullRequest, issues: &[Issue], policy: &Policy, review: &Step) {
    let standing = pull.standing();
    let current: Vec<String> = issues
        .iter()
        .filter(|issue| issue.current.as_ref() == Some(&pull.reference))
        .map(|issue| issue.reference.to_string())
        .collect();
    let for_what = match (current.as_slice(), issues) {
        ([], []) => "it is for no issue that is known here".to_owned(),
        ([], _) => "no issue follows it".to_owned(),
        (names, _) => format!("{} follows it", names.join(", ")),
    };
    told.summary = format!("it is open, its review is {}, its checks are {}; {for_what}", standing.review, standing.ci);
    if standing.draft {
        told.waits("draft", "its author: a draft is neither reviewed nor merged");
        told.moved("ready for review, at GitHub");
        return;
    }
    match standing.review {
        ReviewState::Approved => gate::merge(told, &standing, Some(pull), policy),
        ReviewState::Disputed => {
            let by = standing.reviewer.as_deref().unwrap_or("a reviewer");
            told.waits("review", format!("more commits: {by} asks for changes"));
            let push = gate::new_head(&pull.reference, "its author", policy.github);
            told.moved(format!("{push}; or another verdict of that reviewer"));
        }
        ReviewState::None | ReviewState::Requested | ReviewState::Abstained | ReviewState::Failed => {
            gate::verdict(told, &standing, Some(pull), policy.github);
            dispatch(told, review);
        }
    }
}

/// Why nobody is asked for the verdict that it wants. Who is asked stands with the verdict.
fn dispatch(told: &mut Explanation, review: &Step) {
    match review {
        Step::Ask { reviewer, .. } => {
            told.waits("review_dispatch", format!("{reviewer}: it is asked next, within a minute"));
        }
        Step::GiveUp => {
            told.waits("review_deadline", "the end of a dispatch whose deadline has passed, within a minute")
        }
        Step::Call(alarm) => {
            told.waits(alarm.as_str(), "a person: nobody can be asked, and one is called within a minute")
        }
        Step::Nothing(Wait::Asked { .. } | Wait::OnItsWay(_)) => {}
        Step::Nothing(wait) => {
            told.waits(wait.rule(), wait.to_string());
            match wait {
                Wait::NotWanted(NotWanted::NotAsked) => {
                    told.moved("the label needs-review, by which a person asks for a review")
                }
                Wait::NotWanted(NotWanted::ManualMerge) => told.moved("the label manual-merge is taken off"),
                Wait::PersonCalled => {
                    told.moved("a verdict of a person who may approve, a new head, or requeue of its issue")
                }
                Wait::Held(_) | Wait::ReviewersHeld => told.moved("conductor-e override resume …"),
                Wait::NotWanted(
                    NotWanted::Unknown
                    | NotWanted::NotOpen
                    | NotWanted::Draft
                    | NotWanted::DependencyBot
                    | NotWanted::Judged
                    | NotWanted::Rework
                    | NotWanted::NoIssueInReview,
                )
                | Wait::Asked { .. }
                | Wait::OnItsWay(_)
                | Wait::Young(_)
                | Wait::Apart(_)
                | Wait::Silence(_)
                | Wait::Dry(_) => {}
            }
        }
    }
}
