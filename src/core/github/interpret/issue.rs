use crate::github::{Instruction, Issue, Webhook};
use crate::identity::RepoName;
use crate::issue::{IssueAction, IssueCommand, IssueObservation};

use super::{Read, reference, unknown_action};

/// Every delivery shows the whole issue, so each is an observation; what a lost one would have said comes with the next.
pub(super) fn interpret(webhook: &Webhook, repo: &RepoName, issue: &Issue) -> Read {
    let action = action(webhook, issue).ok_or_else(unknown_action)?;
    if issue.is_pull_request {
        // It lacks head and branch; the pull request's own deliveries have them.
        return Err("is about a pull request, whose own events tell more".to_owned());
    }
    let observation = IssueObservation {
        action,
        title: issue.title.clone(),
        url: issue.url.clone(),
        body: issue.body.clone(),
        labels: issue.labels.clone(),
        milestone: issue.milestone.clone(),
        open: issue.state.as_str() == "open",
        state_reason: issue.state_reason.as_ref().map(ToString::to_string),
        updated_at: issue.updated_at,
        sender: webhook.sender.clone(),
    };
    Ok(vec![Instruction::Issue(reference(repo, issue.number)?, IssueCommand::Observe(observation))])
}

fn action(webhook: &Webhook, issue: &Issue) -> Option<IssueAction> {
    Some(match webhook.action() {
        "labeled" => issue.label.clone().map_or(IssueAction::Other, IssueAction::Labeled),
        "unlabeled" => issue.label.clone().map_or(IssueAction::Other, IssueAction::Unlabeled),
        "closed" => IssueAction::Closed,
        "reopened" => IssueAction::Reopened,
        "deleted" => IssueAction::Gone { how: "deleted" },
        "transferred" => IssueAction::Gone { how: "transferred" },
        "opened" | "edited" | "milestoned" | "demilestoned" | "assigned" | "unassigned" | "locked" | "unlocked"
        | "pinned" | "unpinned" | "typed" | "untyped" => IssueAction::Other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::given::*;
    use super::*;
    use crate::github::{Interpretation, Subject, Word, interpret};

    fn observed(action: &str, issue: Issue) -> IssueObservation {
        let read = interpret(&delivery("issues", Some(action), Subject::Issue(Box::new(issue))));
        let Interpretation::Instructions(instructions) = read else { panic!("{read:?}") };
        let [Instruction::Issue(reference, IssueCommand::Observe(observation))] = instructions.as_slice() else {
            panic!("{instructions:?}")
        };
        assert_eq!(reference.to_string(), "acme/web#7");
        observation.clone()
    }

    #[test]
    fn a_label_that_is_set_or_taken_off_is_named() {
        let labelled = || Issue { label: Some("agent-ready".into()), ..issue() };
        assert_eq!(observed("Labeled", labelled()).action, IssueAction::Labeled("agent-ready".into()));
        assert_eq!(observed("unlabeled", labelled()).action, IssueAction::Unlabeled("agent-ready".into()));
        assert_eq!(observed("labeled", issue()).action, IssueAction::Other, "the label was deleted meanwhile");
    }

    #[test]
    fn closing_says_why_in_lower_case() {
        let closed = Issue { state: Word::new("CLOSED"), state_reason: Some(Word::new("NOT_PLANNED")), ..issue() };
        let observation = observed("closed", closed);
        assert_eq!(observation.action, IssueAction::Closed);
        assert!(!observation.open);
        assert_eq!(observation.state_reason.as_deref(), Some("not_planned"));
    }

    #[test]
    fn deleted_and_transferred_issues_are_gone() {
        assert_eq!(observed("deleted", issue()).action, IssueAction::Gone { how: "deleted" });
        assert_eq!(observed("transferred", issue()).action, IssueAction::Gone { how: "transferred" });
    }

    #[test]
    fn every_other_action_shows_the_whole_issue() {
        for action in ["opened", "edited", "milestoned", "demilestoned", "assigned"] {
            let observation = observed(action, issue());
            assert_eq!(observation.action, IssueAction::Other);
            assert_eq!(observation.title, "Add a door");
            assert_eq!(observation.body.as_deref(), Some("Depends on: #1"));
            assert_eq!(observation.labels, ["agent-ready"]);
            assert_eq!(observation.milestone.as_deref(), Some("v1"));
            assert_eq!(observation.updated_at, at(1));
            assert_eq!(observation.sender, Some(login("octo")));
            assert!(observation.open);
        }
        assert_eq!(observed("reopened", issue()).action, IssueAction::Reopened);
    }

    #[test]
    fn a_pull_request_never_becomes_an_issue() {
        let pull_request = Issue { is_pull_request: true, ..issue() };
        let read = interpret(&delivery("issues", Some("labeled"), Subject::Issue(Box::new(pull_request))));
        assert_eq!(read, ignoring("issues.labeled: is about a pull request, whose own events tell more"));
    }
}
