//! Core's records as JSON text, the one form in which stores keep them.
//!
//! The text of an event is written once and never again, so this is where its shape ages: each type has a **schema
//! version**, and [`upcast`] lifts older data to today's before core reads it. Every type's text is pinned by a golden
//! file beside the tests (`golden/`): a change that would make recorded events unreadable fails there first.

mod error;
mod event;
#[cfg(test)]
mod golden;
mod json;
mod prepared;
mod record;
mod upcast;

pub use error::CodecError;
pub use event::{EncodedEvent, StoredEvent, decode_event, encode_event};
pub use json::{DEEPEST, parse, write};
pub use prepared::{PreparedAppend, PreparedEffect, PreparedEvent};
pub use record::{decode_effect, decode_record, decode_state, encode_effect, encode_record, encode_state, summary_of};
pub use upcast::{Upcast, schema_version, upcast};
