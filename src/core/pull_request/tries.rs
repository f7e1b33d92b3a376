//! Who was asked about a head, and how that ended: what the rule of dispatch counts.

use crate::identity::AgentId;
use crate::quota;
use crate::record;
use crate::time::Timestamp;

crate::words! {
    /// How a dispatch ended.
    pub enum TryEnd {
        /// With a verdict or an abstention on that head.
        Answered = "answered",
        /// Its deadline passed.
        TimedOut = "timeout",
        /// The reviewer took it, and was heard from no more.
        Unheard = "unheard",
        /// It never reached the reviewer.
        Undelivered = "undelivered",
        /// The reviewer's provider ran dry.
        Quota = "quota",
        /// The reviewer said that it could not.
        Failed = "failed",
        /// Nobody wanted the answer any more.
        Obsolete = "obsolete",
    }
}

/// Why the daemon itself closes a dispatch whose deadline has passed.
pub(crate) const TIMEOUT: &str = "timeout";
/// Why the daemon itself closes a dispatch whose reviewer took it and died.
pub(crate) const UNHEARD: &str = "unheard";
/// Why the daemon itself closes a dispatch that can't be brought to its reviewer.
pub(crate) const UNDELIVERED: &str = "undelivered";
/// Why the daemon itself closes a dispatch that nobody waits for.
pub(crate) const OBSOLETE: &str = "obsolete";

impl TryEnd {
    /// What a REVIEW_FAILED of that reason means.
    #[must_use]
    pub fn of_failure(reason: &str) -> Self {
        match reason {
            TIMEOUT => Self::TimedOut,
            UNHEARD => Self::Unheard,
            OBSOLETE => Self::Obsolete,
            UNDELIVERED => Self::Undelivered,
            _ if quota::ran_dry(reason) => Self::Quota,
            _ => Self::Failed,
        }
    }

    /// Whether the reviewer itself said that it could not.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Quota | Self::Failed => true,
            Self::Answered | Self::TimedOut | Self::Unheard | Self::Undelivered | Self::Obsolete => false,
        }
    }

    /// Whether nobody knows why there was no answer.
    #[must_use]
    pub fn is_silence(self) -> bool {
        match self {
            Self::TimedOut | Self::Unheard => true,
            Self::Answered | Self::Undelivered | Self::Quota | Self::Failed | Self::Obsolete => false,
        }
    }
}

record! {
    /// One dispatch about one head.
    pub struct Try {
        /// Whom.
        "reviewer" => reviewer: AgentId,
        /// When it was asked.
        "at" => at: Timestamp,
        /// How it ended; absent while it is open.
        "end" => end: Option<TryEnd>,
        /// When.
        "endedAt" => ended_at: Option<Timestamp>,
    }
}

impl Try {
    /// Whether it is one of those that a head has before a person is called.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self.end {
            None
            | Some(TryEnd::Answered | TryEnd::TimedOut | TryEnd::Unheard | TryEnd::Undelivered | TryEnd::Failed) => {
                true
            }
            Some(TryEnd::Quota | TryEnd::Obsolete) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failure_says_how_the_dispatch_ended() {
        for (reason, end) in [
            ("timeout", TryEnd::TimedOut),
            ("unheard", TryEnd::Unheard),
            ("obsolete", TryEnd::Obsolete),
            ("undelivered", TryEnd::Undelivered),
            ("quota", TryEnd::Quota),
            ("HTTP 429: USAGE_LIMIT_REACHED", TryEnd::Quota),
            ("the checkout failed", TryEnd::Failed),
            ("a timeout of the test suite", TryEnd::Failed),
        ] {
            assert_eq!(TryEnd::of_failure(reason), end, "{reason}");
        }
    }
}
