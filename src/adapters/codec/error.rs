use conductor_core::data::FieldError;
use conductor_core::port::StoreFailure;

/// Why stored text could not be read, or a record not be written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The text isn't JSON, or the record holds what JSON can't (a number that isn't finite, a bottomless tree).
    #[error("translate JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, and not the record that it should be.
    #[error("read a record: {0}")]
    Record(#[from] FieldError),
    /// A later version of the daemon wrote it.
    #[error("read {type_name} of schema {found}: this version knows up to {known}")]
    NewerSchema {
        /// The event's type.
        type_name: String,
        /// What stands in the log.
        found: u16,
        /// What this version can read.
        known: u16,
    },
    /// The name of a stream can't be one.
    #[error("read a stream's name: {0:?}")]
    Stream(String),
    /// Effects go to a destination that this version doesn't know.
    #[error("read a destination of effects: {0:?}")]
    Destination(String),
}

impl From<CodecError> for StoreFailure {
    fn from(error: CodecError) -> Self {
        Self::Corrupt(error.to_string())
    }
}
