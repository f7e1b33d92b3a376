//! Who was let in, and as whom it may speak.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use conductor_core::authority::{Caller, membership_of};
use conductor_core::identity::Claimant;
use conductor_core::roster::Policy;
use conductor_core::token::{Bearer, TokenDigest};

use super::rates::Payer;
use crate::error::ApiError;

/// What an operator without a token is called on record.
const LOCAL_OPERATOR: &str = "local";

/// Who was let in. Endpoints take it as an argument; what a request's body or query says of its sender is worth only what
/// the visitor makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    pub(super) standing: Standing,
    pub(super) payer: Payer,
    /// The token that it has shown.
    pub(super) shown: Option<TokenDigest>,
}

/// On what ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has shown a token.
    Bearer(Bearer),
    /// Identity is `open`: taken at its word, and an operator where it names no agent.
    OfThisMachine,
    /// Identity is `trusted-network`: taken to be the agent that it names, and nobody where it names none. It is no
    /// operator: an agent would become one by leaving its name out.
    OfTrustedNetwork,
    /// Here for what needs no token.
    Anybody,
}

impl Visitor {
    /// As whom it speaks in a request that names this agent, or none.
    ///
    /// # Errors
    /// 403 for an agent's token with another agent's name, and for an agent that is refused; 401 for who is nobody yet.
    pub fn caller(&self, policy: &Policy, named: Option<Claimant>) -> Result<Caller, ApiError> {
        match (&self.standing, named) {
            (Standing::Bearer(Bearer::Agent(own)), Some(named)) if named.agent != *own => {
                Err(ApiError::forbidden(format!(
                    "this token speaks for {own} alone, not for {}: leave agentId out, or send {own} or an instance of it",
                    named.agent
                )))
            }
            (Standing::Bearer(Bearer::Agent(own)), named) => {
                Ok(Caller::Agent(named.unwrap_or_else(|| Claimant::bare(own.clone()))))
            }
            // The token's name, whoever the request names beside.
            (Standing::Bearer(Bearer::Operator(name)), _) => Ok(Caller::Operator(name.clone())),
            (Standing::Bearer(Bearer::Viewer(name)), _) => Ok(Caller::Viewer(name.clone())),
            (Standing::OfThisMachine | Standing::OfTrustedNetwork, Some(claimant)) => {
                membership_of(policy, &claimant.agent)?;
                Ok(Caller::Agent(claimant))
            }
            (Standing::OfThisMachine, None) => Ok(Caller::Operator(LOCAL_OPERATOR.to_owned())),
            (Standing::OfTrustedNetwork, None) => Err(ApiError::unauthorized(
                "say in agentId which agent you are, or show an operator's token (Authorization: Bearer …)",
            )),
            (Standing::Anybody, _) => Err(ApiError::unauthorized("show a token (Authorization: Bearer …)")),
        }
    }

    /// As which agent it speaks, in a request that names this one, or none.
    ///
    /// # Errors
    /// As for [`Visitor::caller`]; 400 where nobody is named who could be believed, 403 for a person.
    pub fn agent(&self, policy: &Policy, named: Option<Claimant>) -> Result<Claimant, ApiError> {
        if named.is_none() && self.is_taken_at_its_word() {
            return Err(ApiError::malformed("agentId is missing: say which agent you are"));
        }
        match self.caller(policy, named)? {
            Caller::Agent(claimant) => Ok(claimant),
            Caller::Operator(name) | Caller::Viewer(name) => Err(is_a_person(&name)),
        }
    }

    /// Whether it may be an agent, whichever: asked before anything is looked up for it.
    ///
    /// # Errors
    /// 403 for a person.
    pub fn may_be_an_agent(&self) -> Result<(), ApiError> {
        match &self.standing {
            Standing::Bearer(Bearer::Operator(name) | Bearer::Viewer(name)) => Err(is_a_person(name)),
            Standing::Bearer(Bearer::Agent(_))
            | Standing::OfThisMachine
            | Standing::OfTrustedNetwork
            | Standing::Anybody => Ok(()),
        }
    }

    /// The name under which it acts as operator.
    ///
    /// # Errors
    /// 403 for an agent or a viewer, 401 for who has shown no token where one is needed.
    pub fn operator(&self) -> Result<String, ApiError> {
        match &self.standing {
            Standing::Bearer(Bearer::Operator(name)) => Ok(name.clone()),
            Standing::OfThisMachine => Ok(LOCAL_OPERATOR.to_owned()),
            Standing::Bearer(Bearer::Agent(agent)) => Err(ApiError::forbidden(format!(
                "only an operator may do this, and {agent} is an agent: show an operator's token"
            ))),
            Standing::Bearer(Bearer::Viewer(name)) => Err(ApiError::forbidden(format!(
                "only an operator may do this, and {name} is a viewer: show an operator's token"
            ))),
            Standing::OfTrustedNetwork | Standing::Anybody => {
                Err(ApiError::unauthorized("show an operator's token (Authorization: Bearer …)"))
            }
        }
    }

    /// Whether it is nobody but who it says it is.
    #[must_use]
    pub fn is_taken_at_its_word(&self) -> bool {
        match self.standing {
            Standing::OfThisMachine | Standing::OfTrustedNetwork | Standing::Anybody => true,
            Standing::Bearer(_) => false,
        }
    }

    /// As whom it is told from others where places are few; `None` for a program of this machine that shows no token, since all
    /// of those share one address.
    #[must_use]
    pub fn told_apart_as(&self) -> Option<&Payer> {
        match self.standing {
            Standing::OfThisMachine => None,
            Standing::Bearer(_) | Standing::OfTrustedNetwork | Standing::Anybody => Some(&self.payer),
        }
    }

    /// Who pays for its requests.
    #[must_use]
    pub fn payer(&self) -> &Payer {
        &self.payer
    }
}

fn is_a_person(name: &str) -> ApiError {
    ApiError::forbidden(format!(
        "this is for agents alone, and {name} is a person: show the agent's own token; where identity is open, show none and \
         say ?agentId=<agent>"
    ))
}

impl FromRequest for Visitor {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    /// Fails closed: a request that came past the admission is nobody's.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admitted = request.extensions().get::<Self>().cloned();
        ready(admitted.ok_or_else(|| ApiError::unauthorized("show a token (Authorization: Bearer …)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::identity::AgentId;
    use conductor_core::roster::{GitHubMode, UnknownAgents};

    fn visitor(standing: Standing) -> Visitor {
        Visitor { standing, payer: Payer::of_address(None), shown: None }
    }

    fn caller(standing: Standing, named: Option<&str>) -> Result<String, u16> {
        let policy = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        let caller = visitor(standing).caller(&policy, named.and_then(Claimant::parse));
        caller.map(|caller| super::super::name_of(&caller)).map_err(|refused| refused.status().as_u16())
    }

    #[test]
    fn an_agents_token_speaks_for_that_agent_alone() {
        let agent = || Standing::Bearer(Bearer::Agent(AgentId::parse("dev-e-node").unwrap()));
        assert_eq!(caller(agent(), None).unwrap(), "agent:dev-e-node");
        assert_eq!(caller(agent(), Some("dev-e-node")).unwrap(), "agent:dev-e-node");
        assert_eq!(caller(agent(), Some("dev-e-node/ab12c")).unwrap(), "agent:dev-e-node/ab12c");
        for other in ["review-e", "dev-e-nod", "DEV-E-NODE", "dev-e-python/dev-e-node"] {
            assert_eq!(caller(agent(), Some(other)), Err(403), "{other}");
        }
    }

    #[test]
    fn a_persons_token_speaks_in_the_persons_name_whoever_is_named_beside() {
        for named in [None, Some("dev-e-node")] {
            assert_eq!(caller(Standing::Bearer(Bearer::Operator("ada".into())), named).unwrap(), "operator:ada");
            assert_eq!(caller(Standing::Bearer(Bearer::Viewer("eve".into())), named).unwrap(), "viewer:eve");
        }
    }

    #[test]
    fn without_a_token_the_name_is_believed_and_only_this_machine_operates() {
        for trusted in [Standing::OfThisMachine, Standing::OfTrustedNetwork] {
            assert_eq!(caller(trusted.clone(), Some("review-e")).unwrap(), "agent:review-e");
            assert_eq!(caller(trusted, Some("stranger")), Err(403));
        }
        assert_eq!(caller(Standing::OfThisMachine, None).unwrap(), "operator:local");
        assert_eq!(caller(Standing::OfTrustedNetwork, None), Err(401));
        assert_eq!(caller(Standing::Anybody, Some("dev-e-node")), Err(401));
    }

    #[test]
    fn a_person_is_no_agent_and_who_is_believed_must_say_who_it_is() {
        let agent = |standing, named: Option<&str>| {
            let policy = Policy::built_in(GitHubMode::None);
            let spoken = visitor(standing).agent(&policy, named.and_then(Claimant::parse));
            spoken.map(|agent| agent.to_string()).map_err(|refused| refused.status().as_u16())
        };
        let own = Standing::Bearer(Bearer::Agent(AgentId::parse("dev-e-node").unwrap()));
        assert_eq!(agent(own.clone(), None), Ok("dev-e-node".to_owned()));
        assert_eq!(agent(own, Some("review-e")), Err(403));
        assert_eq!(agent(Standing::Bearer(Bearer::Operator("ada".into())), Some("dev-e-node")), Err(403));
        for trusted in [Standing::OfThisMachine, Standing::OfTrustedNetwork] {
            assert_eq!(agent(trusted.clone(), Some("dev-e-node/a")), Ok("dev-e-node/a".to_owned()));
            assert_eq!(agent(trusted, None), Err(400));
        }
        assert_eq!(agent(Standing::Anybody, Some("dev-e-node")), Err(401));
    }

    #[test]
    fn only_operators_operate() {
        let operator = |standing| visitor(standing).operator().map_err(|refused| refused.status().as_u16());
        assert_eq!(operator(Standing::Bearer(Bearer::Operator("ada".into()))), Ok("ada".to_owned()));
        assert_eq!(operator(Standing::OfThisMachine), Ok("local".to_owned()));
        assert_eq!(operator(Standing::Bearer(Bearer::Viewer("eve".into()))), Err(403));
        assert_eq!(operator(Standing::Bearer(Bearer::Agent(AgentId::parse("review-e").unwrap()))), Err(403));
        assert_eq!(operator(Standing::OfTrustedNetwork), Err(401));
        assert_eq!(operator(Standing::Anybody), Err(401));
    }
}
