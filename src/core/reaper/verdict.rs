use crate::expiry::RENEWALS_LATE_AT_MOST;
use crate::hold::{Hold, running};
use crate::identity::{IssueRef, PrRef};
use crate::issue::LeaseEnd;
use crate::roster::Timers;
use crate::silence::AgentSilence;
use crate::time::Timestamp;

use super::Suspicion;

/// What an entry tells of, as that stands now.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// A lease that lives.
    Leased {
        /// Of which issue.
        issue: IssueRef,
        /// Which of its leases.
        epoch: u32,
        /// The last sign of life, of whatever kind, or its beginning.
        last_sign: Timestamp,
        /// When operators held the issue, its repository, the rig or the agent: its clocks stood still.
        holds: Vec<Hold>,
    },
    /// A dispatch that is open.
    Asked {
        /// About which pull request.
        pull: PrRef,
        /// The version of its REVIEW_ASSIGNED.
        version: u64,
    },
    /// A lease or dispatch that is over.
    Over,
    /// Nothing of ours: somebody else added it, or its content is gone.
    Foreign,
}

/// What is to be done about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The lease ends, then the entry is acknowledged.
    EndLease {
        /// Of this issue.
        issue: IssueRef,
        /// This one of its leases.
        epoch: u32,
        /// And why.
        why: LeaseEnd,
    },
    /// The dispatch ends, if the append finds it so too; then the entry is acknowledged.
    EndDispatch {
        /// About this pull request.
        pull: PrRef,
        /// The version of its REVIEW_ASSIGNED.
        version: u64,
        /// What speaks against its reviewer.
        silence: AgentSilence,
    },
    /// It is acknowledged in its reader's place.
    Acknowledge,
    /// It stays, though it is what its readers die of: its lease or deadline ends it.
    Poison,
    /// It stays.
    Leave,
}

/// What is to be made of an entry that is suspected of that, and stands for this.
#[must_use]
pub fn judge(
    suspicion: Suspicion,
    standing: Standing,
    silence: &AgentSilence,
    timers: &Timers,
    now: Timestamp,
) -> Verdict {
    match (suspicion, standing) {
        (Suspicion::Unheard, Standing::Leased { issue, epoch, last_sign, holds }) => {
            let silent = running(last_sign.max(silence.listening), now, &holds);
            if silent < timers.offline_after + RENEWALS_LATE_AT_MOST {
                return Verdict::Leave;
            }
            Verdict::EndLease { issue, epoch, why: LeaseEnd::Unheard { last_sign } }
        }
        (Suspicion::Unheard, Standing::Asked { pull, version }) => {
            if now.since(silence.since()) < timers.offline_after {
                return Verdict::Leave;
            }
            Verdict::EndDispatch { pull, version, silence: *silence }
        }
        (Suspicion::Poison, Standing::Leased { .. } | Standing::Asked { .. }) => Verdict::Poison,
        // Leases and dispatches have ends of their own, sooner than this.
        (Suspicion::Old, Standing::Leased { .. } | Standing::Asked { .. }) => Verdict::Leave,
        (Suspicion::Unheard | Suspicion::Poison | Suspicion::Old, Standing::Over)
        | (Suspicion::Unheard | Suspicion::Old, Standing::Foreign) => Verdict::Acknowledge,
        (Suspicion::Poison, Standing::Foreign) => Verdict::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reaper::suspicion::tests::at;

    const NOW: u64 = 60;

    fn unheard() -> AgentSilence {
        AgentSilence { heard: None, listening: at(0) }
    }

    fn now() -> Timestamp {
        at(NOW).plus(RENEWALS_LATE_AT_MOST)
    }

    fn issue() -> IssueRef {
        IssueRef::parse("acme/web#4").unwrap()
    }

    fn leased(last_sign: u64, holds: Vec<Hold>) -> Standing {
        Standing::Leased { issue: issue(), epoch: 2, last_sign: at(last_sign), holds }
    }

    fn of(suspicion: Suspicion, standing: Standing) -> Verdict {
        judge(suspicion, standing, &unheard(), &Timers::default(), now())
    }

    #[test]
    fn the_lease_of_a_dead_reader_ends_and_that_of_one_who_said_anything_goes_on() {
        let why = LeaseEnd::Unheard { last_sign: at(50) };
        let ends = Verdict::EndLease { issue: issue(), epoch: 2, why };
        assert_eq!(of(Suspicion::Unheard, leased(50, vec![])), ends);
        assert_eq!(of(Suspicion::Unheard, leased(51, vec![])), Verdict::Leave, "a log line is a sign, too");
    }

    #[test]
    fn the_clock_of_what_is_paused_stands_still() {
        let hold = |since| Hold { since: at(since), until: None };
        assert_eq!(of(Suspicion::Unheard, leased(40, vec![hold(49)])), Verdict::Leave);
        assert!(matches!(of(Suspicion::Unheard, leased(39, vec![hold(50)])), Verdict::EndLease { .. }));
    }

    #[test]
    fn a_lease_is_nobodys_silence_before_the_daemon_listened() {
        let deaf = AgentSilence { listening: at(NOW - 9), ..unheard() };
        let verdict = judge(Suspicion::Unheard, leased(0, vec![]), &deaf, &Timers::default(), now());
        assert_eq!(verdict, Verdict::Leave);
    }

    #[test]
    fn a_dead_reviewers_dispatch_is_asked_to_end() {
        let asked = Standing::Asked { pull: issue(), version: 7 };
        let ends = Verdict::EndDispatch { pull: issue(), version: 7, silence: unheard() };
        assert_eq!(of(Suspicion::Unheard, asked.clone()), ends);
        let at_it = AgentSilence { heard: Some(at(NOW - 9)), ..unheard() };
        let verdict = judge(Suspicion::Unheard, asked, &at_it, &Timers::default(), now());
        assert_eq!(verdict, Verdict::Leave, "its run told something");
    }

    #[test]
    fn what_is_over_is_acknowledged_and_what_lives_is_left_to_its_own_end() {
        for suspicion in [Suspicion::Unheard, Suspicion::Poison, Suspicion::Old] {
            assert_eq!(of(suspicion, Standing::Over), Verdict::Acknowledge, "{suspicion:?}");
        }
        assert_eq!(of(Suspicion::Poison, leased(0, vec![])), Verdict::Poison);
        assert_eq!(of(Suspicion::Old, leased(0, vec![])), Verdict::Leave);
        assert_eq!(of(Suspicion::Old, Standing::Asked { pull: issue(), version: 7 }), Verdict::Leave);
    }

    #[test]
    fn what_is_not_ours_is_acknowledged_only_where_nobody_can_be_at_it() {
        assert_eq!(of(Suspicion::Poison, Standing::Foreign), Verdict::Leave);
        assert_eq!(of(Suspicion::Unheard, Standing::Foreign), Verdict::Acknowledge);
        assert_eq!(of(Suspicion::Old, Standing::Foreign), Verdict::Acknowledge);
    }
}
