use super::*;
use conductor_core::github::{Check, CheckKind, FormerName, NamedPullRequest, PullRequest};
use conductor_core::time::Timestamp;
use serde_json::{Value, json};

fn read_json(event: &str, mut body: Value) -> Webhook {
    body["repository"] = json!({"id": 11, "full_name": "acme/web", "private": true});
    body["sender"] = json!({"login": "octo", "id": 5});
    read(event, &body.to_string()).unwrap()
}

fn subject_of(event: &str, body: Value) -> Subject {
    read_json(event, body).subject
}

fn check_of(event: &str, body: Value) -> Check {
    let subject = subject_of(event, body);
    let Subject::Check(check) = subject else { panic!("{subject:?}") };
    *check
}

fn at(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
}

fn pull_request() -> Value {
    json!({
        "number": 9, "title": "A door", "html_url": "https://github.com/acme/web/pull/9", "body": "Closes #7",
        "head": {"ref": "agent/issue-7-1", "sha": "A1A1A1A1"}, "user": {"login": "dev-e-bot[bot]"},
        "author_association": "MEMBER", "draft": false, "labels": [{"name": "x"}], "state": "closed", "merged": true,
        "merge_commit_sha": "e3e3e3e3", "mergeable": null, "changed_files": 2, "additions": 10, "deletions": 1,
        "updated_at": "2026-05-15T15:20:33Z", "merged_at": "2026-05-15T15:20:33Z"
    })
}

fn shown(body: Value) -> PullRequest {
    let subject = subject_of("pull_request", json!({"action": "opened", "pull_request": body}));
    let Subject::PullRequest(shown) = subject else { panic!("{subject:?}") };
    *shown
}

#[test]
fn the_envelope_is_read_in_any_casing_of_its_words() {
    let read = read_json("Issues", json!({"action": "Labeled"}));
    assert_eq!((read.event.as_str(), read.action.unwrap().as_str()), ("issues", "labeled"));
    assert_eq!((read.repo.unwrap().as_str(), read.repo_id), ("acme/web", Some(11)));
    assert_eq!(read.sender.unwrap().as_str(), "octo");
}

#[test]
fn an_issue_is_read_whole() {
    let issue = json!({
        "number": 7, "title": "a\u{0}b", "html_url": "https://github.com/acme/web/issues/7", "body": null,
        "labels": [{"name": "agent-ready"}, {"name": null}], "milestone": {"title": "v1"}, "state": "CLOSED",
        "state_reason": "NOT_PLANNED", "updated_at": "2026-05-15T15:20:18Z"
    });
    let body = json!({"action": "labeled", "issue": issue, "label": {"name": "agent-ready"}});
    let Subject::Issue(issue) = subject_of("issues", body) else { panic!("no issue") };
    assert_eq!((issue.number, issue.title.as_str(), issue.body.as_deref()), (7, "a\u{fffd}b", None));
    assert_eq!((issue.labels.as_slice(), issue.milestone.as_deref()), (&["agent-ready".to_owned()][..], Some("v1")));
    assert_eq!((issue.state.as_str(), issue.state_reason.unwrap().as_str()), ("closed", "not_planned"));
    assert_eq!((issue.label.as_deref(), issue.is_pull_request), (Some("agent-ready"), false));
    assert_eq!(Some(issue.updated_at), at("2026-05-15T15:20:18.000Z"));
}

#[test]
fn an_issue_with_a_pull_request_is_one() {
    let issue = json!({"number": 7, "title": "t", "state": "open", "updated_at": "2026-05-15T15:20:18Z", "pull_request": {"url": "x"}});
    let Subject::Issue(issue) = subject_of("issues", json!({"issue": issue})) else { panic!("no issue") };
    assert!(issue.is_pull_request);
}

#[test]
fn a_pull_request_is_read_whole() {
    let shown = shown(pull_request());
    assert_eq!((shown.branch.as_deref(), shown.head.unwrap().as_str()), (Some("agent/issue-7-1"), "a1a1a1a1"));
    assert_eq!((shown.merged, shown.merge_commit.unwrap().as_str(), shown.mergeable), (true, "e3e3e3e3", None));
    assert_eq!((shown.files, shown.additions, shown.deletions), (Some(2), Some(10), Some(1)));
    assert_eq!((shown.body.as_deref(), shown.draft), (Some("Closes #7"), Some(false)));
}

#[test]
fn an_empty_body_is_told_from_none() {
    let mut body = pull_request();
    body["body"] = Value::Null;
    assert_eq!(shown(body.clone()).body.as_deref(), Some(""));
    body.as_object_mut().unwrap().remove("body");
    assert_eq!(shown(body).body, None);
}

#[test]
fn beside_a_review_merged_is_known_by_its_time() {
    let mut pull = pull_request();
    for missing in ["merged", "draft", "mergeable", "changed_files"] {
        pull.as_object_mut().unwrap().remove(missing);
    }
    let review = json!({"id": 21, "user": {"login": "rev"}, "state": "APPROVED", "commit_id": "a1a1a1a1", "submitted_at": "2026-05-15T15:20:38Z", "body": null});
    let Subject::Review(review) = subject_of("pull_request_review", json!({"review": review, "pull_request": pull}))
    else {
        panic!("no review")
    };
    assert_eq!((review.id, review.state.as_str(), review.pull_request), (21, "approved", 9));
    let shown = review.shown.unwrap();
    assert_eq!((shown.merged, shown.draft), (true, None));
}

#[test]
fn a_thread_is_known_by_its_node() {
    let body = json!({"thread": {"node_id": "PRRT_1", "comments": []}, "pull_request": {"number": 9}});
    let Subject::Thread(thread) = subject_of("pull_request_review_thread", body) else { panic!("no thread") };
    assert_eq!((thread.id.as_str(), thread.pull_request, thread.shown), ("PRRT_1", 9, None));
}

#[test]
fn the_four_kinds_of_check_are_read() {
    let named = json!([{"number": 9, "base": {"repo": {"id": 11}}}, {"number": 4}]);
    let run = check_of(
        "check_run",
        json!({"check_run": {"id": 31, "name": "build", "head_sha": "a1a1a1a1", "status": "completed",
        "conclusion": "FAILURE", "started_at": "2026-05-15T15:20:00Z", "completed_at": "2026-05-15T15:21:00Z", "pull_requests": named}}),
    );
    assert_eq!((run.kind, run.id, run.name.as_str()), (CheckKind::Run, 31, "build"));
    assert_eq!((run.conclusion.unwrap().as_str(), run.at), ("failure", at("2026-05-15T15:21:00.000Z")));
    assert_eq!(
        run.pull_requests,
        [NamedPullRequest { number: 9, repo_id: Some(11) }, NamedPullRequest { number: 4, repo_id: None }]
    );

    let suite = check_of(
        "check_suite",
        json!({"check_suite": {"id": 32, "head_sha": "a1a1a1a1", "status": "completed",
        "conclusion": "success", "updated_at": "2026-05-15T15:21:00Z", "app": {"slug": "builder"}}}),
    );
    assert_eq!(
        (suite.kind, suite.name.as_str(), suite.at),
        (CheckKind::Suite, "builder", at("2026-05-15T15:21:00.000Z"))
    );

    let workflow = check_of(
        "workflow_run",
        json!({"workflow_run": {"id": 33, "name": null, "path": ".github/workflows/ci.yml",
        "head_sha": "a1a1a1a1", "run_attempt": 2, "status": "in_progress", "conclusion": null, "event": "push"}}),
    );
    assert_eq!((workflow.name.as_str(), workflow.attempt), (".github/workflows/ci.yml", Some(2)));
    assert_eq!(workflow.trigger.unwrap().as_str(), "push");

    let status = check_of(
        "status",
        json!({"id": 34, "sha": "a1a1a1a1", "context": "ci/x", "state": "success",
        "updated_at": "2026-05-15T15:20:55+00:00"}),
    );
    assert_eq!(
        (status.kind, status.name.as_str(), status.at),
        (CheckKind::Status, "ci/x", at("2026-05-15T15:20:55.000Z"))
    );
}

#[test]
fn former_names_of_repositories_are_read() {
    for (changes, owner, name) in [
        (json!({"repository": {"name": {"from": "site"}}}), None, Some("site")),
        (json!({"owner": {"from": {"user": {"login": "octo"}}}}), Some("octo"), None),
        (json!({"owner": {"from": {"organization": {"login": "old"}, "user": null}}}), Some("old"), None),
    ] {
        let read = subject_of("repository", json!({"changes": changes}));
        assert_eq!(read, Subject::Repository(FormerName { owner: owner.map(Into::into), name: name.map(Into::into) }));
    }
}

#[test]
fn what_lacks_its_subject_is_incomplete_and_never_unreadable() {
    for event in [
        "issues",
        "pull_request",
        "pull_request_review",
        "pull_request_review_thread",
        "check_run",
        "check_suite",
        "workflow_run",
        "status",
        "milestone",
    ] {
        assert!(matches!(subject_of(event, json!({})), Subject::Incomplete { .. }), "{event}");
    }
    assert_eq!(subject_of("star", json!({"changes": 5, "id": "x"})), Subject::Other);
}

#[test]
fn a_field_of_another_type_says_where() {
    let error = read("issues", r#"{"issue": {"number": "seven"}}"#).unwrap_err();
    assert!(error.is_data(), "{error}");
    assert!(read("issues", "nonsense").unwrap_err().is_syntax());
}
