use std::collections::{BTreeMap, BTreeSet};

use crate::decider::StreamState;
use crate::event::{IssueState, Priority, PullRequestState, ReviewState};
use crate::identity::{AgentId, Login};
use crate::issue::Issue;
use crate::pull_request::{PullRequest, Try};

use super::World;

impl World {
    /// The first two invariants of the state machine, and what no sequence may reach.
    pub(super) fn check_invariants(&self) {
        for state in self.states.values() {
            let StreamState::Issue(issue) = state else { continue };
            let Some(state) = issue.state() else {
                assert!(issue.lease.is_none() && issue.current.is_none(), "{}: nobody approved it", issue.reference);
                continue;
            };
            assert!(issue.lease.is_none() || state.allows_holder(), "{}: a holder in {state}", issue.reference);
            assert!(
                issue.current.is_none() || state.allows_current_pull_request(),
                "{}: a pull request in {state}",
                issue.reference
            );
            let open = |pull: &crate::issue::KnownPull| pull.standing.state == PullRequestState::Open;
            assert!(
                issue.current.is_none() || issue.current_pull().is_some_and(open),
                "{}: the current one is open",
                issue.reference
            );
            assert!(issue.strikes <= 2, "{}: a third strike", issue.reference);
            let automatic = matches!(state, IssueState::Queued | IssueState::Assigned | IssueState::InProgress);
            assert!(issue.strikes < 2 || !automatic, "{}: a third attempt in {state}", issue.reference);
        }
    }

    /// At most as many live leases per agent as it may hold, one more for a critical issue, whoever gave them.
    pub(super) fn check_capacity(&self) {
        let mut held: BTreeMap<&AgentId, u32> = BTreeMap::new();
        let mut critical = BTreeSet::new();
        for state in self.states.values() {
            let StreamState::Issue(issue) = state else { continue };
            let Some(lease) = issue.lease.as_ref().filter(|lease| !lease.hook) else { continue };
            *held.entry(&lease.claimant.agent).or_default() += 1;
            if issue.priority == Priority::Critical {
                critical.insert(&lease.claimant.agent);
            }
        }
        for (agent, held) in held {
            let capacity = self.policy.roster.agent(agent).map_or(1, |profile| profile.capacity);
            assert!(held <= capacity + u32::from(critical.contains(agent)), "{agent} holds {held}");
        }
    }

    /// Who produced a change never approves it.
    pub(super) fn check_approvals(&self) {
        for state in self.states.values() {
            let StreamState::PullRequest(pull) = state else { continue };
            let standing = pull.standing();
            if standing.review != ReviewState::Approved {
                continue;
            }
            let reviewer = standing.reviewer.as_deref().and_then(Login::parse);
            assert_ne!(reviewer, pull.author, "{}: approved by its author", pull.reference);
            let by_holder = pull.told.iter().flat_map(|issue| self.issue(issue.number).holders).any(|holder| {
                let profile = self.policy.roster.agent(&holder);
                profile.zip(reviewer.as_ref()).is_some_and(|(profile, login)| profile.logins.contains(login))
            });
            assert!(!by_holder, "{}: approved by who held a lease", pull.reference);
        }
    }

    /// At most one dispatch is open, of a reviewer that may judge, and no head is asked about more often than it may be.
    fn check_tries(&self, pull: &PullRequest, issues: &[Issue]) {
        let open: Vec<&Try> =
            pull.heads.values().flat_map(|head| &head.tries).filter(|tried| tried.end.is_none()).collect();
        let asked: Vec<&AgentId> = pull.dispatch.iter().map(|dispatch| &dispatch.reviewer).collect();
        assert_eq!(open.iter().map(|tried| &tried.reviewer).collect::<Vec<_>>(), asked, "{}", pull.reference);
        for reviewer in asked {
            let profile = self.policy.roster.agent(reviewer).expect("only who is in the roster is asked");
            let pushed = pull.pushers.iter().chain(&pull.author).any(|login| profile.logins.contains(login));
            assert!(!pushed, "{}: {reviewer} is asked about its own change", pull.reference);
        }
        let born = issues.iter().filter_map(|issue| issue.life_since).max();
        for head in pull.heads.values() {
            let counted = head.tries.iter().filter(|tried| Some(tried.at) > born && tried.counts()).count();
            assert!(counted <= 3, "{}: {counted} dispatches about one head", pull.reference);
        }
    }

    /// The third invariant, once the lane is drained: an open dispatch means that one of its issues is in review.
    pub(super) fn check_dispatches(&self) {
        for state in self.states.values() {
            let StreamState::PullRequest(pull) = state else { continue };
            let mut issues: Vec<Issue> = pull.issues().iter().map(|issue| self.issue(issue.number)).collect();
            issues.retain(|issue| issue.state().is_some());
            let in_review = issues.iter().any(|issue| issue.state() == Some(IssueState::InReview));
            assert!(
                pull.dispatch.is_none() || issues.is_empty() || in_review,
                "{}: a dispatch outside review",
                pull.reference
            );
            self.check_tries(pull, &issues);
        }
    }
}
