//! Who calls: the one place where a request gets its identity.
//!
//! Identity is `open` so far, which serves loopback alone: whoever names an agent is taken at its word and acts in that
//! agent's role, whoever names none acts as operator. Tokens will be read here, and nowhere else.

use conductor_core::authority::{Caller, standing_of};
use conductor_core::decider::Refusal;
use conductor_core::identity::Claimant;
use conductor_core::roster::Policy;

/// What an operator without a token is called on record.
const LOCAL_OPERATOR: &str = "local";

/// The caller of a request that names this agent, or none.
///
/// # Errors
/// [`Refusal::Forbidden`] for an agent outside the roster where such are refused.
pub fn identify(policy: &Policy, named: Option<Claimant>) -> Result<Caller, Refusal> {
    match named {
        Some(claimant) => standing_of(policy, &claimant.agent).map(|_| Caller::Agent(claimant)),
        None => Ok(Caller::Operator(LOCAL_OPERATOR.to_owned())),
    }
}

/// The caller as one text, for scopes of idempotency keys and log lines: instances are told apart.
#[must_use]
pub fn name_of(caller: &Caller) -> String {
    match caller {
        Caller::Agent(claimant) => format!("agent:{claimant}"),
        Caller::Operator(name) => format!("operator:{name}"),
        Caller::Viewer(name) => format!("viewer:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::roster::{GitHubMode, UnknownAgents};

    #[test]
    fn whoever_names_no_agent_is_the_operator() {
        let policy = Policy::built_in(GitHubMode::None);
        assert_eq!(name_of(&identify(&policy, None).unwrap()), "operator:local");
        let named = identify(&policy, Claimant::parse("dev-e-node/ab12c")).unwrap();
        assert_eq!(name_of(&named), "agent:dev-e-node/ab12c");
    }

    #[test]
    fn an_agent_outside_the_roster_is_refused_where_the_policy_says_so() {
        let policy = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        assert!(matches!(identify(&policy, Claimant::parse("stranger")), Err(Refusal::Forbidden { .. })));
    }
}
