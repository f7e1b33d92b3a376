use crate::github::links::{Described, links_of};
use crate::github::{Instruction, PullRequest, Webhook};
use crate::identity::RepoName;
use crate::pull_request::{PrObservation, PullRequestCommand};

use super::{Read, reference, unknown_action};

/// Every delivery shows the whole pull request, so each is an observation.
pub(super) fn interpret(webhook: &Webhook, repo: &RepoName, pull_request: &PullRequest) -> Read {
    match webhook.action() {
        "opened"
        | "edited"
        | "closed"
        | "reopened"
        | "synchronize"
        | "labeled"
        | "unlabeled"
        | "ready_for_review"
        | "converted_to_draft"
        | "review_requested"
        | "review_request_removed"
        | "assigned"
        | "unassigned"
        | "milestoned"
        | "demilestoned"
        | "locked"
        | "unlocked"
        | "auto_merge_enabled"
        | "auto_merge_disabled"
        | "enqueued"
        | "dequeued" => {}
        _ => return Err(unknown_action()),
    }
    Ok(vec![observe(webhook, repo, pull_request)?])
}

/// What a delivery that shows a pull request beside something else says of it, where it says enough: without `draft` a
/// draft would be taken as ready.
pub(super) fn observe_beside(
    webhook: &Webhook,
    repo: &RepoName,
    shown: Option<&PullRequest>,
) -> Result<Option<Instruction>, String> {
    shown.filter(|shown| shown.draft.is_some()).map(|shown| observe(webhook, repo, shown)).transpose()
}

fn observe(webhook: &Webhook, repo: &RepoName, shown: &PullRequest) -> Result<Instruction, String> {
    let links = |body: &str| {
        let url = shown.url.as_deref();
        links_of(Described { repo, url, title: &shown.title, body, branch: shown.branch.as_deref() })
    };
    let observation = PrObservation {
        title: shown.title.clone(),
        url: shown.url.clone(),
        branch: shown.branch.clone(),
        author: shown.author.clone(),
        author_association: shown.author_association.as_ref().map(|word| word.as_str().to_ascii_uppercase()),
        head_sha: shown.head.clone(),
        draft: shown.draft.unwrap_or(false),
        labels: shown.labels.clone(),
        linked_issues: shown.body.as_deref().map(links),
        open: shown.state.as_str() == "open",
        merged: shown.merged,
        merge_sha: shown.merge_commit.clone().filter(|_| shown.merged),
        mergeable: shown.mergeable,
        files: shown.files,
        additions: shown.additions,
        deletions: shown.deletions,
        updated_at: shown.updated_at,
        pushed_by: webhook.sender.clone().filter(|_| webhook.action() == "synchronize"),
        sender: webhook.sender.clone(),
    };
    let command = PullRequestCommand::Observe(Box::new(observation));
    Ok(Instruction::PullRequest(reference(repo, shown.number)?, command))
}

#[cfg(test)]
mod tests {
    use super::super::given::*;
    use super::*;
    use crate::github::{Interpretation, Subject, Word, interpret};

    fn observed(action: &str, shown: PullRequest) -> PrObservation {
        let read = interpret(&delivery("pull_request", Some(action), Subject::PullRequest(Box::new(shown))));
        let Interpretation::Instructions(instructions) = read else { panic!("{read:?}") };
        let [Instruction::PullRequest(reference, PullRequestCommand::Observe(observation))] = instructions.as_slice()
        else {
            panic!("{instructions:?}")
        };
        assert_eq!(reference.to_string(), "acme/web#9");
        (**observation).clone()
    }

    #[test]
    fn an_opened_one_shows_head_links_and_author() {
        let observation = observed("opened", pull_request());
        assert_eq!(observation.head_sha, Some(sha("a1")));
        assert_eq!(observation.linked_issues, Some(vec![crate::identity::IssueRef::parse("acme/web#7").unwrap()]));
        assert_eq!(observation.author, Some(login("dev-e-bot[bot]")));
        assert_eq!(observation.author_association.as_deref(), Some("MEMBER"));
        assert_eq!((observation.open, observation.merged, observation.draft), (true, false, false));
        assert_eq!(observation.merge_sha, None, "the commit of a trial merge is no merge");
        assert_eq!(observation.pushed_by, None);
    }

    #[test]
    fn a_push_names_who_pushed() {
        assert_eq!(observed("synchronize", pull_request()).pushed_by, Some(login("octo")));
    }

    #[test]
    fn merged_and_closed_are_told_apart() {
        let closed = || PullRequest { state: Word::new("Closed"), ..pull_request() };
        let observation = observed("closed", closed());
        assert_eq!((observation.open, observation.merged, observation.merge_sha), (false, false, None));
        let observation = observed("closed", PullRequest { merged: true, ..closed() });
        assert_eq!((observation.open, observation.merged, observation.merge_sha), (false, true, Some(sha("e3"))));
    }

    #[test]
    fn what_the_delivery_did_not_say_stays_unsaid() {
        let observation = observed("edited", PullRequest { body: None, labels: None, ..pull_request() });
        assert_eq!((observation.linked_issues, observation.labels), (None, None));
        let cleared = PullRequest { body: Some(String::new()), branch: Some("x".into()), ..pull_request() };
        assert_eq!(observed("edited", cleared).linked_issues, Some(Vec::new()), "an empty body closes nothing");
    }

    #[test]
    fn every_action_of_a_pull_request_observes_it() {
        for action in ["Ready_For_Review", "converted_to_draft", "labeled", "unlabeled", "reopened", "review_requested"]
        {
            let observation = observed(action, PullRequest { draft: Some(true), ..pull_request() });
            assert!(observation.draft, "{action}");
        }
    }
}
