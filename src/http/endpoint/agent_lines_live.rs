//! `GET /api/agent-logs/live`

use std::convert::Infallible;

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;

use super::agent_logs::{filter, filtered};
use super::live::{LAST_EVENT_ID, last_event_id};
use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag, count};
use crate::query::Query;

/// Agents' lines as they are written, as server-sent events: from now on, and what came after `Last-Event-ID`.
///
/// # Errors
/// When a filter is malformed, or nobody can read along now.
pub async fn live(edge: Data<Edge>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let filter = filter(&edge, &Query::of(&request)?)?;
    let after = last_event_id(&request)?;
    let reader =
        edge.lines.read(visitor.told_apart_as(), after, filter).await?.for_as_long_as(edge.admission.pass(&visitor));
    let body = unfold(reader, async |mut reader| reader.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), reader)));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies of the nginx family hold answers back until they are long enough.
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(Box::pin(body)))
}

pub(crate) fn live_described() -> Operation {
    let stream = |_: &mut _| schemars::json_schema!({ "type": "string" });
    let resume = Parameter::header(
        LAST_EVENT_ID,
        count(i64::MAX.unsigned_abs()),
        "The last `id` that was seen: up to a thousand lines that came after it are told first.",
    );
    let described = Operation::new("live_agent_lines", Tag::Runs, "What agents' processes write, as server-sent events")
        .about(
            "From now on, whichever replica takes the lines; it has no end. Each line is one block: `id` its place, `event` \
             `line`, `data` the same object as in `GET /api/agent-logs`, which has all that is kept: this is a hint, and a line \
             that was committed late may be missed by who comes back. Who reads too slowly is sent away. The stream ends within \
             seconds with the token that it was asked for with. Where there is a broker, each line is published on its channel \
             `logs:<agentId>` too.",
        );
    filtered(described)
        .with(resume)
        .answers(Answer::text(200, "text/event-stream", stream, "Lines, and a comment every 15 seconds."))
        .refuses(&[Code::Malformed, Code::TooManyOwnReaders, Code::TooManyReaders])
        .refuses(&[Code::Draining])
        .refuses(super::READS)
}
