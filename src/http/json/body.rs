use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt;

use crate::error::ApiError;

/// The longest that a body may take to come, unless the server was told otherwise: 1 MiB in 30 s is a slow line, longer is
/// somebody who holds connections. GitHub gives up sooner.
pub const SLOWEST: Duration = Duration::from_secs(30);

/// The longest that a body may take to come, as application data.
#[derive(Debug, Clone, Copy)]
pub struct Patience(pub Duration);

/// Reads as long as the server has patience.
///
/// # Errors
/// 408 when it has none left.
pub async fn within_patience<T>(request: &HttpRequest, reading: impl Future<Output = T>) -> Result<T, ApiError> {
    let patience = request.app_data::<Patience>().map_or(SLOWEST, |patience| patience.0);
    tokio::time::timeout(patience, reading).await.map_err(|_| ApiError::too_slow())
}

/// A request's body, within the limit of its scope (`PayloadConfig`), whatever its content type says.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

impl FromRequest for RawBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (read, request) = (Bytes::from_request(request, payload), request.clone());
        async move { within_patience(&request, read).await?.map(Self).map_err(|error| refused(&error)) }.boxed_local()
    }
}

fn refused(error: &actix_web::Error) -> ApiError {
    if matches!(error.as_error::<PayloadError>(), Some(PayloadError::Overflow))
        || error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE
    {
        ApiError::too_large()
    } else {
        ApiError::malformed(format!("the body could not be read: {error}"))
    }
}
