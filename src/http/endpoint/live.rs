//! `GET /api/events/live`

use std::convert::Infallible;

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;

use super::events::{LARGEST_POSITION, after, types, types_described};
use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::live::NoReading;
use crate::openapi::{Answer, Operation, Parameter, Tag, count};
use crate::query::Query;

/// Where a client that lost the connection had come to; browsers send it by themselves.
pub(super) const LAST_EVENT_ID: &str = "Last-Event-ID";

/// The whole log as server-sent events: from `Last-Event-ID`, else from `after`, else from now on.
///
/// # Errors
/// When the query is malformed, names an unknown type, or nobody can read along now.
pub async fn live(edge: Data<Edge>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::with_lists(&request, &["type"])?;
    let filter = types(&query)?;
    let after = match last_event_id(&request)? {
        Some(position) => Some(position),
        None => query.number("after", 0..=LARGEST_POSITION)?,
    };
    let reader =
        edge.live.read(visitor.told_apart_as(), after, filter).await?.for_as_long_as(edge.admission.pass(&visitor));
    let body = unfold(reader, async |mut reader| reader.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), reader)));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies of the nginx family hold answers back until they are long enough.
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(Box::pin(body)))
}

pub(super) fn last_event_id(request: &HttpRequest) -> Result<Option<u64>, ApiError> {
    let Some(header) = request.headers().get(LAST_EVENT_ID).filter(|header| !header.is_empty()) else {
        return Ok(None);
    };
    let position = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    let position = position.filter(|position| *position <= LARGEST_POSITION);
    position.map(Some).ok_or_else(|| {
        ApiError::malformed(
            "Last-Event-ID is no position: send the id of the last event you have seen, or leave it out",
        )
    })
}

impl From<NoReading> for ApiError {
    fn from(no: NoReading) -> Self {
        match no {
            NoReading::Full => Self::not_now(
                Code::TooManyReaders,
                "as many read the live feed as may: try again after the time in Retry-After, or poll GET /api/events",
            ),
            NoReading::FullForOne { most } => Self::not_now(
                Code::TooManyOwnReaders,
                format!(
                    "you read the live feed {most} times, as often as one caller may: end one of them, or poll GET /api/events"
                ),
            ),
            NoReading::Closing => Self::not_now(
                Code::Draining,
                "the daemon is going down: try again in a moment, with the same Last-Event-ID",
            ),
            NoReading::BeyondTheEnd { head } => Self::malformed(format!(
                "the log ends at position {head}: ask from there, or leave the position out to read from now on"
            )),
            NoReading::Store(failure) => failure.into(),
        }
    }
}

pub(crate) fn live_described() -> Operation {
    let stream = |_: &mut _| schemars::json_schema!({ "type": "string" });
    let resume = Parameter::header(
        LAST_EVENT_ID,
        count(LARGEST_POSITION),
        "The last `id` that was seen: the stream goes on after it. Wins over `after`.",
    );
    Operation::new("live_events", Tag::Events, "The log as it grows, as server-sent events")
        .about(
            "From `Last-Event-ID`, else from `after`, else from now on; it has no end. Each event is one block: `id` its \
             position, `event` its type, `data` the same object as in `GET /api/events`. A block without data moves the position \
             alone. Nothing is missed and nothing comes twice for a client that comes back with the last id, be it to another \
             replica; who reads too slowly is sent away and comes back like that. The stream ends within seconds with the token that \
             it was asked for with.",
        )
        .with(after())
        .with(types_described())
        .with(resume)
        .answers(Answer::text(200, "text/event-stream", stream, "Events, and a comment every 15 seconds."))
        .refuses(&[Code::Malformed, Code::UnknownEventType, Code::TooManyOwnReaders, Code::TooManyReaders])
        .refuses(&[Code::Draining])
        .refuses(super::READS)
}
