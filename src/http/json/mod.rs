//! JSON at the edge: foreign text in, within limits, and values out.
//!
//! Invariant: a [`Value`](conductor_core::data::Value) that leaves [`parse`] has unique keys in any casing, no NUL
//! character, no number beyond 64 bits and a bounded depth, so nothing behind this module has to ask again.

mod body;
mod limits;
mod parse;
mod properties;
mod write;

pub use body::{Patience, RawBody, SLOWEST, within_patience};
pub use limits::Limits;
pub use parse::{ParseError, parse};
#[cfg(test)]
pub(crate) use properties::ASKED_FOR;
pub use properties::{Properties, canonical};
pub use write::Json;
