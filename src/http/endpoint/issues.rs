//! `GET /api/issues` and one of them

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, Priority};
use conductor_core::identity::{Claimant, IssueRef, RepoName, StreamId, StreamKind};
use conductor_core::port::{Cursor, RowFilter, Store, StoreFailure, StoredRow};
use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;

use super::events::pages_of;
use crate::dependencies::OpenDependencies;
use crate::edge::Edge;
use crate::error::{ApiError, json_text};
use crate::paging::{LARGEST_PAGE, PAGE, cursor_of, cursor_text, page, streamed};
use crate::query::Query;
use crate::subject;
use crate::wire::{IssueRow, PullRow};

/// The rows that match, by repo and number: all of them, streamed, or a page of them.
///
/// # Errors
/// When a filter is malformed or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let filter = RowFilter {
        repo: query.read::<RepoName>("repo")?,
        states: states(&query)?,
        priority: priority(&query)?,
        agent: query.read::<Claimant>("agentId")?.map(|claimant| claimant.agent),
    };
    let store = Arc::clone(edge.store());
    let Some(limit) = query.number("limit", 1..=LARGEST_PAGE)? else {
        return streamed("[".to_owned(), all(store, filter), "]").await;
    };
    let limit = usize::try_from(limit).unwrap_or(PAGE);
    let after = cursor_of(&query)?;
    let stored = store.rows(StreamKind::Issue, &filter, after.as_ref(), limit + 1).await?;
    let next = stored.get(limit).and_then(|_| stored.get(limit - 1)).map(StoredRow::cursor);
    let next = next.map(|cursor| format!("{}?{}", request.path(), query.with("cursor", &cursor_text(&cursor))));
    let mut dependencies = OpenDependencies::default();
    let rows = rows(&*store, stored.into_iter().take(limit), &mut dependencies).await?;
    Ok(page(&rows, next))
}

/// `failed` is what old clients call `escalated`.
fn states(query: &Query) -> Result<Vec<&'static str>, ApiError> {
    let known = |word: &str| match word {
        "failed" => Some(IssueState::Escalated),
        word => IssueState::from_word(word),
    };
    let read = query.list("state").map(|word| {
        known(&word.to_ascii_lowercase()).map(IssueState::as_str).ok_or_else(|| {
            let words: Vec<&str> = IssueState::ALL.iter().map(|state| state.as_str()).collect();
            ApiError::malformed(format!("state must be one of {}", words.join(", ")))
        })
    });
    read.collect()
}

fn priority(query: &Query) -> Result<Option<&'static str>, ApiError> {
    Ok(query.read::<Priority>("priority")?.map(Priority::as_str))
}

fn all(store: Arc<dyn Store>, filter: RowFilter) -> impl Stream<Item = Result<Vec<IssueRow>, StoreFailure>> {
    struct Reading {
        after: Option<Cursor>,
        dependencies: OpenDependencies,
        more: bool,
    }
    let start = Reading { after: None, dependencies: OpenDependencies::default(), more: true };
    try_unfold(start, move |mut reading| {
        let (store, filter) = (Arc::clone(&store), filter.clone());
        async move {
            if !reading.more {
                return Ok(None);
            }
            let stored = store.rows(StreamKind::Issue, &filter, reading.after.as_ref(), PAGE).await?;
            reading.more = stored.len() == PAGE;
            reading.after = stored.last().map(StoredRow::cursor);
            let rows = rows(&*store, stored, &mut reading.dependencies).await?;
            Ok(Some((rows, reading)))
        }
    })
}

async fn rows(
    store: &dyn Store,
    stored: impl IntoIterator<Item = StoredRow>,
    dependencies: &mut OpenDependencies,
) -> Result<Vec<IssueRow>, StoreFailure> {
    let mut rows = Vec::new();
    for row in stored {
        if let StreamState::Issue(issue) = &row.state {
            let open = dependencies.of(store, issue).await?;
            rows.extend(IssueRow::of(issue, row.body, &open));
        }
    }
    Ok(rows)
}

/// One issue with its body and its timeline. A number that is a pull request means that pull request here too.
///
/// # Errors
/// When the path is no issue, when nothing is known of it, or the store can't answer.
pub async fn one(edge: Data<Edge>, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let (owner, name, number) = path.into_inner();
    let text = format!("{owner}/{name}#{number}");
    let reference = IssueRef::parse(&text)
        .ok_or_else(|| ApiError::malformed(format!("{text} is no issue: use /api/issues/owner/repo/42")))?;
    let store = edge.store();
    let unknown =
        || ApiError::unknown(format!("nothing is known of {reference}: approve it first, or check the number"));
    let stream = match subject::kind_of(&**store, &reference).await? {
        Some(StreamKind::PullRequest) => StreamId::PullRequest(reference.clone()),
        Some(StreamKind::Issue) => StreamId::Issue(reference.clone()),
        Some(StreamKind::Agent | StreamKind::Rig) | None => return Err(unknown()),
    };
    let row = store.row(&stream).await?.ok_or_else(unknown)?;
    let head = match &row.state {
        StreamState::Issue(issue) => {
            let open = OpenDependencies::default().of(&**store, issue).await?;
            opened(IssueRow::of(issue, row.body, &open))
        }
        StreamState::PullRequest(pull) => opened(PullRow::of(pull)),
        StreamState::Agent(_) | StreamState::Rig(_) => None,
    };
    let head = head.ok_or_else(unknown)?;
    streamed(head, pages_of(Arc::clone(store), stream), "]}").await
}

/// A row's JSON, left open for its timeline.
fn opened(row: Option<impl Serialize>) -> Option<String> {
    let text = json_text(&row?);
    text.strip_suffix('}').map(|open| format!("{open},\"timeline\":["))
}
