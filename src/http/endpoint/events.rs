//! `GET /api/events` and `GET /api/events/stream`

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::event::EventType;
use conductor_core::identity::StreamId;
use conductor_core::port::{LogFilter, Store, StoreFailure};
use futures_util::stream::{Stream, try_unfold};

use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, count, not_blank, one_of};
use crate::paging::{LARGEST_PAGE, PAGE, page, streamed};
use crate::query::Query;
use crate::subject;
use crate::wire::StoredEvent;

/// Positions are counted in 63 bits, as the stores do.
pub(super) const LARGEST_POSITION: u64 = i64::MAX as u64;

/// Events per page of the log where the client doesn't say.
const DEFAULT_LIMIT: u64 = 100;

/// One stream, oldest first; an unknown one is empty.
///
/// # Errors
/// When `id` is missing or the store can't answer.
pub async fn stream(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let id = query.required("id")?;
    match subject::stream_named(&edge, id).await? {
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
    let query = Query::with_lists(&request, &["type"])?;
    let after = query.number("after", 0..=LARGEST_POSITION)?.unwrap_or(0);
    let limit = query.number("limit", 1..=LARGEST_PAGE)?.unwrap_or(DEFAULT_LIMIT);
    let limit = usize::try_from(limit).unwrap_or(PAGE);
    let filter = types(&query)?;
    let events = edge.store().read_log(after, limit, &filter).await?;
    let next = events.last().filter(|_| events.len() == limit);
    let next = next.map(|last| format!("{}?{}", request.path(), query.with("after", &last.position.to_string())));
    let events: Vec<StoredEvent> = events.into_iter().map(StoredEvent::of_log).collect();
    Ok(page(&events, next))
}

/// The filter by `type`, in either spelling.
///
/// # Errors
/// When no event is called so.
pub(super) fn types(query: &Query) -> Result<LogFilter, ApiError> {
    let types = query.list("type").map(|name| {
        EventType::parse_either(name)
            .map(|known| known.as_str().to_owned())
            .ok_or_else(|| ApiError::unknown_event_type(name))
    });
    Ok(LogFilter { types: types.collect::<Result<_, _>>()? })
}

pub(crate) fn stream_described() -> Operation {
    let id = Parameter::query("id", not_blank(), "`owner/repo#42` (`#` as `%23`), an agent's id, or `rig`.").required();
    Operation::new("events_of_stream", Tag::Events, "One stream, oldest first")
        .about("A stream that nobody has heard of is empty.")
        .with(id.example("an_issue", "acme/web#42"))
        .answers(Answer::json::<Vec<StoredEvent>>(200, "Events."))
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

pub(crate) fn log_described() -> Operation {
    Operation::new("events", Tag::Events, "The whole log, in order")
        .about(
            "Positions are in commit order: whoever has seen position p never later finds a new event at or below it.",
        )
        .with(after().example("some", 0))
        .with(super::limit().example("some", 2))
        .with(types_described().example("some", "IssueApproved,MERGED"))
        .answers(super::paged(Answer::json::<Vec<StoredEvent>>(200, "Events.")))
        .refuses(&[Code::Malformed, Code::UnknownEventType])
        .refuses(super::READS)
}

pub(super) fn after() -> Parameter {
    Parameter::query("after", count(LARGEST_POSITION), "Only what comes after this position.")
}

pub(super) fn types_described() -> Parameter {
    let names: Vec<String> =
        EventType::all().flat_map(|known| [known.as_str().to_owned(), known.pascal_case()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Parameter::list("type", &one_of(&names), "Only these types, in either spelling; may be given several times.")
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use serde_json::{Value, json};

    async fn with_history() -> Daemon {
        let daemon = Daemon::start().await;
        for number in [4, 5] {
            let approval = json!({ "type": "ISSUE_APPROVED", "repo": "Acme/Web", "issueNumber": number, "title": "x" });
            daemon.report(&approval).await;
        }
        let assigned =
            json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
        daemon.report(&assigned).await;
        daemon
    }

    fn types(events: &Value) -> Vec<&str> {
        events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
    }

    #[actix_web::test]
    async fn a_stream_is_read_oldest_first_with_pascal_case_types() {
        let daemon = with_history().await;
        let events = daemon.get("/api/events/stream?id=acme%2Fweb%234").await.expect(200);
        assert_eq!(types(&events), ["IssueApproved", "IssueAssigned"]);
        assert_eq!((&events[0]["version"], &events[1]["position"]), (&json!(1), &json!(3)));
        assert_eq!(events[1]["data"]["agentId"], "dev-e-node");
        assert!(events[1]["data"].get("leaseToken").is_none());
        assert_eq!(events[0]["metadata"]["actor"], "operator:local");
    }

    #[actix_web::test]
    async fn an_unknown_stream_is_empty() {
        let daemon = with_history().await;
        for id in ["acme/web%2399", "nobody", "acme/web", "%23", "a/b/c%231", "rig"] {
            assert_eq!(daemon.get(&format!("/api/events/stream?id={id}")).await.expect(200), json!([]), "{id}");
        }
        daemon.get("/api/events/stream").await.refused(400, "malformed");
        daemon.get("/api/events/stream?id=%00").await.refused(400, "malformed");
    }

    #[actix_web::test]
    async fn a_long_stream_is_read_whole() {
        let daemon = with_history().await;
        for turn in 0..super::PAGE {
            let priority = if turn % 2 == 0 { "high" } else { "normal" };
            let change =
                json!({ "type": "PRIORITY_CHANGED", "repo": "acme/web", "issueNumber": 4, "priority": priority });
            daemon.report(&change).await;
        }
        let events = daemon.get("/api/events/stream?id=acme/web%234").await.expect(200);
        assert_eq!(events.as_array().unwrap().len(), 2 + super::PAGE);
        assert_eq!(events[1 + super::PAGE]["version"], 2 + super::PAGE);
    }

    #[actix_web::test]
    async fn the_log_is_read_in_pages_and_filtered_in_both_spellings() {
        let daemon = with_history().await;
        let first = daemon.get("/api/events?limit=2").await;
        assert_eq!(first.headers["link"], "</api/events?limit=2&after=2>; rel=\"next\"");
        assert_eq!(first.expect(200)[0]["streamId"], "Acme/Web#4");
        let rest = daemon.get("/api/events?limit=2&after=2").await;
        assert_eq!((types(&rest.expect(200)), rest.headers.get("link")), (vec!["IssueAssigned"], None));
        for spelling in ["IssueApproved", "ISSUE_APPROVED", "ISSUE_APPROVED,MERGED", "MERGED&type=IssueApproved"] {
            let events = daemon.get(&format!("/api/events?type={spelling}")).await.expect(200);
            assert_eq!(types(&events), ["IssueApproved", "IssueApproved"], "{spelling}");
        }
    }

    #[actix_web::test]
    async fn a_bad_query_of_the_log_is_refused() {
        let daemon = Daemon::start().await;
        let problem = daemon.get("/api/events?type=issueapproved").await.refused(400, "unknown_event_type");
        assert_eq!(problem, "Unknown event type: issueapproved");
        for query in ["limit=0", "limit=1001", "after=-1", "after=x", "after=1&AFTER=2"] {
            daemon.get(&format!("/api/events?{query}")).await.refused(400, "malformed");
        }
    }
}
