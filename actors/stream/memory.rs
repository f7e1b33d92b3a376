use std::sync::Arc;

/// What a stream actor knows of its stream.
#[derive(Debug, Default)]
pub(crate) enum Memory<S> {
    /// Nothing that may be relied on: the log is asked before the next decision.
    #[default]
    Forgotten,
    /// The state as of this version. It may be out of date (another process may have written), never wrong.
    Known(Known<S>),
}

/// A state at a version; 0 for a stream without events.
#[derive(Debug)]
pub(crate) struct Known<S> {
    pub(crate) version: u64,
    pub(crate) state: Arc<S>,
}

impl<S> Clone for Known<S> {
    fn clone(&self) -> Self {
        Self { version: self.version, state: Arc::clone(&self.state) }
    }
}
