//! The ready queue: which unassigned issue a claimant is offered next.
//!
//! A view in memory, fed with every issue that changes. It only proposes: the issue's own append decides who won, so a view
//! that is a moment old costs a retry, never a double claim. Order (domain, assignment): rework before new work; critical,
//! high, normal; then the oldest approval; a normal issue ranks as high once it has waited for the ageing period.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::event::Priority;
use crate::identity::{AgentId, IssueRef};
use crate::issue::Issue;
use crate::time::Timestamp;

use super::obstacle::{ClaimantView, Wanted, allowance, author_of_rework, for_agent, misfit};

/// Issues looked at in search of a cycle; a longer one is for people anyway, who see what each waits for.
const CYCLE_LOOKS_AT_MOST: usize = 10_000;

/// An issue that waits for a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Which one.
    pub issue: IssueRef,
    /// How urgent.
    pub priority: Priority,
    /// First approval.
    pub queued_at: Timestamp,
    /// Wanted of the agent.
    pub stack: Option<String>,
    /// Wanted of the agent, too.
    pub escalate: Vec<String>,
    /// Who doesn't get it.
    pub excluded: BTreeSet<AgentId>,
    /// What must be done first.
    pub depends_on: Vec<IssueRef>,
    /// Held by an operator: it keeps its place, and nobody is offered it.
    pub paused: bool,
    /// For rework: whose pull request it is, and since when it waits.
    pub rework: Option<(AgentId, Timestamp)>,
}

impl QueueEntry {
    /// As far as the rules look.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            issue: &self.issue,
            priority: self.priority,
            stack: self.stack.as_deref(),
            escalate: &self.escalate,
            excluded: &self.excluded,
            paused: self.paused,
            rework: self.rework.as_ref().map(|(author, since)| (author, *since)),
        }
    }
}

/// Issues of one class fit the same agents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    stack: Option<String>,
    tags: Vec<String>,
}

type Place = (Timestamp, IssueRef);

#[derive(Debug, Default)]
struct Lines {
    by_priority: BTreeMap<Priority, BTreeSet<Place>>,
}

/// See the head of this file.
#[derive(Debug)]
pub struct ReadyQueue {
    ageing: Duration,
    entries: HashMap<IssueRef, QueueEntry>,
    lines: BTreeMap<Class, Lines>,
    rework: BTreeSet<Place>,
    offered: HashSet<IssueRef>,
    dependencies: HashMap<IssueRef, bool>,
    dependants: HashMap<IssueRef, BTreeSet<IssueRef>>,
}

impl ReadyQueue {
    /// An empty queue in which normal issues rank as high after `ageing`.
    #[must_use]
    pub fn new(ageing: Duration) -> Self {
        Self {
            ageing,
            entries: HashMap::new(),
            lines: BTreeMap::new(),
            rework: BTreeSet::new(),
            offered: HashSet::new(),
            dependencies: HashMap::new(),
            dependants: HashMap::new(),
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes in an issue as it is now. Gives the dependencies of which nothing is known yet: they keep it back until
    /// [`ReadyQueue::learn_dependency`] says otherwise.
    pub fn update(&mut self, issue: &Issue) -> Vec<IssueRef> {
        // Whoever is asked about is remembered from the first news on: an answer of before can't be later than this.
        if self.dependants.contains_key(&issue.reference) {
            self.set_dependency(&issue.reference, issue.frees_dependants());
        }
        self.remove(&issue.reference);
        let Some(entry) = entry_of(issue) else { return Vec::new() };
        for dependency in &entry.depends_on {
            self.dependants.entry(dependency.clone()).or_default().insert(entry.issue.clone());
        }
        let unknown: Vec<IssueRef> =
            entry.depends_on.iter().filter(|wanted| !self.dependencies.contains_key(wanted)).cloned().collect();
        self.entries.insert(entry.issue.clone(), entry.clone());
        self.line_up(&entry);
        unknown
    }

    /// Says what a look-up found of an issue that somebody waits for. What is known already is newer than any look-up, since
    /// every change of an issue is told.
    pub fn learn_dependency(&mut self, dependency: &IssueRef, frees: bool) {
        if self.dependants.contains_key(dependency) && !self.dependencies.contains_key(dependency) {
            self.set_dependency(dependency, frees);
        }
    }

    fn set_dependency(&mut self, dependency: &IssueRef, frees: bool) {
        let before = self.dependencies.insert(dependency.clone(), frees);
        if before == Some(frees) {
            return;
        }
        let dependants: Vec<IssueRef> = self.dependants.get(dependency).into_iter().flatten().cloned().collect();
        for dependant in dependants {
            if let Some(entry) = self.entries.get(&dependant).cloned() {
                self.leave_line(&entry);
                self.line_up(&entry);
            }
        }
    }

    /// Offers the next issue to a claimant that holds so many leases, and keeps it back from others until it changes or is
    /// [given back](ReadyQueue::give_back). Nobody is offered what is `held_back`.
    pub fn offer(
        &mut self,
        claimant: ClaimantView<'_>,
        held: u32,
        now: Timestamp,
        held_back: &dyn Fn(&IssueRef) -> bool,
    ) -> Option<IssueRef> {
        let may_have = |entry: &QueueEntry| {
            let wanted = entry.wanted();
            // The agent itself was asked before: who rests is offered nothing.
            for_agent(&wanted, None, claimant, held, now).next().is_none() && !held_back(&entry.issue)
        };
        let next = self.next_rework(now, &may_have).or_else(|| self.next_work(claimant, held, now, &may_have))?;
        if let Some(entry) = self.entries.get(&next).cloned() {
            self.leave_line(&entry);
        }
        self.offered.insert(next.clone());
        Some(next)
    }

    /// An offer that came to nothing: others may have it.
    pub fn give_back(&mut self, issue: &IssueRef) {
        if self.offered.remove(issue)
            && let Some(entry) = self.entries.get(issue).cloned()
        {
            self.line_up(&entry);
        }
    }

    /// All that wait, in the order of hand-out, each with the dependencies that keep it back.
    #[must_use]
    pub fn list(&self, now: Timestamp) -> Vec<(QueueEntry, Vec<IssueRef>)> {
        let mut all: Vec<&QueueEntry> = self.entries.values().collect();
        all.sort_by_key(|entry| {
            let place = (entry.queued_at, entry.issue.clone());
            (entry.rework.is_none(), self.effective(entry.priority, entry.queued_at, now), place)
        });
        all.into_iter().map(|entry| (entry.clone(), self.open_dependencies(entry))).collect()
    }

    /// The issues by way of which a waiting one waits for itself, itself first; `None` where it doesn't.
    ///
    /// Every member of such a cycle waits here: whatever doesn't wait is no reason to wait for ever.
    #[must_use]
    pub fn cycle_through(&self, issue: &IssueRef) -> Option<Vec<IssueRef>> {
        let mut from: HashMap<&IssueRef, &IssueRef> = HashMap::new();
        let start = &self.entries.get(issue)?.issue;
        let mut next = VecDeque::from([start]);
        while let Some(here) = next.pop_front().filter(|_| from.len() < CYCLE_LOOKS_AT_MOST) {
            for dependency in self.entries.get(here).into_iter().flat_map(|entry| &entry.depends_on) {
                if dependency == start {
                    let mut members: Vec<IssueRef> =
                        std::iter::successors(Some(here), |member| from.get(member).copied()).cloned().collect();
                    members.reverse();
                    return Some(members);
                }
                if self.entries.contains_key(dependency) && !from.contains_key(dependency) {
                    from.insert(dependency, here);
                    next.push_back(dependency);
                }
            }
        }
        None
    }

    fn open_dependencies(&self, entry: &QueueEntry) -> Vec<IssueRef> {
        let shut = |wanted: &&IssueRef| self.dependencies.get(wanted) != Some(&true);
        entry.depends_on.iter().filter(shut).cloned().collect()
    }

    fn effective(&self, priority: Priority, queued_at: Timestamp, now: Timestamp) -> Priority {
        match priority {
            Priority::Critical => Priority::Critical,
            Priority::High => Priority::High,
            Priority::Normal if now.since(queued_at) >= self.ageing => Priority::High,
            Priority::Normal => Priority::Normal,
        }
    }

    fn remove(&mut self, issue: &IssueRef) {
        self.offered.remove(issue);
        let Some(entry) = self.entries.remove(issue) else { return };
        self.leave_line(&entry);
        for dependency in &entry.depends_on {
            if let Some(dependants) = self.dependants.get_mut(dependency) {
                dependants.remove(issue);
                if dependants.is_empty() {
                    // Nobody asks any more: what isn't referred to isn't remembered, so memory follows the queue.
                    self.dependants.remove(dependency);
                    self.dependencies.remove(dependency);
                }
            }
        }
    }

    fn line_up(&mut self, entry: &QueueEntry) {
        if entry.paused || self.offered.contains(&entry.issue) || !self.open_dependencies(entry).is_empty() {
            return;
        }
        let place = (entry.queued_at, entry.issue.clone());
        if entry.rework.is_some() {
            self.rework.insert(place);
        } else {
            let lines = self.lines.entry(class_of(entry)).or_default();
            lines.by_priority.entry(entry.priority).or_default().insert(place);
        }
    }

    fn leave_line(&mut self, entry: &QueueEntry) {
        let place = (entry.queued_at, entry.issue.clone());
        if entry.rework.is_some() {
            self.rework.remove(&place);
            return;
        }
        let class = class_of(entry);
        let Some(lines) = self.lines.get_mut(&class) else { return };
        if let Some(line) = lines.by_priority.get_mut(&entry.priority) {
            line.remove(&place);
        }
        if lines.by_priority.values().all(BTreeSet::is_empty) {
            self.lines.remove(&class);
        }
    }

    fn next_rework(&self, now: Timestamp, may_have: &dyn Fn(&QueueEntry) -> bool) -> Option<IssueRef> {
        let waiting = self.rework.iter().filter_map(|(_, issue)| self.entries.get(issue));
        let first = waiting
            .filter(|entry| may_have(entry))
            .min_by_key(|entry| (self.effective(entry.priority, entry.queued_at, now), entry.queued_at));
        first.map(|entry| entry.issue.clone())
    }

    fn next_work(
        &self,
        claimant: ClaimantView<'_>,
        held: u32,
        now: Timestamp,
        may_have: &dyn Fn(&QueueEntry) -> bool,
    ) -> Option<IssueRef> {
        // Nor does who is full need to look at each of a long line.
        let has_room = |priority| held < allowance(claimant.capacity(), priority);
        // One look at a class spares a look at every issue of it.
        let fits = |class: &Class| misfit(class.stack.as_deref(), &class.tags, claimant).is_none();
        let firsts = self.lines.iter().filter(|(class, _)| fits(class)).flat_map(|(_, lines)| {
            lines.by_priority.iter().filter(|(priority, _)| has_room(**priority)).filter_map(|(priority, line)| {
                let (queued_at, issue) =
                    line.iter().find(|(_, issue)| self.entries.get(issue).is_some_and(may_have))?;
                Some((self.effective(*priority, *queued_at, now), *queued_at, issue))
            })
        });
        firsts.min().map(|(_, _, issue)| issue.clone())
    }
}

fn class_of(entry: &QueueEntry) -> Class {
    let mut tags: Vec<String> = entry.escalate.iter().map(|tag| tag.to_ascii_lowercase()).collect();
    tags.sort();
    Class { stack: entry.stack.as_ref().map(|stack| stack.to_ascii_lowercase()), tags }
}

fn entry_of(issue: &Issue) -> Option<QueueEntry> {
    if !issue.wants_a_holder() {
        return None;
    }
    let rework = match issue.current_pull() {
        // A person's pull request is never handed to an agent, unless an operator says so: its author is asked.
        Some(_) => Some((author_of_rework(issue)?.clone(), issue.rework_since?)),
        None => author_of_rework(issue).cloned().zip(issue.rework_since),
    };
    Some(QueueEntry {
        issue: issue.reference.clone(),
        priority: issue.priority,
        queued_at: issue.queued_at?,
        stack: issue.stack.clone(),
        escalate: issue.escalate.clone(),
        excluded: issue.excluded.clone(),
        depends_on: issue.depends_on.clone(),
        paused: issue.paused,
        rework,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Phase;
    use crate::roster::{Roster, UnknownAgents};
    use crate::time::hours;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn reference(number: u64) -> IssueRef {
        IssueRef::parse(&format!("acme/web#{number}")).unwrap()
    }

    fn issue(number: u64, priority: Priority, waited: Duration) -> Issue {
        let mut issue = Issue::unknown(reference(number));
        issue.phase = Phase::Open;
        issue.priority = priority;
        issue.queued_at = Some(now().minus(waited));
        issue.updated_at = issue.queued_at;
        issue
    }

    fn queue_of(issues: &[Issue]) -> ReadyQueue {
        let mut queue = ReadyQueue::new(hours(72));
        for issue in issues {
            queue.update(issue);
        }
        queue
    }

    fn offers(queue: &mut ReadyQueue, agent: &str) -> Vec<u64> {
        let roster = Roster::built_in();
        let agent = AgentId::parse(agent).unwrap();
        let view = ClaimantView { agent: &agent, profile: roster.agent(&agent), strangers: UnknownAgents::Allow };
        std::iter::from_fn(|| queue.offer(view, 0, now(), &|_| false)).map(|issue| issue.number).collect()
    }

    #[test]
    fn critical_goes_before_high_before_normal_and_the_oldest_first() {
        let mut queue = queue_of(&[
            issue(1, Priority::Normal, hours(2)),
            issue(2, Priority::High, hours(1)),
            issue(3, Priority::Critical, hours(0)),
            issue(4, Priority::Normal, hours(3)),
        ]);
        assert_eq!(offers(&mut queue, "dev-e-node"), [3, 2, 4, 1]);
    }

    #[test]
    fn a_normal_issue_ranks_as_high_after_three_days_and_never_as_critical() {
        let mut queue = queue_of(&[
            issue(1, Priority::Normal, hours(73)),
            issue(2, Priority::High, hours(10)),
            issue(3, Priority::Critical, hours(1)),
            issue(4, Priority::Normal, hours(71)),
        ]);
        assert_eq!(offers(&mut queue, "dev-e-node"), [3, 1, 2, 4]);
        let listed: Vec<u64> = queue.list(now()).into_iter().map(|(entry, _)| entry.issue.number).collect();
        assert_eq!(listed, [3, 1, 2, 4]);
    }

    #[test]
    fn only_fitting_agents_are_offered_an_issue() {
        let mut node = issue(1, Priority::Normal, hours(2));
        node.stack = Some("Node".into());
        let mut mac = issue(2, Priority::Normal, hours(1));
        mac.escalate = vec!["requires-macos".into()];
        let mut excluding = issue(3, Priority::Normal, hours(0));
        excluding.excluded.insert(AgentId::parse("ibuild-e").unwrap());
        let issues = [node, mac, excluding];
        assert_eq!(offers(&mut queue_of(&issues), "dev-e-node"), [1, 3]);
        assert_eq!(offers(&mut queue_of(&issues), "ibuild-e"), [2]);
        assert_eq!(offers(&mut queue_of(&issues), "review-e"), [] as [u64; 0]);
        assert_eq!(offers(&mut queue_of(&issues), "somebody-else"), [1, 2, 3]);
    }

    #[test]
    fn an_offer_is_kept_back_from_others_until_it_is_given_back_or_changes() {
        let first = issue(1, Priority::Normal, hours(1));
        let mut queue = queue_of(std::slice::from_ref(&first));
        assert_eq!(offers(&mut queue, "dev-e-node"), [1]);
        assert_eq!(offers(&mut queue, "dev-e-python"), [] as [u64; 0]);
        queue.give_back(&reference(1));
        assert_eq!(offers(&mut queue, "dev-e-python"), [1]);
        queue.update(&first);
        assert_eq!(offers(&mut queue, "dev-e-python"), [1]);
        queue.update(&Issue { phase: Phase::Done, ..first });
        assert!(queue.is_empty());
    }

    #[test]
    fn a_dependency_keeps_back_until_it_is_known_to_be_done() {
        let mut blocked = issue(1, Priority::Critical, hours(1));
        blocked.depends_on = vec![reference(9)];
        let mut queue = ReadyQueue::new(hours(72));
        assert_eq!(queue.update(&blocked), [reference(9)]);
        assert_eq!(offers(&mut queue, "dev-e-node"), [] as [u64; 0]);
        queue.learn_dependency(&reference(9), false);
        assert_eq!(offers(&mut queue, "dev-e-node"), [] as [u64; 0]);
        assert_eq!(queue.list(now())[0].1, [reference(9)]);
        let mut done = issue(9, Priority::Normal, hours(1));
        done.phase = Phase::Done;
        queue.update(&done);
        assert_eq!(offers(&mut queue, "dev-e-node"), [1]);
    }

    #[test]
    fn a_dependency_that_is_cancelled_or_escalated_keeps_the_gate_shut() {
        let mut blocked = issue(1, Priority::Normal, hours(1));
        blocked.depends_on = vec![reference(9)];
        let mut queue = queue_of(&[blocked]);
        for phase in [Phase::Cancelled, Phase::Escalated, Phase::Open, Phase::Unapproved] {
            let mut dependency = issue(9, Priority::Normal, hours(1));
            dependency.phase = phase;
            dependency.paused = true; // not to be offered itself
            queue.update(&dependency);
            assert_eq!(offers(&mut queue, "dev-e-node"), [] as [u64; 0], "{phase}");
        }
    }

    #[test]
    fn what_a_look_up_found_never_overrides_what_was_told_meanwhile() {
        let mut blocked = issue(1, Priority::Normal, hours(1));
        blocked.depends_on = vec![reference(9)];
        let mut queue = ReadyQueue::new(hours(72));
        assert_eq!(queue.update(&blocked), [reference(9)]);
        // Somebody reads the row of #9; before it says what it read, #9 is done.
        let mut done = issue(9, Priority::Normal, hours(1));
        done.phase = Phase::Done;
        queue.update(&done);
        queue.learn_dependency(&reference(9), false);
        assert_eq!(offers(&mut queue, "dev-e-node"), [1]);
    }

    #[test]
    fn whoever_waits_for_itself_is_found_by_the_way_round() {
        let depending = |number, on: &[u64]| Issue {
            depends_on: on.iter().map(|number| reference(*number)).collect(),
            ..issue(number, Priority::Normal, hours(1))
        };
        let queue = queue_of(&[depending(1, &[2]), depending(2, &[3, 4]), depending(3, &[1]), depending(5, &[1])]);
        assert_eq!(queue.cycle_through(&reference(1)), Some(vec![reference(1), reference(2), reference(3)]));
        assert_eq!(queue.cycle_through(&reference(5)), None, "it waits for a cycle, and is none of its members");
        assert_eq!(queue_of(&[depending(1, &[1])]).cycle_through(&reference(1)), Some(vec![reference(1)]));
        assert_eq!(queue.cycle_through(&reference(9)), None);
    }

    #[test]
    fn what_is_paused_keeps_its_place_and_is_offered_to_nobody() {
        let first = Issue { paused: true, ..issue(1, Priority::Normal, hours(2)) };
        let mut queue = queue_of(&[first.clone(), issue(2, Priority::Normal, hours(1))]);
        assert_eq!(offers(&mut queue, "dev-e-node"), [2]);
        let listed: Vec<_> =
            queue.list(now()).into_iter().map(|(entry, _)| (entry.issue.number, entry.paused)).collect();
        assert_eq!(listed, [(1, true), (2, false)]);
        queue.update(&Issue { paused: false, ..first });
        assert_eq!(offers(&mut queue, "dev-e-node"), [1]);
    }

    #[test]
    fn rework_too_goes_by_priority() {
        let rework = |number, priority, waited| {
            let mut issue = issue(number, priority, waited);
            let pr = reference(number + 50);
            let reported = crate::event::PrReported {
                agent: AgentId::parse("dev-e-node"),
                author: None,
                pr_repo: pr.repo.clone(),
                pr_number: pr.number,
                pr_url: None,
                branch: None,
                head_sha: None,
                provisional: false,
            };
            let mut standing = crate::event::Standing::reported(pr.clone(), issue.reference.clone(), &reported);
            standing.conflict = true;
            let mut pull = crate::issue::KnownPull::new(standing, crate::event::PrRole::Current);
            pull.agent = reported.agent;
            issue.pulls.insert(pr.clone(), pull);
            issue.current = Some(pr);
            issue.rework_since = Some(now());
            issue
        };
        let mut queue = queue_of(&[rework(1, Priority::Normal, hours(2)), rework(2, Priority::Critical, hours(1))]);
        assert_eq!(offers(&mut queue, "dev-e-node"), [2, 1]);
    }
}
