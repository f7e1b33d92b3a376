//! Chunked bodies that nobody reads to their end: of requests that are refused at once, or that come too slowly.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::Stream;

/// Ends the connections of those whose chunked bodies were not read to the end.
///
/// The server ends a connection after an answer whose request's body nobody has finished. But if its reader is gone by then and
/// the body is chunked, it waits for the rest of it, without a deadline (actix-http 3.20), to use the connection again. So the
/// reader is kept until the answer has gone. Where the length of a body is known, the server finds its end by itself.
///
/// # Errors
/// What comes from within.
pub(crate) async fn hang_up<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !request.headers().contains_key(TRANSFER_ENCODING) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let body = Shared(Rc::new(RefCell::new(Some(request.take_payload()))));
    request.set_payload(Payload::Stream { payload: Box::pin(body.clone()) });
    match next.call(request).await.map(ServiceResponse::map_into_boxed_body) {
        Ok(response) => Ok(response.map_body(|_, answer| before(body, answer))),
        Err(error) => {
            let response = error.error_response().map_body(|_, answer| before(body, answer));
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The answer, and only then the end of what would read the rest of the body, if there is a rest.
fn before(body: Shared, answer: BoxBody) -> BoxBody {
    if body.is_finished() { answer } else { BoxBody::new(Answer { answer, _body: body }) }
}

/// A request's body; nothing once it has ended.
#[derive(Clone)]
struct Shared(Rc<RefCell<Option<Payload>>>);

impl Shared {
    fn is_finished(&self) -> bool {
        self.0.borrow().is_none()
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.borrow_mut();
        let Some(left) = body.as_mut() else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(left).poll_next(cx));
        if chunk.is_none() {
            *body = None;
        }
        Poll::Ready(chunk)
    }
}

/// An answer that goes before the reader of its request does.
struct Answer {
    answer: BoxBody,
    _body: Shared,
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}
