//! Going down without losing anything: the pill at the end of each mailbox, a deadline, and an honest report.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::ring::Circumstances;

/// What a drain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainReport {
    /// How long it took.
    pub took: Duration,
    /// Admitted requests that were not answered when the deadline came.
    pub unanswered: usize,
    /// Streams whose command was under way then, as `kind/key`.
    pub streams: Vec<String>,
    /// Passes whose tick was under way then.
    pub passes: Vec<&'static str>,
}

impl DrainReport {
    /// Whether nothing was left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unanswered == 0 && self.streams.is_empty() && self.passes.is_empty()
    }
}

impl std::fmt::Display for DrainReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let took = self.took.as_millis();
        if self.is_complete() {
            return write!(f, "drained within {took} ms, nothing left");
        }
        write!(f, "gave up draining after {took} ms: {} requests unanswered", self.unanswered)?;
        for (what, names) in [("streams", self.streams.join(", ")), ("passes", self.passes.join(", "))] {
            if !names.is_empty() {
                write!(f, "; {what} under way: {names}")?;
            }
        }
        Ok(())
    }
}

/// Waits for `everything` to end, at most until the deadline.
pub(crate) async fn drained_within(
    deadline: Duration,
    everything: impl Future<Output = ()>,
    with: &Circumstances,
) -> DrainReport {
    let begun = Instant::now();
    let left = tokio::time::timeout(deadline, everything).await.is_err();
    let report = DrainReport {
        took: begun.elapsed(),
        unanswered: with.under_way(),
        streams: if left { with.board.streams_under_way() } else { Vec::new() },
        passes: with.passes.not_stopped(),
    };
    if report.is_complete() {
        tracing::info!(took_ms = report.took.as_millis(), "{report}");
    } else {
        tracing::warn!(took_ms = report.took.as_millis(), unanswered = report.unanswered, "{report}");
    }
    report
}
