//! Which deliveries are worked off one after the other.

use conductor_core::github::{Subject, Webhook};
use conductor_core::identity::IssueRef;

/// The ordering key of a delivery: `owner/repo#n` of the issue or pull request that it is about, else the commit
/// (`owner/repo@sha`), else the repository, else nothing; in lower case.
///
/// Order is a courtesy here, no guarantee: facts carry GitHub's own times and ids, so any order comes to the same row. What
/// the key spares is a detour (a check that waits for its pull request) and work against a stream that is busy anyway.
#[must_use]
pub fn ordering_key(webhook: &Webhook) -> String {
    let Some(repo) = &webhook.repo else { return String::new() };
    let numbered = |number| IssueRef::new(repo.clone(), number).map(|reference| reference.to_string());
    let key = match &webhook.subject {
        Subject::Issue(issue) => numbered(issue.number),
        Subject::PullRequest(shown) => numbered(shown.number),
        Subject::Review(review) => numbered(review.pull_request),
        Subject::Thread(thread) => numbered(thread.pull_request),
        Subject::Check(check) => {
            let here = check.pull_requests.iter().find(|named| named.repo_id == webhook.repo_id);
            here.and_then(|named| numbered(named.number)).or_else(|| Some(format!("{repo}@{}", check.head)))
        }
        Subject::Repository(_) | Subject::Milestone { .. } | Subject::Incomplete { .. } | Subject::Other => None,
    };
    key.unwrap_or_else(|| repo.to_string()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::payload;
    use super::*;
    use serde_json::{Value, json};

    fn key(event: &str, mut body: Value) -> String {
        body["repository"] = json!({"id": 1, "full_name": "Acme/Web"});
        ordering_key(&payload::read(event, &body.to_string()).unwrap())
    }

    #[test]
    fn what_is_about_one_number_shares_a_key() {
        let shown = json!({"number": 9, "title": "t", "state": "open", "updated_at": "2026-05-15T15:20:33Z"});
        assert_eq!(key("pull_request", json!({"pull_request": shown})), "acme/web#9");
        let review = json!({"review": {"id": 1, "state": "approved"}, "pull_request": {"number": 9}});
        assert_eq!(key("pull_request_review", review), "acme/web#9");
        let thread = json!({"thread": {"node_id": "x"}, "pull_request": {"number": 9}});
        assert_eq!(key("pull_request_review_thread", thread), "acme/web#9");
        assert_eq!(key("issues", json!({"issue": shown})), "acme/web#9");
        let run =
            |named: Value| json!({"check_run": {"id": 1, "name": "b", "head_sha": "A1B2", "pull_requests": named}});
        assert_eq!(
            key(
                "check_run",
                run(json!([{"number": 4, "base": {"repo": {"id": 2}}}, {"number": 9, "base": {"repo": {"id": 1}}}]))
            ),
            "acme/web#9"
        );
        assert_eq!(key("check_run", run(json!([]))), "acme/web@a1b2");
    }

    #[test]
    fn the_rest_goes_by_repository_or_by_nothing() {
        assert_eq!(key("milestone", json!({"milestone": {"title": "v1"}})), "acme/web");
        assert_eq!(ordering_key(&payload::read("ping", "{}").unwrap()), "");
    }
}
