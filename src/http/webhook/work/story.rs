//! Deliveries over real actors and the in-memory store: lost order and repeats come to the same pull request.

use std::sync::Arc;

use conductor_actors::{Arbiters, Coordinator, Interpreter, Ports, Settings};
use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::decider::StreamState;
use conductor_core::event::{CiState, PullRequestState, ReviewState, Standing};
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{Delivery, PendingDelivery};
use conductor_core::roster::{GitHubMode, Policy};
use conductor_core::time::Timestamp;
use serde_json::{Value, json};

use super::GitHubInbox;
use crate::repo_names::RepoNames;

const FIRST: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const SECOND: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";

fn time(minute: u32) -> String {
    format!("2026-05-15T15:{minute:02}:00Z")
}

fn pull_request(head: &str, minute: u32) -> Value {
    json!({
        "number": 9, "title": "A door", "html_url": "https://github.com/acme/web/pull/9", "body": "Closes #7",
        "head": {"ref": "agent/issue-7-1", "sha": head}, "user": {"login": "dev-e-bot[bot]"},
        "author_association": "MEMBER", "draft": false, "labels": [], "state": "open", "merged": false,
        "updated_at": time(minute)
    })
}

fn check_run(id: u32, head: &str, conclusion: Option<&str>, minute: u32) -> Value {
    json!({"action": "completed", "check_run": {
        "id": id, "name": "build", "head_sha": head, "status": if conclusion.is_some() { "completed" } else { "queued" },
        "conclusion": conclusion, "started_at": time(minute), "pull_requests": []
    }})
}

/// A pull request whose first head is red and whose second one is green and approved, as GitHub tells it.
fn told() -> Vec<(&'static str, Value)> {
    let review = json!({
        "id": 21, "user": {"login": "review-e-bot[bot]"}, "state": "approved", "commit_id": SECOND,
        "submitted_at": time(7), "body": "good"
    });
    vec![
        ("check_run", check_run(31, FIRST, None, 1)),
        ("pull_request", json!({"action": "opened", "pull_request": pull_request(FIRST, 2)})),
        ("check_run", check_run(31, FIRST, Some("failure"), 3)),
        ("pull_request", json!({"action": "synchronize", "pull_request": pull_request(SECOND, 4)})),
        ("check_run", check_run(32, SECOND, None, 5)),
        ("check_run", check_run(32, SECOND, Some("success"), 6)),
        (
            "pull_request_review",
            json!({"action": "submitted", "review": review, "pull_request": pull_request(SECOND, 7)}),
        ),
    ]
}

/// Works the deliveries off in this order and gives what the pull request amounts to.
async fn after(order: &[usize]) -> Standing {
    let names = Arc::<RepoNames>::default();
    let ports = Ports {
        store: MemoryStore::new(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::new()),
        policy: Arc::new(Policy::built_in(GitHubMode::Webhook)),
        destinations: Ports::inside(),
        listeners: vec![Arc::clone(&names) as _],
    };
    let coordinator = Coordinator::start(ports, Settings::default(), Arbiters::here(1)).await;
    let inbox = GitHubInbox::new(coordinator.clone(), names);
    let told = told();
    for place in order {
        let (event, mut body) = told[*place].clone();
        body["repository"] = json!({"id": 1, "full_name": "acme/web"});
        body["sender"] = json!({"login": "dev-e-bot[bot]"});
        let delivery = Delivery {
            id: format!("delivery-{place}"),
            event: event.to_owned(),
            ordering_key: String::new(),
            body: body.to_string(),
            received_at: Timestamp::default(),
            ignored: None,
        };
        inbox.work(&PendingDelivery { delivery, attempts: 0 }).await.unwrap();
    }
    let stream = StreamId::PullRequest(IssueRef::parse("acme/web#9").unwrap());
    let (_, state) = coordinator.store().load(&stream).await.unwrap().unwrap();
    let StreamState::PullRequest(state) = state else { panic!("{state:?}") };
    state.standing()
}

#[actix_web::test]
async fn a_pull_request_is_the_same_in_whatever_order_and_however_often_it_is_told() {
    let orders: [&[usize]; 6] = [
        &[0, 1, 2, 3, 4, 5, 6],
        &[6, 5, 4, 3, 2, 1, 0],
        &[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
        &[5, 2, 0, 4, 6, 3, 1],
        &[0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6],
        // The delivery of the push is lost: the review shows the new head.
        &[0, 1, 2, 4, 5, 6],
    ];
    for order in orders {
        let standing = after(order).await;
        assert_eq!(standing.head_sha.as_ref().map(ToString::to_string).as_deref(), Some(SECOND), "{order:?}");
        let facts = (standing.state, standing.ci, standing.review);
        assert_eq!(facts, (PullRequestState::Open, CiState::Passed, ReviewState::Approved), "{order:?}");
        assert_eq!(standing.linked_issues, [IssueRef::parse("acme/web#7").unwrap()], "{order:?}");
    }
}
