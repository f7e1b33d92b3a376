use crate::event::CheckRecorded;
use crate::github::{Check, CheckKind, Instruction, Webhook};
use crate::identity::{IssueRef, RepoName};

use super::Read;

/// The context under which the daemon shows its own gate; it never waits for itself.
pub const OWN_CONTEXT: &str = "conductor-gate";

pub(super) fn interpret(webhook: &Webhook, repo: &RepoName, check: &Check) -> Read {
    if matches!(check.kind, CheckKind::Run | CheckKind::Status) && check.name.eq_ignore_ascii_case(OWN_CONTEXT) {
        return Err("is the daemon's own, which never counts".to_owned());
    }
    let conclusion = match check.kind {
        CheckKind::Run => {
            known_action(webhook, &["created", "completed", "rerequested", "requested_action"])?;
            conclusion(check)
        }
        CheckKind::Workflow => {
            known_action(webhook, &["requested", "in_progress", "completed"])?;
            if check.trigger.as_ref().is_some_and(|trigger| trigger.as_str() == "schedule") {
                return Err("a scheduled run judges the branch, not a change".to_owned());
            }
            conclusion(check)
        }
        // GitHub opens a suite for every installed app, and those of apps that check nothing never finish.
        CheckKind::Suite => {
            known_action(webhook, &["completed"])?;
            Some(conclusion(check).ok_or("is unfinished")?)
        }
        CheckKind::Status => match check.conclusion.as_ref().map(|state| state.as_str()) {
            None | Some("pending") => None,
            // The status of old has a second word for red.
            Some("error") => Some("failure".to_owned()),
            Some(state) => Some(state.to_owned()),
        },
    };
    let name = match check.kind {
        CheckKind::Run | CheckKind::Status => check.name.clone(),
        CheckKind::Workflow => format!("workflow:{}", check.name),
        CheckKind::Suite => format!("suite:{}", check.name),
    };
    // A rerun has a higher run id (runs, statuses) or attempt (workflows); a suite keeps its id, and the later time wins.
    let check_recorded = CheckRecorded {
        name,
        head_sha: check.head.clone(),
        run_id: check.id,
        attempt: check.attempt.unwrap_or(1),
        conclusion,
        at: check.at,
    };
    Ok(vec![Instruction::Check {
        repo: repo.clone(),
        pull_requests: named_here(webhook, repo, check),
        check: check_recorded,
    }])
}

fn known_action(webhook: &Webhook, known: &[&str]) -> Result<(), String> {
    if known.contains(&webhook.action()) { Ok(()) } else { Err(super::unknown_action()) }
}

/// How it ended, once it has.
fn conclusion(check: &Check) -> Option<String> {
    let over = check.status.as_ref().is_none_or(|status| status.as_str() == "completed");
    check.conclusion.as_ref().filter(|_| over).map(ToString::to_string)
}

/// The pull requests named, without those of other repositories that show the same commit.
fn named_here(webhook: &Webhook, repo: &RepoName, check: &Check) -> Vec<IssueRef> {
    let here = |id: Option<u64>| id.is_none() || webhook.repo_id.is_none() || id == webhook.repo_id;
    let named = check.pull_requests.iter().filter(|named| here(named.repo_id));
    named.filter_map(|named| IssueRef::new(repo.clone(), named.number)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::given::*;
    use super::*;
    use crate::github::{Interpretation, NamedPullRequest, Subject, Word, interpret};

    fn recorded(event: &str, action: Option<&str>, check: Check) -> (Vec<String>, CheckRecorded) {
        let read = interpret(&delivery(event, action, Subject::Check(Box::new(check))));
        let Interpretation::Instructions(instructions) = read else { panic!("{read:?}") };
        let [Instruction::Check { repo, pull_requests, check }] = instructions.as_slice() else {
            panic!("{instructions:?}")
        };
        assert_eq!(repo.as_str(), "acme/web");
        (pull_requests.iter().map(ToString::to_string).collect(), check.clone())
    }

    fn ignored(event: &str, action: Option<&str>, check: Check) -> String {
        match interpret(&delivery(event, action, Subject::Check(Box::new(check)))) {
            Interpretation::Ignored(why) => why,
            Interpretation::Instructions(instructions) => panic!("{instructions:?}"),
        }
    }

    #[test]
    fn a_finished_run_has_its_conclusion_in_lower_case() {
        let (pulls, check) = recorded("check_run", Some("completed"), check(CheckKind::Run));
        assert_eq!((check.name.as_str(), check.head_sha, check.run_id, check.attempt), ("build", sha("a1"), 31, 1));
        assert_eq!((check.conclusion.as_deref(), check.at), (Some("failure"), Some(at(3))));
        assert_eq!(pulls, ["acme/web#9"]);
    }

    #[test]
    fn an_unfinished_run_has_no_conclusion() {
        let running = Check { status: Some(Word::new("in_progress")), conclusion: None, ..check(CheckKind::Run) };
        assert_eq!(recorded("check_run", Some("created"), running).1.conclusion, None);
        let rerun = Check { status: Some(Word::new("queued")), ..check(CheckKind::Run) };
        assert_eq!(recorded("check_run", Some("rerequested"), rerun).1.conclusion, None, "an old conclusion is stale");
    }

    #[test]
    fn names_of_suites_and_workflows_never_meet_those_of_runs() {
        assert_eq!(recorded("check_suite", Some("completed"), check(CheckKind::Suite)).1.name, "suite:build");
        let attempt = Check { attempt: Some(2), ..check(CheckKind::Workflow) };
        let (_, recorded) = recorded("workflow_run", Some("completed"), attempt);
        assert_eq!((recorded.name.as_str(), recorded.attempt), ("workflow:build", 2));
    }

    #[test]
    fn a_status_is_its_context_and_an_error_is_red() {
        for (state, conclusion) in
            [("pending", None), ("Success", Some("success")), ("failure", Some("failure")), ("error", Some("failure"))]
        {
            let status = Check { status: None, conclusion: Some(Word::new(state)), ..check(CheckKind::Status) };
            let (_, recorded) = recorded("status", None, status);
            assert_eq!((recorded.name.as_str(), recorded.conclusion.as_deref()), ("build", conclusion));
        }
    }

    #[test]
    fn an_unfinished_suite_is_ignored_since_many_never_finish() {
        assert!(
            ignored("check_suite", Some("requested"), check(CheckKind::Suite)).starts_with("check_suite.requested: ")
        );
        let queued = Check { status: Some(Word::new("queued")), ..check(CheckKind::Suite) };
        assert_eq!(ignored("check_suite", Some("completed"), queued), "check_suite.completed: is unfinished");
    }

    #[test]
    fn the_daemons_own_gate_never_counts() {
        for (event, kind) in [("check_run", CheckKind::Run), ("status", CheckKind::Status)] {
            let own = Check { name: "Conductor-Gate".into(), ..check(kind) };
            assert!(ignored(event, Some("completed"), own).ends_with("is the daemon's own, which never counts"));
        }
    }

    #[test]
    fn a_scheduled_workflow_judges_no_change() {
        let nightly = Check { trigger: Some(Word::new("schedule")), ..check(CheckKind::Workflow) };
        assert!(ignored("workflow_run", Some("completed"), nightly).contains("scheduled"));
    }

    #[test]
    fn pull_requests_of_other_repositories_are_left_out() {
        let named = vec![
            NamedPullRequest { number: 9, repo_id: Some(1) },
            NamedPullRequest { number: 4, repo_id: Some(2) },
            NamedPullRequest { number: 5, repo_id: None },
            NamedPullRequest { number: 0, repo_id: None },
        ];
        let (pulls, _) =
            recorded("check_run", Some("completed"), Check { pull_requests: named, ..check(CheckKind::Run) });
        assert_eq!(pulls, ["acme/web#9", "acme/web#5"]);
    }
}
