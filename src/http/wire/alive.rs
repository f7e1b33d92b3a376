use conductor_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How the process is, in a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alive {
    /// The word.
    status: &'static str,
    /// Now, as the daemon has it.
    timestamp: String,
}

impl Alive {
    /// That word, now.
    #[must_use]
    pub fn new(status: &'static str, now: Timestamp) -> Self {
        Self { status, timestamp: now.to_string() }
    }
}
