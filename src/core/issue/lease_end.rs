//! How a lease ends when its time is up: found by the clock of the leader, decided again here.

use crate::decider::{Decision, Given};
use crate::event::{IssueEvent, LeaseExpired};
use crate::port::Guard;
use crate::time::Timestamp;

use super::draft::Draft;
use super::{Issue, Lease};

/// Why a lease's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// Its holder gave no sign of life for too long after this one. A later one that comes before the append keeps it.
    Silent {
        /// The last sign, or the lease's beginning.
        last_sign: Timestamp,
    },
    /// Its holder took the stream entry and was heard from no more after this sign. A later one that comes before the append
    /// keeps it.
    Unheard {
        /// The last sign, or the lease's beginning.
        last_sign: Timestamp,
    },
    /// Its entry never came to its agent's stream: it is a dead letter, or nothing was heard of it for as long as any lease may
    /// last without progress.
    Undelivered,
    /// Nothing was worked on for too long, whatever the heartbeats say.
    NotStarted {
        /// The last sign of life. Another one that comes before the append has it judged anew: it may be of a run.
        last_sign: Timestamp,
    },
    /// Whoever had begun started anew then, and has forgotten it.
    Restarted {
        /// When.
        at: Timestamp,
    },
    /// A person's hook has had its day.
    HookOver,
    /// It lasted for too long without progress. Alone of them all this one is the holder's failure: a strike.
    NoProgress,
}

impl LeaseEnd {
    /// The reason on record.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Silent { .. } => "silent",
            Self::Unheard { .. } => "unheard",
            Self::Undelivered => "undelivered",
            Self::NotStarted { .. } => "not_started",
            Self::Restarted { .. } => "restart",
            Self::HookOver => "expired",
            Self::NoProgress => "no_progress",
        }
    }

    /// Whether it is so of this lease as it is now.
    fn holds(self, lease: &Lease) -> bool {
        match self {
            Self::Silent { .. } => !lease.hook,
            Self::Unheard { .. } => lease.pushed,
            Self::Undelivered => lease.pushed && !lease.started(),
            Self::NotStarted { .. } => !lease.hook && !lease.started(),
            Self::Restarted { at } => lease.started_at.is_some_and(|began| began < at),
            Self::HookOver => lease.hook,
            Self::NoProgress => !lease.hook,
        }
    }

    fn fact(self, lease: &Lease) -> String {
        match self {
            Self::Silent { last_sign } => format!("last sign of life at {last_sign}"),
            Self::Unheard { last_sign } => format!("took its entry, last sign of life at {last_sign}"),
            Self::Undelivered => format!("assigned at {}, no entry has come to {}", lease.assigned_at, lease.claimant),
            Self::NotStarted { .. } => format!("assigned at {}, nothing was worked on", lease.assigned_at),
            Self::Restarted { at } => format!("{} started anew at {at}", lease.claimant),
            Self::HookOver => format!("a person's hook, given until {}", lease.expires_at),
            Self::NoProgress => format!("assigned at {}, no progress since", lease.assigned_at),
        }
    }
}

/// Ends the lease of that epoch; a newer one, or what is no longer so of it, is left alone.
pub(super) fn decide(issue: &Issue, epoch: u32, why: LeaseEnd, given: &Given<'_>) -> Decision<IssueEvent> {
    let Some(lease) = issue.lease.as_ref().filter(|lease| lease.epoch == epoch && why.holds(lease)) else {
        return Decision::unchanged(issue.state_version);
    };
    let (agent, reason) = (lease.claimant.agent.clone(), why.reason().to_owned());
    let mut draft = Draft::of(issue, given);
    match why {
        LeaseEnd::NoProgress => draft.strike(agent, reason),
        LeaseEnd::Silent { .. }
        | LeaseEnd::Unheard { .. }
        | LeaseEnd::Undelivered
        | LeaseEnd::NotStarted { .. }
        | LeaseEnd::Restarted { .. }
        | LeaseEnd::HookOver => {
            draft.rule("lease_expiry", [why.fact(lease)], LeaseExpired { agent, epoch, reason });
        }
    }
    let decision = draft.accept();
    match why {
        LeaseEnd::Silent { last_sign } | LeaseEnd::Unheard { last_sign } | LeaseEnd::NotStarted { last_sign } => {
            let issue = issue.reference.clone();
            decision.guarded(Guard::LeaseSilentSince { issue, epoch, since: last_sign })
        }
        LeaseEnd::Undelivered | LeaseEnd::Restarted { .. } | LeaseEnd::HookOver | LeaseEnd::NoProgress => decision,
    }
}
