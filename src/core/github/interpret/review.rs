use crate::github::{Instruction, Review, Thread, Webhook};
use crate::identity::RepoName;
use crate::pull_request::{PullRequestCommand, Verdict, VerdictKind};

use super::pull_request::observe_beside;
use super::{Read, reference, unknown_action};

/// What the pull request looks like first (the review may be the first that is heard of it), then the review.
pub(super) fn interpret(webhook: &Webhook, repo: &RepoName, review: &Review) -> Read {
    let command = match webhook.action() {
        "submitted" => PullRequestCommand::Review(verdict(review)?),
        "dismissed" => PullRequestCommand::Dismiss { review_id: review.id },
        _ => return Err(unknown_action()),
    };
    let mut instructions = Vec::from_iter(observe_beside(webhook, repo, review.shown.as_ref())?);
    instructions.push(Instruction::PullRequest(reference(repo, review.pull_request)?, command));
    Ok(instructions)
}

fn verdict(review: &Review) -> Result<Verdict, String> {
    let kind = VerdictKind::from_word(review.state.as_str())
        .ok_or_else(|| format!("a review that is {} is no verdict", review.state))?;
    Ok(Verdict {
        kind,
        reviewer: review.reviewer.clone().ok_or("the reviewer has no account any more")?,
        head_sha: review.head.clone(),
        review_id: Some(review.id),
        submitted_at: review.submitted_at,
        body: review.body.clone().filter(|body| !body.is_empty()),
    })
}

pub(super) fn interpret_thread(webhook: &Webhook, repo: &RepoName, thread: &Thread) -> Read {
    let unresolved = match webhook.action() {
        "resolved" => false,
        "unresolved" => true,
        _ => return Err(unknown_action()),
    };
    let mut instructions = Vec::from_iter(observe_beside(webhook, repo, thread.shown.as_ref())?);
    let command = PullRequestCommand::Thread { id: thread.id.clone(), unresolved };
    instructions.push(Instruction::PullRequest(reference(repo, thread.pull_request)?, command));
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::super::given::*;
    use super::*;
    use crate::github::{Interpretation, PullRequest, Subject, Word, interpret};

    fn commands(event: &str, action: &str, subject: Subject) -> Vec<PullRequestCommand> {
        let read = interpret(&delivery(event, Some(action), subject));
        let Interpretation::Instructions(instructions) = read else { panic!("{read:?}") };
        let command = |instruction| {
            let Instruction::PullRequest(reference, command) = instruction else { panic!("{instruction:?}") };
            assert_eq!(reference.to_string(), "acme/web#9");
            command
        };
        instructions.into_iter().map(command).collect()
    }

    fn submitted(review: Review) -> Vec<PullRequestCommand> {
        commands("pull_request_review", "submitted", Subject::Review(Box::new(review)))
    }

    #[test]
    fn each_verdict_is_known_in_either_casing() {
        for (word, kind) in [
            ("approved", VerdictKind::Approved),
            ("APPROVED", VerdictKind::Approved),
            ("Changes_Requested", VerdictKind::ChangesRequested),
            ("commented", VerdictKind::Commented),
        ] {
            let read = submitted(Review { state: Word::new(word), ..review() });
            let [PullRequestCommand::Observe(_), PullRequestCommand::Review(verdict)] = read.as_slice() else {
                panic!("{read:?}")
            };
            assert_eq!(verdict.kind, kind);
            assert_eq!((&verdict.reviewer, verdict.review_id), (&login("review-e-bot[bot]"), Some(21)));
            assert_eq!((&verdict.head_sha, verdict.submitted_at), (&Some(sha("a1")), Some(at(2))));
        }
    }

    #[test]
    fn a_pull_request_that_is_shown_without_draft_is_not_observed() {
        let thin = Review { shown: Some(PullRequest { draft: None, ..pull_request() }), ..review() };
        for review in [thin, Review { shown: None, ..review() }] {
            assert!(matches!(submitted(review).as_slice(), [PullRequestCommand::Review(_)]));
        }
    }

    #[test]
    fn a_dismissed_review_is_named_by_its_id() {
        let read = commands("pull_request_review", "dismissed", Subject::Review(Box::new(review())));
        assert_eq!(read.last(), Some(&PullRequestCommand::Dismiss { review_id: 21 }));
    }

    #[test]
    fn what_is_no_verdict_or_nobodys_is_ignored_and_says_so() {
        for (review, why) in [
            (Review { state: Word::new("pending"), ..review() }, "a review that is pending is no verdict"),
            (Review { reviewer: None, ..review() }, "the reviewer has no account any more"),
        ] {
            let read =
                interpret(&delivery("pull_request_review", Some("submitted"), Subject::Review(Box::new(review))));
            assert_eq!(read, ignoring(&format!("pull_request_review.submitted: {why}")));
        }
    }

    #[test]
    fn threads_open_and_close() {
        for (action, unresolved) in [("resolved", false), ("Unresolved", true)] {
            let read = commands("pull_request_review_thread", action, Subject::Thread(Box::new(thread())));
            assert_eq!(read.last(), Some(&PullRequestCommand::Thread { id: "PRRT_1".into(), unresolved }));
            assert_eq!(read.len(), 2);
        }
    }
}
