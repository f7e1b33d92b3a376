//! The endpoints: each parses, asks inside, and words the answer.

pub mod about;
pub mod agent_lines_live;
pub mod agent_logs;
pub mod agents;
pub mod assignments;
pub mod costs;
pub mod dead_letters;
pub mod events;
pub mod execution_logs;
pub mod explain;
pub mod health;
pub mod issues;
pub mod learnings;
pub mod live;
pub mod merge;
pub mod overrides;
pub mod pulls;
pub mod queue;
pub mod report;
pub mod reviews;
pub mod tokens;

use actix_web::HttpRequest;

use serde_json::json;

use crate::error::{ApiError, Code, unknown_path};
use crate::openapi::{Answer, Parameter};
use crate::paging::LARGEST_PAGE;

/// For paths that don't exist.
///
/// # Errors
/// Always: 404.
pub async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, ApiError> {
    Err(unknown_path(request.path()))
}

/// What everything that is read may be refused with.
const READS: &[Code] = &[Code::StoreCorrupt, Code::StoreUnavailable];

/// What everything that actors decide may be refused with.
const DECIDED: &[Code] =
    &[Code::StoreCorrupt, Code::StoreUnavailable, Code::Busy, Code::Draining, Code::OutcomeUnknown];

fn limit() -> Parameter {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": LARGEST_PAGE });
    Parameter::query("limit", schema, "How many at most.")
}

fn cursor() -> Parameter {
    // Hexadecimal of a number, a blank and a name; opaque nevertheless, programs follow the link.
    let schema = json!({ "type": "string", "pattern": "^(3[0-9]){1,18}20(2[1-9a-f]|[3-6][0-9a-f]|7[0-9a-e])+$" });
    Parameter::query("cursor", schema, "Where a page begins: opaque, as the `Link` header of the page before has it.")
}

/// An answer that links to the next page.
fn paged(answer: Answer) -> Answer {
    answer.header("Link", json!({ "type": "string" }), "The next page, with `rel=\"next\"`, where there is one.")
}
