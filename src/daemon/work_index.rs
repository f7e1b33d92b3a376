//! Who holds and who wants what, in memory.
//!
//! It hears of every new state before the caller of that change is answered, so whoever was told that an issue is approved
//! can claim it. It only proposes: a stale entry costs a retry, and the append decides.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use conductor_actors::StateListener;
use conductor_core::agent::Agent;
use conductor_core::claim::{ClaimantView, ReadyQueue, allowance, obstacle};
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, Priority};
use conductor_core::expiry::{LiveLease, Snapshot};
use conductor_core::hold::Hold;
use conductor_core::identity::{AgentId, Claimant, IssueRef, StreamId, StreamKind};
use conductor_core::issue::{Issue, Lease, Phase};
use conductor_core::port::{LastHeartbeat, LeaseSigns, RowFilter, Store, StoreFailure};
use conductor_core::rig::Rig;
use conductor_core::roster::{AgentProfile, Policy, Role};
use conductor_core::time::Timestamp;
use conductor_http::edge::Waiting;
use conductor_http::leases::LiveLeases;

/// Rows read at once when the index is filled.
const PAGE: usize = 1000;

/// Issues that are over and still known by version.
const OVER_AT_MOST: usize = 10_000;

/// The index; shared by the actors, which feed it, and the claims, which ask it.
pub struct WorkIndex {
    inner: Mutex<Inner>,
    /// Who hands work out unasked, where anybody does.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct Inner {
    queue: ReadyQueue,
    versions: HashMap<StreamId, u64>,
    holders: HashMap<IssueRef, AgentId>,
    held: HashMap<AgentId, BTreeMap<IssueRef, Held>>,
    agents: HashMap<AgentId, Agent>,
    rig: Rig,
    unknown: HashSet<IssueRef>,
    /// Dependants that changed since cycles were last looked for.
    changed: HashSet<IssueRef>,
    /// Streams whose version is remembered though their issue is over, oldest first.
    over: VecDeque<(StreamId, u64)>,
}

/// What the rules look at of an agent: ten thousand of them are kept in mind, and their heartbeats are long.
fn without_details(agent: &Agent) -> Agent {
    let mut slim = agent.clone();
    for instance in slim.instances.values_mut() {
        let heartbeat = &mut instance.heartbeat;
        (heartbeat.providers, heartbeat.integrations, heartbeat.available_providers) = Default::default();
    }
    slim
}

/// A lease, and when an operator held its issue.
#[derive(Debug, Clone)]
struct Held {
    lease: Lease,
    hold: Option<Hold>,
}

/// What the index has for a claimant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// It holds this one and has not started it.
    Held(IssueRef),
    /// It may try to claim this one; nobody else is offered it meanwhile.
    Claim(IssueRef),
    /// Nothing now.
    Nothing,
}

impl WorkIndex {
    /// An empty index under that policy.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: ReadyQueue::new(policy.timers.ageing),
                versions: HashMap::new(),
                holders: HashMap::new(),
                held: HashMap::new(),
                agents: HashMap::new(),
                rig: Rig::unknown(),
                unknown: HashSet::new(),
                changed: HashSet::new(),
                over: VecDeque::new(),
            }),
            wake: OnceLock::new(),
        }
    }

    /// Fills it from the rows: what waits, what is held, who rests. Memory is that of the open issues.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn fill(&self, store: &dyn Store) -> Result<(), StoreFailure> {
        let open = [IssueState::Queued, IssueState::Assigned, IssueState::InProgress, IssueState::ChangesRequested];
        let open = RowFilter { states: open.into_iter().map(IssueState::as_str).collect(), ..RowFilter::default() };
        for (kind, filter) in [(StreamKind::Issue, open), (StreamKind::Agent, RowFilter::default())] {
            let mut after = None;
            loop {
                let rows = store.rows(kind, &filter, after.as_ref(), PAGE).await?;
                for row in &rows {
                    self.changed(&row.stream, row.version, &row.state);
                }
                match rows.last() {
                    Some(last) if rows.len() == PAGE => after = Some(last.cursor()),
                    Some(_) | None => break,
                }
            }
        }
        if let Some(row) = store.row(&StreamId::Rig).await? {
            self.changed(&row.stream, row.version, &row.state);
        }
        Ok(())
    }

    /// Every change is made whole under the lock, so a panic elsewhere leaves nothing half-done behind.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `claimant` may do next. A claim that is proposed has to end in [`WorkIndex::give_back`] or in a change of the issue.
    #[must_use]
    pub fn propose(&self, claimant: &Claimant, policy: &Policy, now: Timestamp) -> Proposal {
        let mut inner = self.inner();
        if let Some(issue) = inner.unstarted(claimant) {
            return Proposal::Held(issue.clone());
        }
        inner.offer(&claimant.agent, policy, now).map_or(Proposal::Nothing, Proposal::Claim)
    }

    /// What an agent may be handed without having asked. It has to end like a proposed claim; several may be on their way to one agent.
    #[must_use]
    pub fn push(&self, agent: &AgentId, policy: &Policy, now: Timestamp) -> Option<IssueRef> {
        self.inner().offer(agent, policy, now)
    }

    /// Agents of the roster that could take something now, whoever was heard from last first. One that isn't there wakes up by
    /// what it is handed, so silence keeps nobody off the list.
    #[must_use]
    pub fn takers(&self, policy: &Policy, heard: &BTreeMap<AgentId, Timestamp>, now: Timestamp) -> Vec<AgentId> {
        let inner = self.inner();
        if inner.queue.is_empty() || inner.rig.paused {
            return Vec::new();
        }
        let takes = |profile: &&AgentProfile| {
            let most = allowance(profile.capacity, Priority::Critical);
            profile.role == Role::Developer && inner.held_by(&profile.id) < most && !inner.rests(&profile.id, now)
        };
        let mut takers: Vec<AgentId> =
            policy.roster.agents.iter().filter(takes).map(|taker| taker.id.clone()).collect();
        // Stable: ties are in the order of the roster.
        takers.sort_by_key(|agent| std::cmp::Reverse(heard.get(agent).copied()));
        takers
    }

    /// Has `wake` called whenever work becomes available, or somebody who could take it; called once.
    pub fn on_work(&self, wake: impl Fn() + Send + Sync + 'static) {
        if self.wake.set(Box::new(wake)).is_err() {
            tracing::error!("work wakes somebody else already");
        }
    }

    /// A proposed claim came to nothing.
    pub fn give_back(&self, issue: &IssueRef) {
        self.inner().queue.give_back(issue);
    }

    /// Everything that waits, in the order of hand-out, each with what keeps it back.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> Vec<Waiting> {
        let inner = self.inner();
        let listed = inner.queue.list(now).into_iter();
        let waiting = listed.map(|(entry, open)| {
            let obstacles = obstacle::of_issue(&entry.wanted(), Some(&inner.rig), &open).collect();
            Waiting { entry, obstacles }
        });
        waiting.collect()
    }

    /// Dependencies of which nothing is known yet: they keep their dependants back until somebody has looked them up. Whoever
    /// gives up on the way (a caller that hangs up) has taken nothing away.
    #[must_use]
    pub fn unknown(&self) -> Vec<IssueRef> {
        self.inner().unknown.iter().cloned().collect()
    }

    /// What somebody found who looked a dependency up.
    pub fn learn_dependency(&self, dependency: &IssueRef, frees: bool) {
        let mut inner = self.inner();
        inner.unknown.remove(dependency);
        inner.queue.learn_dependency(dependency, frees);
    }

    /// Looks for cycles among at most `most` of the issues that changed: how many were looked at, and each member of a cycle
    /// with the members. Who doesn't get that told asks to have them [looked at again](WorkIndex::look_again).
    #[must_use]
    pub fn cycles(&self, most: usize) -> (usize, BTreeMap<IssueRef, Vec<IssueRef>>) {
        let mut inner = self.inner();
        let changed: Vec<IssueRef> = inner.changed.iter().take(most).cloned().collect();
        let mut cycles = BTreeMap::new();
        for issue in &changed {
            inner.changed.remove(issue);
            // Each member is told of one cycle of its own, always the same one: two that share a member don't take turns.
            for member in inner.queue.cycle_through(issue).into_iter().flatten() {
                if let Some(members) = inner.queue.cycle_through(&member) {
                    cycles.insert(member, members);
                }
            }
        }
        (changed.len(), cycles)
    }

    /// The members of these cycles were not told.
    pub fn look_again(&self, issues: impl IntoIterator<Item = IssueRef>) {
        self.inner().changed.extend(issues);
    }

    /// Every live lease, with what its judgement looks at.
    #[must_use]
    pub fn snapshot(
        &self,
        mut signs: BTreeMap<IssueRef, LeaseSigns>,
        heartbeats: Vec<LastHeartbeat>,
        listening: Timestamp,
        streamed: bool,
    ) -> Snapshot {
        let inner = self.inner();
        let held = inner.held.values().flatten();
        let leases = held.map(|(issue, held)| inner.live(issue, held, signs.remove(issue), streamed)).collect();
        let mut heard: BTreeMap<AgentId, BTreeMap<Claimant, Timestamp>> = BTreeMap::new();
        for LastHeartbeat { claimant, at } in heartbeats {
            heard.entry(claimant.agent.clone()).or_default().insert(claimant, at);
        }
        let startups = inner.agents.values().map(|agent| (agent.id.clone(), agent.startups().collect())).collect();
        Snapshot { leases, heard, startups, listening, streamed }
    }

    /// When operators held the issue, its repository, the rig or its holder; nothing of one that nobody holds.
    #[must_use]
    pub fn holds_of(&self, issue: &IssueRef) -> Vec<Hold> {
        let inner = self.inner();
        let held = inner.holders.get(issue).and_then(|agent| inner.held.get(agent)?.get(issue));
        held.map(|held| inner.holds(issue, held)).unwrap_or_default()
    }

    /// The version that is known of a stream; 0 for none.
    #[must_use]
    pub fn version_of(&self, stream: &StreamId) -> u64 {
        self.inner().versions.get(stream).copied().unwrap_or(0)
    }
}

impl Inner {
    fn take_issue(&mut self, issue: &Issue) {
        let reference = &issue.reference;
        if let Some(holder) = self.holders.remove(reference)
            && let Some(held) = self.held.get_mut(&holder)
        {
            held.remove(reference);
            if held.is_empty() {
                self.held.remove(&holder);
            }
        }
        if let Some(lease) = &issue.lease {
            let agent = lease.claimant.agent.clone();
            self.holders.insert(reference.clone(), agent.clone());
            let held = Held { lease: lease.clone(), hold: issue.held.clone() };
            self.held.entry(agent).or_default().insert(reference.clone(), held);
        }
        let unknown = self.queue.update(issue);
        self.unknown.extend(unknown);
        if !issue.depends_on.is_empty() {
            self.changed.insert(reference.clone());
        }
    }

    /// Memory follows the open issues. The newest that are over stay a while: an older row of theirs, read before and told
    /// after, would bring a lease back that holds up its agent for ever.
    fn forget_later(&mut self, stream: &StreamId, version: u64) {
        self.over.push_back((stream.clone(), version));
        if self.over.len() > OVER_AT_MOST
            && let Some((stream, version)) = self.over.pop_front()
            && self.versions.get(&stream) == Some(&version)
        {
            self.versions.remove(&stream);
        }
    }

    /// Offers the agent what is next for it, if it may have anything now.
    fn offer(&mut self, agent: &AgentId, policy: &Policy, now: Timestamp) -> Option<IssueRef> {
        let held = self.held_by(agent);
        if self.rests(agent, now) || self.rig.paused {
            return None;
        }
        let view = ClaimantView { agent, profile: policy.roster.agent(agent), strangers: policy.unknown_agents };
        let Self { queue, rig, .. } = self;
        let paused = |issue: &IssueRef| obstacle::of_repo(&issue.repo, rig).is_some();
        queue.offer(view, held, now, &paused)
    }

    /// What the claimant holds and has not started; of several what it was given first.
    fn unstarted(&self, claimant: &Claimant) -> Option<&IssueRef> {
        let held = self.held.get(&claimant.agent)?.iter();
        let unstarted = held.filter(|(_, held)| held.lease.claimant == *claimant && !held.lease.started());
        unstarted.min_by_key(|(_, held)| held.lease.assigned_at).map(|(issue, _)| issue)
    }

    fn held_by(&self, agent: &AgentId) -> u32 {
        self.held.get(agent).map_or(0, |held| u32::try_from(held.len()).unwrap_or(u32::MAX))
    }

    fn rests(&self, agent: &AgentId, now: Timestamp) -> bool {
        self.agents.get(agent).is_some_and(|agent| obstacle::of_agent(agent, now).next().is_some())
    }

    fn holds(&self, issue: &IssueRef, held: &Held) -> Vec<Hold> {
        let agent = self.agents.get(&held.lease.claimant.agent).and_then(|agent| agent.held.as_ref());
        held.hold.iter().chain(self.rig.holds_of(&issue.repo)).chain(agent).cloned().collect()
    }

    fn live(&self, issue: &IssueRef, held: &Held, signs: Option<LeaseSigns>, streamed: bool) -> LiveLease {
        let (lease, holds) = (held.lease.clone(), self.holds(issue, held));
        // Runtimes acknowledge an entry last, so while its lease lives whoever starts anew finds it among its own.
        let unacknowledged = streamed && lease.pushed;
        LiveLease { issue: issue.clone(), lease, signs, holds, unacknowledged }
    }
}

impl LiveLeases for WorkIndex {
    fn held_by(&self, agent: &AgentId) -> Vec<(IssueRef, Lease)> {
        let inner = self.inner();
        let held = inner.held.get(agent).into_iter().flatten();
        held.map(|(issue, held)| (issue.clone(), held.lease.clone())).collect()
    }
}

impl StateListener for WorkIndex {
    fn changed(&self, stream: &StreamId, version: u64, state: &StreamState) {
        let stirs = self.inner().take(stream, version, state);
        if let Some(wake) = self.wake.get().filter(|_| stirs) {
            wake();
        }
    }
}

impl Inner {
    /// Takes a state in, unless a newer one is known; true where work may have become available, or somebody who could take it.
    fn take(&mut self, stream: &StreamId, version: u64, state: &StreamState) -> bool {
        if self.versions.get(stream).is_some_and(|known| *known >= version) {
            return false;
        }
        match state {
            StreamState::Issue(issue) => {
                self.versions.insert(stream.clone(), version);
                match issue.phase {
                    Phase::Unapproved | Phase::Done | Phase::Cancelled => self.forget_later(stream, version),
                    Phase::Open | Phase::Deploying | Phase::Escalated => {}
                }
                let held = self.holders.contains_key(&issue.reference);
                self.take_issue(issue);
                let (freed, frees) = (held && issue.lease.is_none(), issue.frees_dependants());
                !self.queue.is_empty() && (freed || frees || issue.wants_a_holder())
            }
            StreamState::Agent(agent) => {
                self.versions.insert(stream.clone(), version);
                self.agents.insert(agent.id.clone(), without_details(agent));
                !self.queue.is_empty()
            }
            StreamState::Rig(rig) => {
                self.versions.insert(stream.clone(), version);
                self.rig = (**rig).clone();
                !self.queue.is_empty()
            }
            // Claims don't look at pull requests: what one means for its issues comes as a change of those.
            StreamState::PullRequest(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::RepoName;
    use conductor_core::roster::GitHubMode;

    fn policy() -> Policy {
        Policy::built_in(GitHubMode::Webhook)
    }

    fn queued(number: u64) -> Issue {
        let mut issue = Issue::unknown(IssueRef::parse(&format!("acme/web#{number}")).unwrap());
        issue.phase = Phase::Open;
        issue.queued_at = Some(Timestamp::from_millis(0));
        issue
    }

    fn held(number: u64, by: &str, started: bool) -> Issue {
        let mut issue = queued(number);
        issue.lease = Some(Lease {
            claimant: Claimant::parse(by).unwrap(),
            token: "t".into(),
            epoch: 1,
            kind: conductor_core::event::AssignmentKind::Work,
            expires_at: Timestamp::from_millis(0),
            branch_hint: String::new(),
            head: None,
            assigned_at: Timestamp::from_millis(0),
            assigned_version: 2,
            started_version: started.then_some(3),
            hook: false,
            started_at: None,
            pushed: false,
        });
        issue
    }

    fn tell(index: &WorkIndex, version: u64, issue: Issue) {
        let stream = StreamId::Issue(issue.reference.clone());
        index.changed(&stream, version, &StreamState::Issue(Box::new(issue)));
    }

    fn propose(index: &WorkIndex, claimant: &str) -> Proposal {
        index.propose(&Claimant::parse(claimant).unwrap(), &policy(), Timestamp::from_millis(0))
    }

    #[test]
    fn a_claimant_that_has_not_started_is_pointed_at_what_it_holds() {
        let index = WorkIndex::new(&policy());
        tell(&index, 2, held(1, "dev-e-node", false));
        tell(&index, 1, queued(2));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Held(queued(1).reference));
        tell(&index, 3, held(1, "dev-e-node", true));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Nothing, "it is at its capacity");
        assert_eq!(propose(&index, "dev-e-python"), Proposal::Claim(queued(2).reference));
        assert_eq!(propose(&index, "dev-e-dotnet"), Proposal::Nothing, "offered to another");
        index.give_back(&queued(2).reference);
        assert_eq!(propose(&index, "dev-e-dotnet"), Proposal::Claim(queued(2).reference));
    }

    #[test]
    fn an_older_state_that_is_told_late_changes_nothing() {
        let index = WorkIndex::new(&policy());
        tell(&index, 2, held(1, "dev-e-node", true));
        tell(&index, 1, queued(1));
        assert_eq!(propose(&index, "dev-e-python"), Proposal::Nothing);
    }

    #[test]
    fn a_row_read_before_the_end_and_told_after_it_brings_no_lease_back() {
        let index = WorkIndex::new(&policy());
        tell(&index, 6, Issue { phase: Phase::Done, ..queued(1) });
        tell(&index, 5, held(1, "dev-e-node", true));
        tell(&index, 1, queued(2));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Claim(queued(2).reference));
    }

    #[test]
    fn what_is_over_is_forgotten_in_the_end() {
        let index = WorkIndex::new(&policy());
        for number in 1..=(OVER_AT_MOST as u64 + 5) {
            tell(&index, 3, Issue { phase: Phase::Cancelled, ..queued(number) });
        }
        assert_eq!(index.inner().versions.len(), OVER_AT_MOST);
    }

    #[test]
    fn every_member_of_a_cycle_is_found_once_and_again_on_demand() {
        let index = WorkIndex::new(&policy());
        let depending = |number, on| Issue { depends_on: vec![queued(on).reference], ..queued(number) };
        tell(&index, 1, depending(1, 2));
        assert!(index.cycles(10).1.is_empty());
        tell(&index, 1, depending(2, 1));
        let (_, cycles) = index.cycles(10);
        assert_eq!(cycles.keys().map(|issue| issue.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(index.cycles(10), (0, BTreeMap::new()));
        index.look_again(cycles.into_keys());
        assert_eq!(index.cycles(1).0, 1);
        assert_eq!(index.cycles(10).1.len(), 2);
    }

    #[test]
    fn of_several_that_were_pushed_the_first_is_told_until_it_is_started() {
        let index = WorkIndex::new(&policy());
        for (number, minute) in [(1, 2), (2, 1)] {
            let mut issue = held(number, "dev-e-node", false);
            issue.lease.as_mut().unwrap().assigned_at = Timestamp::from_millis(minute);
            tell(&index, 2, issue);
        }
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Held(queued(2).reference));
        tell(&index, 3, held(2, "dev-e-node", true));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Held(queued(1).reference));
    }

    #[test]
    fn a_snapshot_has_every_lease_with_the_holds_that_make_its_clocks_stand_still() {
        let index = WorkIndex::new(&policy());
        let at = Timestamp::from_millis;
        let hold = |since| Hold { since: at(since), until: None };
        tell(&index, 3, Issue { held: Some(hold(1)), ..held(1, "dev-e-node", true) });
        tell(&index, 3, held(2, "dev-e-python", true));
        let rig = Rig { held: Some(hold(2)), ..Rig::unknown() };
        index.changed(&StreamId::Rig, 1, &StreamState::Rig(Box::new(rig)));
        let node = AgentId::parse("dev-e-node").unwrap();
        let agent = Agent { held: Some(hold(3)), ..Agent::unknown(node.clone()) };
        index.changed(&StreamId::Agent(node), 1, &StreamState::Agent(Box::new(agent)));
        let signs = LeaseSigns { renewed_at: Some(at(9)), ..LeaseSigns::none(queued(1).reference, 1) };
        let signs = BTreeMap::from([(queued(1).reference, signs.clone())]);
        let mut leases = index.snapshot(signs.clone(), Vec::new(), at(0), true).leases;
        leases.sort_by_key(|live| live.issue.number);
        assert_eq!(leases[0].holds, [hold(1), hold(2), hold(3)]);
        assert_eq!(leases[0].signs.as_ref(), signs.values().next());
        assert_eq!((leases[1].holds.as_slice(), &leases[1].signs), ([hold(2)].as_slice(), &None));
        assert_eq!(index.holds_of(&queued(1).reference), [hold(1), hold(2), hold(3)]);
        assert_eq!(index.holds_of(&queued(9).reference), []);
        assert_eq!(index.held_by(&AgentId::parse("dev-e-python").unwrap())[0].0, queued(2).reference);
    }

    #[test]
    fn whoever_could_take_work_is_listed_the_freshest_first_and_the_silent_too() {
        let (index, policy, at) = (WorkIndex::new(&policy()), policy(), Timestamp::from_millis);
        let heard = [("dev-e-python", 5), ("dev-e-dotnet", 9)];
        let heard = heard.into_iter().map(|(agent, second)| (AgentId::parse(agent).unwrap(), at(second))).collect();
        let takers = || {
            let takers = index.takers(&policy, &heard, at(10)).into_iter();
            takers.map(|agent| agent.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(takers(), [""; 0], "nothing waits");
        tell(&index, 1, queued(1));
        assert_eq!(takers(), ["dev-e-dotnet", "dev-e-python", "dev-e-node", "ibuild-e"]);
        tell(&index, 2, held(2, "dev-e-dotnet", true));
        assert_eq!(takers().len(), 4, "critical work goes one above its capacity");
        tell(&index, 2, held(3, "dev-e-dotnet", true));
        assert_eq!(takers(), ["dev-e-python", "dev-e-node", "ibuild-e"]);
    }

    #[test]
    fn an_agent_is_handed_as_much_as_it_may_hold_though_it_has_not_started() {
        let (index, mut policy) = (WorkIndex::new(&policy()), policy());
        policy.roster.agents[0].capacity = 2;
        let node = AgentId::parse("dev-e-node").unwrap();
        let push = |index: &WorkIndex| index.push(&node, &policy, Timestamp::from_millis(0)).map(|issue| issue.number);
        for number in 1..=3 {
            tell(&index, 1, queued(number));
        }
        for number in 1..=2 {
            assert_eq!(push(&index), Some(number));
            tell(&index, 2, held(number, "dev-e-node", false));
        }
        assert_eq!(push(&index), None);
    }

    #[test]
    fn what_makes_work_or_room_for_it_wakes_whoever_hands_it_out() {
        let index = WorkIndex::new(&policy());
        let woken = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counter = std::sync::Arc::clone(&woken);
        index.on_work(move || {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
        let woken_by = |change: &dyn Fn()| {
            let before = woken.load(std::sync::atomic::Ordering::SeqCst);
            change();
            woken.load(std::sync::atomic::Ordering::SeqCst) - before
        };
        let agent = AgentId::parse("dev-e-node").unwrap();
        let told = |version| {
            let state = StreamState::Agent(Box::new(Agent::unknown(agent.clone())));
            index.changed(&StreamId::Agent(agent.clone()), version, &state);
        };
        assert_eq!(woken_by(&|| told(1)), 0, "nothing waits");
        assert_eq!(woken_by(&|| tell(&index, 1, queued(1))), 1);
        assert_eq!(woken_by(&|| tell(&index, 1, queued(1))), 0, "nothing new");
        assert_eq!(woken_by(&|| told(2)), 1);
        assert_eq!(woken_by(&|| tell(&index, 2, held(2, "dev-e-node", true))), 0);
        assert_eq!(
            woken_by(&|| tell(&index, 3, Issue { phase: Phase::Escalated, ..queued(2) })),
            1,
            "room for another"
        );
        assert_eq!(woken_by(&|| tell(&index, 4, Issue { phase: Phase::Done, ..queued(2) })), 1, "it may free others");
        let rig = || index.changed(&StreamId::Rig, 1, &StreamState::Rig(Box::new(Rig::unknown())));
        assert_eq!(woken_by(&rig), 1);
    }

    #[test]
    fn one_critical_issue_goes_above_an_agents_capacity() {
        let index = WorkIndex::new(&policy());
        tell(&index, 3, held(1, "dev-e-node", true));
        let critical = |number| Issue { priority: conductor_core::event::Priority::Critical, ..queued(number) };
        tell(&index, 1, critical(2));
        tell(&index, 1, critical(3));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Claim(queued(2).reference));
        tell(&index, 2, held(2, "dev-e-node", true));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Nothing);
    }

    #[test]
    fn what_is_paused_is_not_offered() {
        let index = WorkIndex::new(&policy());
        tell(&index, 1, queued(1));
        let mut rig = Rig::unknown();
        rig.paused_repos.insert(RepoName::parse("acme/web").unwrap());
        index.changed(&StreamId::Rig, 1, &StreamState::Rig(Box::new(rig)));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Nothing);
        index.changed(&StreamId::Rig, 2, &StreamState::Rig(Box::new(Rig::unknown())));
        let agent = AgentId::parse("dev-e-node").unwrap();
        let paused = Agent { paused: true, ..Agent::unknown(agent.clone()) };
        index.changed(&StreamId::Agent(agent), 1, &StreamState::Agent(Box::new(paused)));
        assert_eq!(propose(&index, "dev-e-node"), Proposal::Nothing);
        assert_eq!(propose(&index, "dev-e-python"), Proposal::Claim(queued(1).reference));
    }
}
