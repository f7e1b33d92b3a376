//! One function per subject: what a delivery of that kind means.

mod check;
mod issue;
mod pull_request;
mod repository;
mod review;

pub use check::OWN_CONTEXT;

use crate::identity::{IssueRef, RepoName};

use super::{Instruction, Interpretation, Subject, Webhook};

/// What follows from a delivery. Total: whatever GitHub may add is ignored, with a reason.
#[must_use]
pub fn interpret(webhook: &Webhook) -> Interpretation {
    let repo = match (&webhook.repo, &webhook.subject) {
        (Some(repo), _) => repo,
        (None, Subject::Other) => return ignored(webhook, "nothing follows from this event"),
        (None, _) => return ignored(webhook, "names no repository"),
    };
    let instructions = match &webhook.subject {
        Subject::Issue(issue) => issue::interpret(webhook, repo, issue),
        Subject::PullRequest(pull_request) => pull_request::interpret(webhook, repo, pull_request),
        Subject::Review(review) => review::interpret(webhook, repo, review),
        Subject::Thread(thread) => review::interpret_thread(webhook, repo, thread),
        Subject::Check(check) => check::interpret(webhook, repo, check),
        Subject::Repository(former) => repository::interpret(webhook, repo, former),
        Subject::Milestone { title } => repository::interpret_milestone(webhook, repo, title),
        Subject::Incomplete { lacks } => Err(format!("lacks {lacks}")),
        Subject::Other => Err("nothing follows from this event".to_owned()),
    };
    match instructions {
        Ok(instructions) => Interpretation::Instructions(instructions),
        Err(why) => ignored(webhook, &why),
    }
}

/// Instructions, or why there are none.
type Read = Result<Vec<Instruction>, String>;

fn ignored(webhook: &Webhook, why: &str) -> Interpretation {
    Interpretation::Ignored(format!("{}: {why}", webhook.label()))
}

fn unknown_action() -> String {
    "nothing follows from this action".to_owned()
}

fn reference(repo: &RepoName, number: u64) -> Result<IssueRef, String> {
    IssueRef::new(repo.clone(), number).ok_or_else(|| format!("{number} is no number of an issue"))
}

#[cfg(test)]
pub(super) mod given;

#[cfg(test)]
mod tests {
    use super::*;
    use given::*;

    #[test]
    fn an_unknown_event_is_ignored_by_name_with_and_without_action_and_repo() {
        let mut webhook = delivery("star", Some("Created"), Subject::Other);
        assert_eq!(interpret(&webhook), ignoring("star.created: nothing follows from this event"));
        (webhook.action, webhook.repo) = (None, None);
        assert_eq!(interpret(&webhook), ignoring("star: nothing follows from this event"));
    }

    #[test]
    fn an_unknown_action_of_any_subject_is_ignored_by_name() {
        for (event, subject) in every_subject() {
            let read = interpret(&delivery(event, Some("hyperspaced"), subject));
            let Interpretation::Ignored(why) = read else { panic!("{event}: {read:?}") };
            assert!(why.starts_with(&format!("{event}.hyperspaced: ")), "{why}");
        }
    }

    #[test]
    fn what_is_incomplete_is_ignored_and_says_what_it_lacks() {
        let webhook = delivery("issues", Some("opened"), Subject::Incomplete { lacks: "an issue" });
        assert_eq!(interpret(&webhook), ignoring("issues.opened: lacks an issue"));
    }

    #[test]
    fn a_subject_without_repository_is_ignored() {
        for (event, subject) in every_subject() {
            let mut webhook = delivery(event, Some("closed"), subject);
            webhook.repo = None;
            assert_eq!(interpret(&webhook), ignoring(&format!("{event}.closed: names no repository")));
        }
    }

    #[test]
    fn a_number_that_github_never_gives_is_ignored() {
        let read =
            interpret(&delivery("issues", Some("opened"), Subject::Issue(Box::new(Issue { number: 0, ..issue() }))));
        assert_eq!(read, ignoring("issues.opened: 0 is no number of an issue"));
    }
}
