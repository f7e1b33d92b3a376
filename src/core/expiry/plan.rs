use std::collections::BTreeMap;

use crate::hold::Hold;
use crate::identity::{AgentId, Claimant, IssueRef};
use crate::issue::{Lease, LeaseEnd};
use crate::port::LeaseSigns;
use crate::roster::Timers;
use crate::time::Timestamp;

use super::clocks::{LeaseClocks, RENEWALS_LATE_AT_MOST, elapsed};

/// A lease that somebody holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveLease {
    /// Of which issue.
    pub issue: IssueRef,
    /// Itself.
    pub lease: Lease,
    /// What is known of its holder's life.
    pub signs: Option<LeaseSigns>,
    /// When operators held the issue, its repository, the rig or the agent: its clocks stood still.
    pub holds: Vec<Hold>,
    /// Its stream entry was read and not acknowledged: whoever starts anew takes it up again by itself.
    pub unacknowledged: bool,
}

/// All that a plan looks at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Every live lease.
    pub leases: Vec<LiveLease>,
    /// Last heartbeats.
    pub heard: BTreeMap<AgentId, BTreeMap<Claimant, Timestamp>>,
    /// When instances last said that they start.
    pub startups: BTreeMap<AgentId, BTreeMap<Claimant, Timestamp>>,
    /// Since when the daemon listens without a break.
    pub listening: Timestamp,
    /// Pushed work reaches its agent by way of a stream.
    pub streamed: bool,
}

/// What ought to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The lease of this issue.
    pub issue: IssueRef,
    /// This one of its leases.
    pub epoch: u32,
    /// And why.
    pub why: LeaseEnd,
}

/// The leases whose time is up.
#[must_use]
pub fn plan(snapshot: &Snapshot, timers: &Timers, now: Timestamp) -> Vec<Ending> {
    let judged = snapshot.leases.iter().filter_map(|live| {
        let why = judge(live, snapshot, timers, now)?;
        Some(Ending { issue: live.issue.clone(), epoch: live.lease.epoch, why })
    });
    judged.collect()
}

fn judge(live: &LiveLease, snapshot: &Snapshot, timers: &Timers, now: Timestamp) -> Option<LeaseEnd> {
    let lease = &live.lease;
    let clocks = LeaseClocks::of(lease, live.signs.as_ref(), snapshot.streamed);
    let elapsed = |from| elapsed(from, snapshot.listening, now, &live.holds);
    let Some(began) = clocks.began else {
        // Its entry waits out an outage. One that nothing ever brings to its agent must not hold the issue for ever.
        return (elapsed(lease.assigned_at) >= timers.no_progress).then_some(LeaseEnd::Undelivered);
    };
    if lease.hook {
        return (elapsed(began) >= timers.hook_lease).then_some(LeaseEnd::HookOver);
    }
    if let Some(at) = restarted(live, snapshot, timers, now) {
        return Some(LeaseEnd::Restarted { at });
    }
    let patience = timers.lease + RENEWALS_LATE_AT_MOST;
    if elapsed(clocks.heard) >= patience {
        Some(LeaseEnd::Silent { last_sign: clocks.heard })
    } else if !clocks.worked && elapsed(began) >= patience {
        Some(LeaseEnd::NotStarted { last_sign: clocks.heard })
    } else if elapsed(began) >= timers.no_progress {
        // Progress ends a lease: whoever still has it has made none.
        Some(LeaseEnd::NoProgress)
    } else {
        None
    }
}

/// When whoever began the work started anew, and so has forgotten it.
fn restarted(live: &LiveLease, snapshot: &Snapshot, timers: &Timers, now: Timestamp) -> Option<Timestamp> {
    let (holder, began) = (&live.lease.claimant, live.lease.started_at?);
    // An instance that lives says so within that time; before, nobody can tell who else is there.
    if live.unacknowledged || now.since(snapshot.listening) <= timers.online_within {
        return None;
    }
    let startups = snapshot.startups.get(&holder.agent)?.iter().filter(|(_, at)| **at > began);
    if holder.instance.is_some() {
        return startups.filter(|(claimant, _)| *claimant == holder).map(|(_, at)| *at).max();
    }
    // Anybody of that name may be the one who works: the lease is forgotten only where nobody else was there to remember it.
    let heard = snapshot.heard.get(&holder.agent);
    let alone = |claimant: &Claimant, at: Timestamp| {
        let others = heard.into_iter().flatten().filter(|(other, _)| *other != claimant);
        others.map(|(_, heard)| *heard).all(|heard| heard < at.minus(timers.online_within))
    };
    startups.filter(|(claimant, at)| alone(claimant, **at)).map(|(_, at)| *at).max()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::AssignmentKind;
    use crate::time::{hours, minutes};

    pub(in crate::expiry) fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(minutes(minute))
    }

    fn claimant(text: &str) -> Claimant {
        Claimant::parse(text).unwrap()
    }

    /// Of a bare id, claimed at minute 0, not started.
    pub(in crate::expiry) fn lease() -> Lease {
        Lease {
            claimant: claimant("dev-e-node"),
            token: "t".into(),
            epoch: 1,
            kind: AssignmentKind::Work,
            expires_at: at(30),
            branch_hint: String::new(),
            head: None,
            assigned_at: at(0),
            assigned_version: 2,
            started_version: None,
            hook: false,
            started_at: None,
            pushed: false,
        }
    }

    fn started(minute: u64) -> Lease {
        Lease { started_version: Some(3), started_at: Some(at(minute)), ..lease() }
    }

    pub(in crate::expiry) fn signs() -> LeaseSigns {
        LeaseSigns::none(IssueRef::parse("acme/web#4").unwrap(), 1)
    }

    fn live(lease: Lease) -> LiveLease {
        let issue = IssueRef::parse("acme/web#4").unwrap();
        LiveLease { issue, lease, signs: None, holds: Vec::new(), unacknowledged: false }
    }

    fn renewed(lease: Lease, minute: u64) -> LiveLease {
        LiveLease { signs: Some(LeaseSigns { renewed_at: Some(at(minute)), ..signs() }), ..live(lease) }
    }

    /// The daemon has listened for a day.
    fn rig(leases: impl IntoIterator<Item = LiveLease>) -> Snapshot {
        let listening = at(0).minus(hours(24));
        Snapshot { leases: leases.into_iter().collect(), listening, streamed: true, ..Snapshot::default() }
    }

    fn ends(snapshot: &Snapshot, minute: u64) -> Vec<LeaseEnd> {
        let now = at(minute).plus(RENEWALS_LATE_AT_MOST);
        plan(snapshot, &Timers::default(), now).into_iter().map(|ending| ending.why).collect()
    }

    #[test]
    fn silence_counts_from_the_later_of_last_sign_and_assignment() {
        let never = rig([live(started(1))]);
        assert_eq!(ends(&never, 29), []);
        assert_eq!(ends(&never, 30), [LeaseEnd::Silent { last_sign: at(0) }]);
        let heard = rig([renewed(started(1), 20)]);
        assert_eq!(ends(&heard, 49), []);
        assert_eq!(ends(&heard, 50), [LeaseEnd::Silent { last_sign: at(20) }]);
    }

    #[test]
    fn a_sign_that_may_still_be_on_its_way_is_waited_for() {
        let snapshot = rig([live(started(1))]);
        assert_eq!(plan(&snapshot, &Timers::default(), at(30)), []);
    }

    #[test]
    fn heartbeats_alone_hold_nothing_for_longer_than_half_an_hour() {
        let beating = rig([renewed(lease(), 29)]);
        assert_eq!(ends(&beating, 29), []);
        assert_eq!(ends(&beating, 30), [LeaseEnd::NotStarted { last_sign: at(29) }]);
        let running = LeaseSigns { worked_at: Some(at(28)), ..signs() };
        assert_eq!(ends(&rig([LiveLease { signs: Some(running), ..live(lease()) }]), 30), []);
    }

    #[test]
    fn an_entry_on_its_way_lets_no_time_run() {
        let pushed = Lease { pushed: true, ..lease() };
        assert_eq!(ends(&rig([live(pushed.clone())]), 239), []);
        let delivered = LeaseSigns { delivered_at: Some(at(230)), ..signs() };
        let delivered = rig([LiveLease { signs: Some(delivered), ..live(pushed.clone()) }]);
        assert_eq!(ends(&delivered, 259), []);
        assert_eq!(ends(&delivered, 260), [LeaseEnd::Silent { last_sign: at(230) }]);
        let pull_only = Snapshot { streamed: false, ..rig([live(pushed)]) };
        assert_eq!(ends(&pull_only, 30), [LeaseEnd::Silent { last_sign: at(0) }]);
    }

    #[test]
    fn an_entry_that_nothing_ever_brings_holds_no_issue_for_ever() {
        let pushed = || live(Lease { pushed: true, ..lease() });
        assert_eq!(ends(&rig([pushed()]), 240), [LeaseEnd::Undelivered]);
        let worked = LeaseSigns { worked_at: Some(at(239)), ..signs() };
        let worked = rig([LiveLease { signs: Some(worked), ..pushed() }]);
        assert_eq!(ends(&worked, 239), [], "its holder learnt of it otherwise");
        let deaf = Snapshot { listening: at(100), ..rig([pushed()]) };
        assert_eq!(ends(&deaf, 339), [], "an outage of the store is not one of the broker");
    }

    #[test]
    fn four_hours_without_progress_are_over_however_lively_the_holder_is() {
        let lively = rig([renewed(started(1), 239)]);
        assert_eq!(ends(&lively, 239), []);
        assert_eq!(ends(&lively, 240), [LeaseEnd::NoProgress]);
    }

    #[test]
    fn a_persons_hook_knows_no_silence_and_ends_after_a_day() {
        let hook = rig([live(Lease { hook: true, ..started(1) })]);
        assert_eq!(ends(&hook, 24 * 60 - 1), []);
        assert_eq!(ends(&hook, 24 * 60), [LeaseEnd::HookOver]);
    }

    #[test]
    fn every_threshold_begins_anew_when_the_daemon_begins_to_listen() {
        let leases = [live(started(1)), live(Lease { hook: true, ..started(1) })];
        let snapshot = Snapshot { listening: at(10_000), ..rig(leases) };
        assert_eq!(ends(&snapshot, 10_029), []);
        assert_eq!(ends(&snapshot, 10_030), [LeaseEnd::Silent { last_sign: at(0) }]);
        assert_eq!(ends(&snapshot, 10_000 + 24 * 60).len(), 2);
    }

    #[test]
    fn a_paused_targets_clocks_stand_still() {
        let held = |until: Option<u64>| {
            let holds = vec![Hold { since: at(10), until: until.map(at) }];
            rig([LiveLease { holds, ..live(started(1)) }])
        };
        assert_eq!(ends(&held(None), 10_000), []);
        assert_eq!(ends(&held(Some(60)), 79), []);
        assert_eq!(ends(&held(Some(60)), 80), [LeaseEnd::Silent { last_sign: at(0) }]);
    }

    fn starting(snapshot: Snapshot, who: &str, minute: u64) -> Snapshot {
        let (claimant, mut snapshot) = (claimant(who), snapshot);
        let heard = snapshot.heard.entry(claimant.agent.clone()).or_default();
        heard.insert(claimant.clone(), at(minute));
        snapshot.startups.entry(claimant.agent.clone()).or_default().insert(claimant, at(minute));
        snapshot
    }

    fn beating(mut snapshot: Snapshot, who: &str, minute: u64) -> Snapshot {
        let claimant = claimant(who);
        snapshot.heard.entry(claimant.agent.clone()).or_default().insert(claimant, at(minute));
        snapshot
    }

    #[test]
    fn an_instance_that_starts_anew_has_forgotten_what_it_had_begun() {
        let of = |who: &str| rig([renewed(Lease { claimant: claimant(who), ..started(5) }, 20)]);
        let ended = [LeaseEnd::Restarted { at: at(20) }];
        assert_eq!(ends(&starting(of("dev-e-node/a"), "dev-e-node/a", 20), 20), ended);
        assert_eq!(ends(&starting(of("dev-e-node/a"), "dev-e-node/b", 20), 20), [], "another instance");
        assert_eq!(ends(&starting(of("dev-e-node"), "dev-e-node/b", 20), 20), ended, "the only one there is");
        let two = beating(of("dev-e-node"), "dev-e-node/c", 18);
        assert_eq!(ends(&starting(two, "dev-e-node/b", 20), 20), [], "another one is there to remember it");
        let gone = beating(of("dev-e-node"), "dev-e-node/c", 17);
        assert_eq!(ends(&starting(gone, "dev-e-node/b", 20), 20), ended);
    }

    #[test]
    fn what_was_begun_after_the_start_or_not_at_all_or_is_taken_up_again_goes_on() {
        let ends_of = |live: LiveLease| ends(&starting(rig([live]), "dev-e-node", 20), 21);
        assert_eq!(ends_of(live(lease())), [], "not yet started");
        assert_eq!(ends_of(live(started(20))), []);
        assert_eq!(ends_of(LiveLease { unacknowledged: true, ..renewed(started(5), 20) }), []);
        let deaf = Snapshot { listening: at(19), ..starting(rig([renewed(started(5), 20)]), "dev-e-node", 20) };
        assert_eq!(ends(&deaf, 20), [], "others had no time to be heard from yet");
        assert_eq!(ends(&deaf, 22), [LeaseEnd::Restarted { at: at(20) }]);
    }
}
