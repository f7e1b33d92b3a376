//! `GET /api/pulls`

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::decider::StreamState;
use conductor_core::event::PullRequestState;
use conductor_core::identity::StreamKind;
use conductor_core::port::{Cursor, RowFilter, Store, StoreFailure, StoredRow};
use futures_util::stream::{Stream, try_unfold};

use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, Texts, one_of, repo};
use crate::paging::{LARGEST_PAGE, PAGE, cursor_of, cursor_text, page, streamed};
use crate::query::Query;
use crate::wire::PullRow;

/// The rows that match, by repo and number: all of them, streamed, or a page of them.
///
/// # Errors
/// When a filter is malformed or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let filter = RowFilter {
        repo: query.read("repo")?.map(|repo| edge.first_name(repo)),
        states: states(&query)?,
        ..RowFilter::default()
    };
    let (store, after) = (Arc::clone(edge.store()), cursor_of(&query)?);
    let Some(limit) = query.number("limit", 1..=LARGEST_PAGE)? else {
        return streamed("[".to_owned(), all(store, filter, after), "]").await;
    };
    let limit = usize::try_from(limit).unwrap_or(PAGE);
    let stored = store.rows(StreamKind::PullRequest, &filter, after.as_ref(), limit + 1).await?;
    let next = stored.get(limit).and_then(|_| stored.get(limit - 1)).map(StoredRow::cursor);
    let next = next.map(|cursor| format!("{}?{}", request.path(), query.with("cursor", &cursor_text(&cursor))));
    Ok(page(&rows(stored.into_iter().take(limit)), next))
}

fn states(query: &Query) -> Result<Vec<&'static str>, ApiError> {
    let read = query.list("state").map(|word| {
        PullRequestState::from_word(&word.to_ascii_lowercase()).map(PullRequestState::as_str).ok_or_else(|| {
            let words: Vec<&str> = PullRequestState::ALL.iter().map(|state| state.as_str()).collect();
            ApiError::malformed(format!("state must be one of {}", words.join(", ")))
        })
    });
    read.collect()
}

fn all(
    store: Arc<dyn Store>,
    filter: RowFilter,
    after: Option<Cursor>,
) -> impl Stream<Item = Result<Vec<PullRow>, StoreFailure>> {
    try_unfold((after, true), move |(after, more)| {
        let (store, filter) = (Arc::clone(&store), filter.clone());
        async move {
            if !more {
                return Ok(None);
            }
            let stored = store.rows(StreamKind::PullRequest, &filter, after.as_ref(), PAGE).await?;
            let next = (stored.last().map(StoredRow::cursor), stored.len() == PAGE);
            Ok(Some((rows(stored), next)))
        }
    })
}

fn rows(stored: impl IntoIterator<Item = StoredRow>) -> Vec<PullRow> {
    let row = |stored: StoredRow| match &stored.state {
        StreamState::PullRequest(pull) => PullRow::of(pull),
        StreamState::Issue(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
    };
    stored.into_iter().filter_map(row).collect()
}

pub(crate) fn list_described() -> Operation {
    let state = Parameter::list("state", &one_of(&PullRequestState::texts()), "In one of these states.");
    Operation::new("pulls", Tag::State, "Pull requests as they stand")
        .about("By repository and number. Without `limit` everything, streamed.")
        .with(Parameter::query("repo", repo(), "Of this repository.").example("some", "acme/web"))
        .with(state.example("some", "open,merged"))
        .with(super::limit())
        .with(super::cursor())
        .answers(super::paged(Answer::json::<Vec<PullRow>>(200, "Rows.")))
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use serde_json::json;

    #[actix_web::test]
    async fn pull_requests_are_listed_filtered_and_paged() {
        let daemon = Daemon::start().await;
        for reference in ["acme/web#57", "acme/api#3", "acme/web#58"] {
            daemon.pull_request(reference, &["acme/web#4"]).await;
        }
        let names = |rows: serde_json::Value| -> Vec<String> {
            rows.as_array().unwrap().iter().map(|row| row["streamId"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(daemon.get("/api/pulls").await.expect(200)), ["acme/api#3", "acme/web#57", "acme/web#58"]);
        let of_repo = daemon.get("/api/pulls?repo=acme/web&state=open").await.expect(200);
        assert_eq!(of_repo[0]["linkedIssues"], json!(["acme/web#4"]));
        assert_eq!(names(of_repo), ["acme/web#57", "acme/web#58"]);
        assert_eq!(daemon.get("/api/pulls?state=merged").await.expect(200), json!([]));
        let page = daemon.get("/api/pulls?limit=2").await;
        assert!(page.headers["link"].contains("cursor="), "{page:?}");
        daemon.get("/api/pulls?state=queued").await.refused(400, "malformed");
    }
}
