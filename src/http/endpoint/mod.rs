//! The endpoints: each parses, asks inside, and words the answer.

pub mod agents;
pub mod assignments;
pub mod events;
pub mod health;
pub mod issues;
pub mod live;
pub mod pulls;
pub mod queue;
pub mod report;
pub mod root;
pub mod tokens;

use actix_web::HttpRequest;

use crate::error::{ApiError, unknown_path};

/// For paths that don't exist.
///
/// # Errors
/// Always: 404.
pub async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, ApiError> {
    Err(unknown_path(request.path()))
}
