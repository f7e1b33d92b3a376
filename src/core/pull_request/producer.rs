//! Who produced a change never approves it: the one place of that rule, asked by every way in.

use std::collections::BTreeMap;

use crate::decider::StreamState;
use crate::identity::{AgentId, Login, StreamId};
use crate::roster::{Policy, Role};

use super::PullRequest;

/// A reviewer, by a login at GitHub or by its id in the roster.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reviewer<'a> {
    Login(&'a Login),
    Agent(&'a AgentId),
}

/// Why the reviewer counts as a producer of the change, under any of its logins; `None` where it doesn't.
pub(crate) fn produced_by(
    pull: &PullRequest,
    reviewer: Reviewer<'_>,
    policy: &Policy,
    neighbours: &BTreeMap<StreamId, StreamState>,
) -> Option<String> {
    let agents: Vec<&AgentId> = match reviewer {
        Reviewer::Login(login) => policy.roster.agents_of(login).map(|profile| &profile.id).collect(),
        Reviewer::Agent(agent) => vec![agent],
    };
    let logins = logins_of(reviewer, &agents, policy);
    let author = pull.author.iter().find(|author| logins.contains(author)).map(|author| format!("{author} opened it"));
    let pusher =
        || pull.pushers.iter().find(|pusher| logins.contains(pusher)).map(|pusher| format!("{pusher} pushed to it"));
    let reporter = || {
        pull.agent
            .as_ref()
            .filter(|agent| agents.contains(agent))
            .map(|agent| format!("{agent} reported it as its own"))
    };
    let holder = || {
        neighbours.values().find_map(|neighbour| match neighbour {
            StreamState::Issue(issue) => issue
                .holders
                .iter()
                .find(|holder| agents.contains(holder))
                .map(|holder| format!("{holder} held a lease of {}", issue.reference)),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        })
    };
    author.or_else(pusher).or_else(reporter).or_else(holder)
}

/// Every login of the person or the agents behind a reviewer.
fn logins_of(reviewer: Reviewer<'_>, agents: &[&AgentId], policy: &Policy) -> Vec<Login> {
    let mut logins: Vec<Login> = agents
        .iter()
        .filter_map(|agent| policy.roster.agent(agent))
        .flat_map(|profile| profile.logins.clone())
        .collect();
    if let Reviewer::Login(login) = reviewer {
        logins.push(login.clone());
        logins.extend(policy.roster.person_of(login).into_iter().flat_map(|person| person.logins.clone()));
    }
    logins
}

/// Whether the reviewer's verdicts count at all: reviewers of the roster, and people with the right to approve.
pub(super) fn may_judge(reviewer: Reviewer<'_>, policy: &Policy) -> bool {
    match reviewer {
        Reviewer::Agent(agent) => policy.roster.agent(agent).is_some_and(|profile| profile.role == Role::Reviewer),
        Reviewer::Login(login) => {
            let mut agents = policy.roster.agents_of(login).peekable();
            if agents.peek().is_some() {
                return agents.all(|profile| profile.role == Role::Reviewer);
            }
            policy.roster.person_of(login).is_some_and(|person| person.approve)
        }
    }
}
