//! Bodies that did not come in time.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpRequest};

/// What was to read a body, and is not dropped before the answer has gone.
struct Unread {
    _reader: Box<dyn Any>,
}

/// Keeps what was to read the body until the request is answered.
///
/// The server ends the connection after an answer whose request's body nobody has finished; but if its reader is gone by then
/// and the body is chunked, it waits for the rest of it, without a deadline (actix-http 3.20), to use the connection again.
pub(crate) fn keep(request: &HttpRequest, reader: impl Any) {
    request.extensions_mut().insert(Unread { _reader: Box::new(reader) });
}

/// Ends the connections of those whose bodies did not come.
///
/// # Errors
/// What comes from within.
pub(crate) async fn hang_up<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let unread = response.request().extensions_mut().remove::<Unread>();
    Ok(match unread {
        None => response,
        Some(unread) => response.map_body(|_, body| BoxBody::new(Answer { body, _unread: unread })),
    })
}

/// An answer that goes before the reader of its request does.
struct Answer {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
