//! `GET /api/queue`

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{Store, StoreFailure};
use futures_util::stream::{self, Stream, StreamExt};

use crate::edge::{Edge, Waiting};
use crate::error::ApiError;
use crate::openapi::{Answer, Operation, Tag};
use crate::paging::streamed;
use crate::wire::QueueRow;

/// Titles that are read from the store at once.
const READS_AT_ONCE: usize = 16;

/// Everything that waits for a holder, in the order of hand-out.
///
/// # Errors
/// When the queue or the store can't answer.
pub async fn list(edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    let waiting = edge.queue.waiting().await?;
    streamed("[".to_owned(), rows(Arc::clone(edge.store()), waiting), "]").await
}

fn rows(store: Arc<dyn Store>, waiting: Vec<Waiting>) -> impl Stream<Item = Result<Vec<QueueRow>, StoreFailure>> {
    stream::iter(waiting)
        .map(move |waiting| {
            let store = Arc::clone(&store);
            async move {
                let title = title(&*store, &waiting.entry.issue).await?;
                Ok(vec![QueueRow::of(&waiting, title)])
            }
        })
        .buffered(READS_AT_ONCE)
}

async fn title(store: &dyn Store, issue: &IssueRef) -> Result<Option<String>, StoreFailure> {
    Ok(match store.load(&StreamId::Issue(issue.clone())).await? {
        Some((_, StreamState::Issue(issue))) => Some(issue.title),
        Some((_, StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_))) | None => None,
    })
}

pub(crate) fn list_described() -> Operation {
    Operation::new("queue", Tag::Work, "What waits for an agent")
        .about("In the order of hand-out; `blockedBy` names the dependencies that keep one back, `pausedBy` the scopes that are paused.")
        .answers(Answer::json::<Vec<QueueRow>>(200, "Rows."))
        .refuses(super::DECIDED)
}

#[cfg(test)]
mod tests {
    use crate::edge::Waiting;
    use crate::testing::Daemon;
    use conductor_core::claim::{Obstacle, QueueEntry};
    use conductor_core::event::Priority;
    use conductor_core::identity::IssueRef;
    use serde_json::json;

    #[actix_web::test]
    async fn the_queue_is_in_its_own_order_with_titles_and_what_keeps_it_back() {
        let daemon = Daemon::start().await;
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "Broken" });
        daemon.report(&approval).await;
        let read = |text: &str| IssueRef::parse(text).unwrap();
        let entry = |text: &str| QueueEntry {
            issue: read(text),
            priority: Priority::Normal,
            queued_at: daemon.edge.now(),
            stack: Some("node".to_owned()),
            escalate: Vec::new(),
            excluded: Default::default(),
            depends_on: vec![read("acme/web#1")],
            paused: false,
            rework: None,
        };
        *daemon.queue.0.lock().unwrap() = vec![
            Waiting {
                entry: entry("acme/web#9"),
                obstacles: vec![Obstacle::RigPaused, Obstacle::DependencyOpen(read("acme/web#1"))],
            },
            Waiting { entry: entry("acme/web#4"), obstacles: Vec::new() },
        ];
        let rows = daemon.get("/api/queue").await.expect(200);
        assert_eq!((&rows[0]["streamId"], &rows[0]["blockedBy"]), (&json!("acme/web#9"), &json!(["acme/web#1"])));
        assert_eq!((&rows[0]["pausedBy"], &rows[1]["pausedBy"]), (&json!(["rig"]), &json!([])));
        assert_eq!((&rows[1]["title"], &rows[1]["blockedBy"]), (&json!("Broken"), &json!([])));
        assert_eq!((&rows[1]["kind"], &rows[1]["queuedAt"]), (&json!("work"), &json!("2026-11-21T12:00:00.000Z")));
    }
}
