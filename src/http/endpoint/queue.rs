//! `GET /api/queue`

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use conductor_core::claim::QueueEntry;
use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::port::{Store, StoreFailure};
use futures_util::stream::{self, Stream, StreamExt};

use crate::edge::Edge;
use crate::error::ApiError;
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

fn rows(
    store: Arc<dyn Store>,
    waiting: Vec<(QueueEntry, Vec<IssueRef>)>,
) -> impl Stream<Item = Result<Vec<QueueRow>, StoreFailure>> {
    stream::iter(waiting)
        .map(move |(entry, blocked_by)| {
            let store = Arc::clone(&store);
            async move {
                let title = title(&*store, &entry.issue).await?;
                Ok(vec![QueueRow::of(&entry, &blocked_by, title)])
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
