//! The neutral tree in which records leave and enter this crate.
//!
//! A record's fields are declared once, with [`record!`](crate::record) and their stored names; the rings outside turn a
//! [`Value`] into JSON text and back without knowing any record. Renaming a Rust field therefore never renames a stored one.

mod field;
mod record;
mod value;

pub use field::{Field, FieldError, FieldKey};
pub use record::Record;
pub use value::Value;
