//! `GET /api/events` and `GET /api/events/stream`

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::event::EventType;
use conductor_core::identity::StreamId;
use conductor_core::port::{LogFilter, Store, StoreFailure};
use futures_util::stream::{Stream, try_unfold};

use crate::edge::Edge;
use crate::error::ApiError;
use crate::paging::{LARGEST_PAGE, PAGE, page, streamed};
use crate::query::Query;
use crate::subject;
use crate::wire::StoredEvent;

/// Events per page of the log where the client doesn't say.
const DEFAULT_LIMIT: u64 = 100;

/// One stream, oldest first; an unknown one is empty.
///
/// # Errors
/// When `id` is missing or the store can't answer.
pub async fn stream(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let id = query.required("id")?;
    match subject::stream_named(&**edge.store(), id).await? {
        Some(stream) => streamed("[".to_owned(), pages_of(Arc::clone(edge.store()), stream), "]").await,
        None => Ok(HttpResponse::Ok().json([(); 0])),
    }
}

/// The events of a stream, page by page.
pub(super) fn pages_of(
    store: Arc<dyn Store>,
    stream: StreamId,
) -> impl Stream<Item = Result<Vec<StoredEvent>, StoreFailure>> {
    try_unfold(Some(0), move |after| {
        let (store, stream) = (Arc::clone(&store), stream.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let events = store.read_stream(&stream, after, PAGE).await?;
            let next = events.last().filter(|_| events.len() == PAGE).map(|last| last.version);
            Ok(Some((events.into_iter().map(StoredEvent::of_stream).collect(), next)))
        }
    })
}

/// All streams in global order, after a position.
///
/// # Errors
/// When the query is malformed, names an unknown type, or the store can't answer.
pub async fn log(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let after = query.number("after", 0..=i64::MAX as u64)?.unwrap_or(0);
    let limit = query.number("limit", 1..=LARGEST_PAGE)?.unwrap_or(DEFAULT_LIMIT);
    let limit = usize::try_from(limit).unwrap_or(PAGE);
    let types = query.list("type").map(|name| {
        EventType::parse_either(name)
            .map(|known| known.as_str().to_owned())
            .ok_or_else(|| ApiError::unknown_event_type(name))
    });
    let filter = LogFilter { types: types.collect::<Result<_, _>>()? };
    let events = edge.store().read_log(after, limit, &filter).await?;
    let next = events.last().filter(|_| events.len() == limit);
    let next = next.map(|last| format!("{}?{}", request.path(), query.with("after", &last.position.to_string())));
    let events: Vec<StoredEvent> = events.into_iter().map(StoredEvent::of_log).collect();
    Ok(page(&events, next))
}
